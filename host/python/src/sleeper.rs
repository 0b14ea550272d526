//! Waits for a future on a thread of Python's.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pyo3::prelude::*;
use tokio::runtime::Handle;

/// How often a waiting thread looks for signals, so that Ctrl-C ends a wait. Python delivers them to its main thread only.
const SIGNALS_EVERY: Duration = Duration::from_millis(50);

/// The result of a future, for which other Python threads run meanwhile. A signal whose handler raises drops the future.
pub(crate) fn wait<T: Send>(py: Python<'_>, runtime: &Handle, work: impl Future<Output = T> + Send) -> PyResult<T> {
    py.detach(|| {
        let _entered = runtime.enter();
        let mut work = pin!(work);
        // On the memory store this is all, and no thread is parked.
        if let Poll::Ready(value) = work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Ok(value);
        }
        loop {
            let turn = async { tokio::time::timeout(SIGNALS_EVERY, work.as_mut()).await };
            match runtime.block_on(turn) {
                Ok(value) => return Ok(value),
                Err(_) => look_for_signals()?,
            }
        }
    })
}

/// The exception of a signal's handler.
#[expect(clippy::redundant_closure_for_method_calls, reason = "the method's lifetime is too specific for it")]
fn look_for_signals() -> PyResult<()> {
    Python::attach(|py| py.check_signals())
}
