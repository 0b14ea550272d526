//! How the cost of a decision grows with what there is to do: callers, keys, entries of a log,
//! waiters in a queue. Prints a table a curve; a flat line costs the same whatever the size.

mod callers;
mod keys;
mod states;

use std::time::Duration;

use anyhow::Result;
use tidegate::{Limit, RateLimiter, RateLimiterConfig, Redis, Tidegate};
use tidegate_benches::callers::runtime;
use tidegate_benches::group::Group;
use tidegate_benches::plain_redis::PlainRedis;
use tidegate_benches::settings::Settings;
use tidegate_benches::table;
use tidegate_test_support::redis_server::RedisServer;
use tokio::runtime::Runtime;

fn main() -> Result<()> {
    // Curves are about shapes: a rough time of each point will do.
    let settings = Settings { quick: true, ..Settings::from_args()? };
    callers::measure(&settings)?;
    keys::measure(&settings)?;
    states::measure(&settings)
}

/// Measures the works of a group at each size, and prints a line for each work.
fn curve<'a>(
    settings: &Settings,
    sizes_of: &str,
    sizes: &[u64],
    group: impl Fn(u64, Group<'a>) -> Result<Group<'a>>,
) -> Result<()> {
    if !settings.wants(sizes_of) {
        return Ok(());
    }
    let mut lines: Vec<(String, Vec<f64>)> = Vec::new();
    for &size in sizes {
        let title = format!("{sizes_of}: {}", table::grouped(size));
        for line in group(size, Group::new(title))?.measure(settings).lines {
            match lines.iter_mut().find(|(name, _)| *name == line.name) {
                Some((_, times)) => times.push(line.ns),
                None => lines.push((line.name, vec![line.ns])),
            }
        }
    }
    table::print_curves(sizes_of, sizes, &lines);
    Ok(())
}

/// A server of its own, and the clients that are held against each other.
struct Shared {
    runtime: Runtime,
    plain: PlainRedis,
    gate: Tidegate,
    _server: RedisServer,
}

impl Shared {
    fn start() -> Result<Self> {
        let server = RedisServer::start()?;
        let runtime = runtime()?;
        let plain = runtime.block_on(PlainRedis::connect(&server.url()))?;
        let store = runtime.block_on(Redis::builder(&server.url()).timeout_ms(10_000).connect())?;
        // Every refusal is the store's: what is measured here is not how well refusals are
        // remembered.
        let gate = Tidegate::builder().store(store).max_staleness(Duration::ZERO).build()?;
        Ok(Self { runtime, plain, gate, _server: server })
    }

    fn limiter(&self, name: &str, limit: Limit) -> Result<RateLimiter> {
        Ok(self.gate.rate_limiter(RateLimiterConfig::new(name, limit))?)
    }
}
