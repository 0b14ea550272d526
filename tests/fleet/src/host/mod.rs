//! A host of the fleet: connects to the store it is told, then does what it is told on stdin and
//! answers on stdout.

mod clock;
mod endure;
mod work;

use std::io::{Write as _, stdin, stdout};

use anyhow::{Context as _, Result};
use tidegate::store::redis::Redis;
use tidegate::{Limit, RateLimiterConfig, Tidegate};
use tokio::runtime::Runtime;

use self::clock::AheadClock;
use self::endure::Endurance;
use self::work::Host;
use crate::protocol::{Answer, Place, Said};

/// A machine that is busy with other tests takes its time; a call that failed for that would show
/// nothing.
const STORE_LIMIT_MS: u64 = 30_000;

/// Connecting takes several round trips.
const MIN_CONNECT_LIMIT_MS: u64 = 2_000;

/// How often the store is asked for its time, in effect, before work starts: the quickest answer
/// tells it well.
const WARM_UP_CALLS: u32 = 20;

/// What a worker's program does. Ends when stdin does.
///
/// # Errors
/// If the place is missing or cannot be connected to, or the test is gone.
pub fn main() -> Result<()> {
    let place = std::env::args().nth(1).context("the place is missing: see the protocol")?;
    let place: Place = serde_json::from_str(&place)?;
    let runtime = Runtime::new()?;
    let endurance = Endurance::new(place.journal.as_deref())?;
    let mut host = Host::new(runtime.block_on(open(&place))?, endurance);
    say(&Answer::Said(Said::Ready))?;
    for line in stdin().lines() {
        let command = serde_json::from_str(&line?)?;
        let answer = runtime.block_on(host.answer(command));
        say(&answer.unwrap_or_else(|error| Answer::Said(Said::Failed(error.to_string()))))?;
    }
    Ok(())
}

async fn open(place: &Place) -> Result<Tidegate> {
    let (first, others) = place.urls.split_first().context("no URL")?;
    let timeout_ms = place.timeout_ms.unwrap_or(STORE_LIMIT_MS);
    let mut builder =
        Redis::builder(first).timeout_ms(timeout_ms).connect_timeout_ms(timeout_ms.max(MIN_CONNECT_LIMIT_MS));
    if place.is_cluster {
        builder = others.iter().fold(builder.cluster(), |builder, url| builder.node(url));
    }
    if let Some(pem) = &place.root_certificate {
        builder = builder.root_certificate(pem.as_bytes());
    }
    let clock = AheadClock::new(place.clock_ahead_ms);
    let gate = Tidegate::builder().store(builder.connect().await?).clock(clock).build()?;
    let limiter = gate.rate_limiter(RateLimiterConfig::new("warm-up", Limit::per_second(1)))?;
    for _ in 0..WARM_UP_CALLS {
        // With a short limit, one may fail on a busy machine. Work tells of a store that is not
        // there.
        let _ = limiter.peek("").await;
    }
    Ok(gate)
}

fn say(answer: &Answer) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{}", serde_json::to_string(answer)?)?;
    Ok(out.flush()?)
}
