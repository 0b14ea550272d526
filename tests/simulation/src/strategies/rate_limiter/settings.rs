//! What follows from a limiter's settings.

use tidegate::{OnLimit, RateLimiterConfig};

/// The most that a limiter can admit at once. With a lease, a bucket works with what its burst is
/// above what comes back in the lease's life.
pub(crate) fn room(config: &RateLimiterConfig) -> u32 {
    let life_ms = config.lease.map_or(0, |lease| lease.life_ms);
    let of = |limit: &tidegate::Limit| match limit.algorithm {
        tidegate::Algorithm::Gcra { .. } | tidegate::Algorithm::TokenBucket { .. } => {
            let comes_back = (life_ms * u64::from(limit.limit)).div_ceil(limit.window_count);
            capacity(limit).saturating_sub(u32::try_from(comes_back).unwrap_or(u32::MAX))
        }
        _ => limit.limit,
    };
    config.limits.iter().map(of).min().unwrap_or(1)
}

/// The most that a limit can admit at once.
pub(crate) fn capacity(limit: &tidegate::Limit) -> u32 {
    match limit.algorithm {
        tidegate::Algorithm::Gcra { burst } | tidegate::Algorithm::TokenBucket { burst } => {
            burst.unwrap_or(limit.limit)
        }
        _ => limit.limit,
    }
}

/// How long a waiter of a limiter waits at most, in microseconds.
pub(crate) fn longest_wait_us(on_limit: &OnLimit) -> u64 {
    1_000
        * match *on_limit {
            OnLimit::Reject => 0,
            OnLimit::Delay { max_wait_ms } => max_wait_ms,
            OnLimit::Queue { timeout_ms, grace_ms, .. } => timeout_ms + grace_ms.unwrap_or(1_000),
        }
}

/// After so long nothing that was charged counts any more, and nobody waits, in microseconds.
pub(crate) fn rest_us(config: &RateLimiterConfig) -> u64 {
    let fills = |limit: &tidegate::Limit| u64::from(capacity(limit).div_ceil(limit.limit));
    let window_ms = config.limits.iter().map(|limit| limit.window_count * (3 + fills(limit))).max().unwrap_or(0);
    window_ms * 1_000 + longest_wait_us(&config.on_limit)
}

/// The longest that a permit counts, in microseconds.
pub(crate) fn longest_counted_us(config: &RateLimiterConfig) -> u64 {
    let window_ms = config.limits.iter().map(|limit| limit.window_count).max().unwrap_or(0);
    (window_ms + config.lease.map_or(0, |lease| lease.life_ms)) * 1_000
}

/// The settings in a line.
pub(crate) fn described(config: &RateLimiterConfig) -> String {
    let RateLimiterConfig { name, limits, on_limit, lease, when_away } = config;
    format!("limiter {name}: {limits:?}, {on_limit:?}, {lease:?}, when away {when_away:?}")
}
