//! From a seed to limiters.

use tidegate::{Algorithm, Lease, Limit, OnLimit, RateLimiterConfig, WindowUnit};

use crate::random::Random;

pub(crate) fn limiter(random: &mut Random, number: u64) -> RateLimiterConfig {
    let mut config = RateLimiterConfig::new(format!("limiter-{number}"), limit(random));
    if random.chance(200) {
        // Not of the same algorithm and window, which would be counted in the same cells.
        let mut other = limit(random);
        other.window_count = config.limits[0].window_count * 3;
        config = config.and(other);
    }
    config.on_limit(match random.index(3) {
        0 => OnLimit::Reject,
        1 => OnLimit::Delay { max_wait_ms: random.between(1, 800) },
        _ => {
            let timeout_ms = random.between(100, 2_000);
            let grace_ms = Some(random.between(1, 200).min(timeout_ms));
            OnLimit::Queue { max_size: random.small(1, 12), timeout_ms, grace_ms }
        }
    })
}

/// Gives most limiters that reject a lease, and limits so large that there is something to lease.
pub(crate) fn lease(random: &mut Random, config: &mut RateLimiterConfig) {
    if config.on_limit != OnLimit::Reject || random.chance(200) {
        return;
    }
    let life_ms = random.pick(&[20, 80, 150, 150]);
    for (limit, least_ms) in config.limits.iter_mut().zip([4 * life_ms, 12 * life_ms]) {
        limit.limit *= 3;
        // A bucket works with what its burst is above what comes back in the lease's life. And a
        // life that is short beside the window puts nothing to the test.
        limit.window_count = limit.window_count.clamp(least_ms, 2 * least_ms);
        if let Algorithm::Gcra { burst } | Algorithm::TokenBucket { burst } = &mut limit.algorithm {
            *burst = burst.map(|burst| burst.max(limit.limit / 2));
        }
    }
    config.lease = Some(Lease { max_permits: random.small(2, 30).max(2), life_ms });
}

fn limit(random: &mut Random) -> Limit {
    let burst = if random.chance(500) { Some(random.small(3, 20)) } else { None };
    let algorithm = match random.index(6) {
        0 => Algorithm::SlidingWindow { sub_windows: random.pick(&[1, 2, 10, 64]) },
        1 => Algorithm::Gcra { burst },
        2 => Algorithm::TokenBucket { burst },
        3 => Algorithm::FixedWindow,
        4 => Algorithm::SlidingWindowCounter,
        _ => Algorithm::SlidingLog,
    };
    Limit::new(random.small(3, 20), WindowUnit::Millisecond, random.between(50, 1_500)).by(algorithm)
}
