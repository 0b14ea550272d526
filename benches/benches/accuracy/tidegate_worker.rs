//! A worker that asks Tidegate.

use std::io::{BufRead as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tidegate::{Algorithm, Lease, Limit, RateLimiter, RateLimiterConfig, Redis, Tidegate};
use tokio::sync::Mutex;

use crate::LIMIT;
use crate::team::{Admitted, now_us};

const CALLERS: usize = 16;
/// How long a caller waits between two calls: a worker does other things too.
const PAUSE: Duration = Duration::from_millis(2);

/// What it can be told to ask.
pub(crate) const LIMITERS: &[&str] = &[
    "sliding window (default)",
    "sliding log",
    "gcra",
    "gcra, burst 10",
    "token bucket",
    "fixed window",
    "sliding window counter",
    "sliding window with leases of 100 ms",
    "gcra, burst 20, with leases of 100 ms",
];

pub(crate) fn run(url: &str, limiter: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let limiter = runtime.block_on(open(url, limiter))?;
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let times: Vec<u64> = line?.split(' ').map(str::parse).collect::<Result<_, _>>()?;
        let [open_us, from_us, to_us] = times[..] else { bail!("an order has three times") };
        let admitted = runtime.block_on(round(&limiter, open_us, from_us, to_us))?;
        let mut out = std::io::stdout().lock();
        for Admitted { asked_us, answered_us } in admitted {
            writeln!(out, "{asked_us} {answered_us}")?;
        }
        writeln!(out, "done")?;
    }
    Ok(())
}

async fn open(url: &str, name: &str) -> Result<RateLimiter> {
    let algorithm = match name {
        "sliding window (default)" | "sliding window with leases of 100 ms" => Algorithm::default(),
        "sliding log" => Algorithm::SlidingLog,
        "gcra" => Algorithm::Gcra { burst: None },
        "gcra, burst 10" => Algorithm::Gcra { burst: Some(10) },
        "gcra, burst 20, with leases of 100 ms" => Algorithm::Gcra { burst: Some(20) },
        "token bucket" => Algorithm::TokenBucket { burst: None },
        "fixed window" => Algorithm::FixedWindow,
        "sliding window counter" => Algorithm::SlidingWindowCounter,
        _ => bail!("there is no limiter {name:?}"),
    };
    let store = Redis::builder(url).timeout_ms(10_000).connect().await?;
    let mut config = RateLimiterConfig::new(name, Limit::per_second(LIMIT).by(algorithm));
    if name.contains("leases") {
        config = config.lease(Lease::new(20, Duration::from_millis(100)));
    }
    Ok(Tidegate::builder().store(store).build()?.rate_limiter(config)?)
}

async fn round(limiter: &RateLimiter, open_us: u64, from_us: u64, to_us: u64) -> Result<Vec<Admitted>> {
    let admitted = Arc::new(Mutex::new(Vec::new()));
    if open_us > 0 {
        sleep_until(open_us).await?;
        ask(limiter, &admitted).await?;
    }
    let caller = || tokio::spawn(caller(limiter.clone(), Arc::clone(&admitted), from_us, to_us));
    let callers: Vec<_> = (0..CALLERS).map(|_| caller()).collect();
    for caller in callers {
        caller.await??;
    }
    Ok(Arc::into_inner(admitted).context("all callers are done")?.into_inner())
}

async fn caller(limiter: RateLimiter, admitted: Arc<Mutex<Vec<Admitted>>>, from_us: u64, to_us: u64) -> Result<()> {
    sleep_until(from_us).await?;
    while now_us()? < to_us {
        ask(&limiter, &admitted).await?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

async fn ask(limiter: &RateLimiter, admitted: &Mutex<Vec<Admitted>>) -> Result<()> {
    let asked_us = now_us()?;
    if limiter.try_acquire("key").await?.is_allowed() {
        let answered_us = now_us()?;
        admitted.lock().await.push(Admitted { asked_us, answered_us });
    }
    Ok(())
}

async fn sleep_until(time_us: u64) -> Result<()> {
    tokio::time::sleep(Duration::from_micros(time_us.saturating_sub(now_us()?))).await;
    Ok(())
}
