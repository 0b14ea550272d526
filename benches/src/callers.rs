//! Callers of asynchronous work.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::runtime::Runtime;

/// A runtime of two threads, which is what the machine that the tables are of has.
///
/// # Errors
/// If the system has no threads left.
pub fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

/// Does the work this many times, one after the other. It is given which time it is.
pub fn alone<F: Future<Output = ()>>(runtime: &Runtime, count: u64, work: impl Fn(u64) -> F) -> Duration {
    runtime.block_on(async {
        let start = Instant::now();
        for turn in 0..count {
            work(turn).await;
        }
        start.elapsed()
    })
}

/// Has this many callers do the work this many times in all, each one after the other. It is given
/// which time it is.
///
/// # Panics
/// If the work does.
pub fn together<F, W>(runtime: &Runtime, callers: u64, count: u64, work: &W) -> Duration
where
    F: Future<Output = ()> + Send + 'static,
    W: Fn(u64) -> F + Clone + Send + 'static,
{
    runtime.block_on(async {
        let start = Instant::now();
        let tasks: Vec<_> =
            (0..callers).map(|caller| tokio::spawn(one(caller, callers, count, work.clone()))).collect();
        for task in tasks {
            task.await.expect("a caller does not panic");
        }
        start.elapsed()
    })
}

async fn one<F: Future<Output = ()> + Send + 'static>(
    caller: u64,
    callers: u64,
    count: u64,
    work: impl Fn(u64) -> F + Send,
) {
    let mut turn = caller;
    while turn < count {
        work(turn).await;
        turn += callers;
    }
}
