//! The windows of limits, and where the permits of each are counted.

use alloc::format;
use alloc::string::String;

use super::group_rules::cells_of;
use super::types::{Algorithm, Config, Limit, Window, WindowUnit};
use crate::parts::geometry::field;

pub(crate) const MAX_WINDOW_MS: u64 = 366 * 86_400_000;

/// How long a permit counts: a window. Where it is counted from its own time on, also the time for
/// which it may be held.
pub(super) fn counted_us(limit: &Limit, life_us: u64) -> Option<u64> {
    let held_us = match limit.algorithm {
        Algorithm::SlidingWindow { .. } | Algorithm::SlidingLog => life_us,
        _ => 0,
    };
    Some(window_us(limit.window)? + held_us)
}

/// The longest that a permit can count: one window in a sliding log, two in any other window, and
/// in a bucket as many whole windows as a full burst takes to come back. The time for which it may
/// be held counts as above.
pub(super) fn counts_for_us(config: &Config) -> u64 {
    let life_us = life_us(config);
    let longest_us = |limit: &Limit| {
        let windows = match limit.algorithm {
            Algorithm::Gcra { burst } | Algorithm::TokenBucket { burst } => {
                burst.unwrap_or(limit.limit).div_ceil(limit.limit.max(1)).max(1)
            }
            Algorithm::SlidingLog => 1,
            Algorithm::SlidingWindow { .. } | Algorithm::FixedWindow | Algorithm::SlidingWindowCounter => 2,
        };
        counted_us(limit, life_us).unwrap_or(0).saturating_mul(u64::from(windows))
    };
    config.limits.iter().map(longest_us).max().unwrap_or(0)
}

pub(crate) fn window_us(window: Window) -> Option<u64> {
    let unit_ms = match window.unit {
        WindowUnit::Millisecond => 1,
        WindowUnit::Second => 1_000,
        WindowUnit::Minute => 60_000,
        WindowUnit::Hour => 3_600_000,
        WindowUnit::Day => 86_400_000,
    };
    let ms = window.count.checked_mul(unit_ms)?;
    (1..=MAX_WINDOW_MS).contains(&ms).then(|| ms * 1_000)
}

/// The cells of a bucket as this limit counts it. Without a limit: those that say which limit
/// counts.
pub(crate) fn bucket_geometry(window_us: u64, limit: Option<u32>, ordinal: u32) -> u32 {
    let text = match (limit, ordinal) {
        (Some(limit), 0) => format!("bucket {window_us} {limit}"),
        (Some(limit), ordinal) => format!("bucket {window_us} {limit} {ordinal}"),
        (None, ordinal) => format!("rate {window_us} {ordinal}"),
    };
    field(&text)
}

/// What the meaning of a limit's cells depends on, as the upper 24 bits of their field numbers.
/// Counts of permits mean the same under another limit, so a raised limit goes on from the same
/// counts. For buckets see `rate.rs`.
pub(crate) fn geometry(limit: &Limit, life_us: u64) -> Option<u32> {
    let window_us = counted_us(limit, life_us)?;
    let (tag, detail) = match limit.algorithm {
        Algorithm::SlidingWindow { sub_windows } => ("sliding-window", u64::from(cells_of(sub_windows))),
        Algorithm::Gcra { .. } | Algorithm::TokenBucket { .. } => ("bucket", u64::from(limit.limit)),
        Algorithm::FixedWindow => ("fixed-window", 0),
        Algorithm::SlidingWindowCounter => ("sliding-window-counter", 0),
        Algorithm::SlidingLog => ("sliding-log", 0),
    };
    let text: String = format!("{tag} {window_us} {detail}");
    Some(field(&text))
}

pub(super) fn is_bucket(limit: &Limit) -> bool {
    matches!(limit.algorithm, Algorithm::Gcra { .. } | Algorithm::TokenBucket { .. })
}

/// How long a permit may be held; 0 where there are no leases.
pub(crate) fn life_us(config: &Config) -> u64 {
    config.lease.map_or(0, |lease| lease.life_ms * 1_000)
}
