//! What a limiter may have in the store.

use tidegate::{Algorithm, Limit, RateLimiterConfig};

use crate::strategies::rate_limiter::settings::{capacity, longest_wait_us};

/// The most cells of a key, and how long they may live, in milliseconds.
pub(crate) fn bounds(config: &RateLimiterConfig) -> (usize, u64) {
    (most_cells(config), longest_ms(config))
}

/// The most cells: the queue, and for each limit two. Of a strict window four, since what hosts
/// count in an open group is beside the others. Of a bucket four, since that knows what was given
/// back and when, and by which limit it is counted.
fn most_cells(config: &RateLimiterConfig) -> usize {
    let of = |limit: &Limit| match limit.algorithm {
        Algorithm::SlidingWindow { .. } | Algorithm::Gcra { .. } | Algorithm::TokenBucket { .. } => 4,
        _ => 2,
    };
    1 + config.limits.iter().map(of).sum::<usize>()
}

/// How much longer than its use what says by which limit a bucket is counted lives at least, so
/// that it need not be put with every call.
const SPARE_MS: u64 = 1_000;

/// How long a cell may live: as long as a permit counts, in whole sub-windows, or one may wait, and
/// the second by which a commit may be late; for as long again, or the spare time, what says by
/// which limit a bucket is counted.
fn longest_ms(config: &RateLimiterConfig) -> u64 {
    let wait_ms = longest_wait_us(&config.on_limit) / 1_000;
    let window_ms = |limit: &Limit| {
        let burst = u64::from(capacity(limit));
        // A bucket fills up in `burst / limit` windows, a window counts for two at most.
        limit.window_count * (2 + burst.div_ceil(u64::from(limit.limit)))
    };
    let use_ms = config.limits.iter().map(window_ms).max().unwrap_or(0) + wait_ms;
    let is_bucket = |limit: &Limit| matches!(limit.algorithm, Algorithm::Gcra { .. } | Algorithm::TokenBucket { .. });
    let spare_ms = if config.limits.iter().any(is_bucket) { use_ms.max(SPARE_MS) } else { 0 };
    use_ms + spare_ms + 2_000
}
