//! Conversions between `Duration` and the contract's whole numbers.

use std::time::Duration;

/// Whole milliseconds, rounded up.
pub(crate) fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX)
}
