//! The time, as all processes of this machine see it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since 1970.
pub(crate) fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Milliseconds from one time to another; 0 where that is earlier.
pub(crate) fn ms_since(start_us: u64, at_us: u64) -> u64 {
    at_us.saturating_sub(start_us) / 1_000
}
