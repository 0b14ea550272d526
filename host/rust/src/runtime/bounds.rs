//! How long a run may take.

/// How long a run may take at most, in milliseconds. It is stopped between one tick before that and
/// then.
pub(super) const LIMIT_MS: u64 = LOOKS * TICK_MS;
/// In how many ticks a run must be at work until it is stopped. The system may take its processor
/// away for many of them at once, on a machine that has more to do than it can; but then the run
/// goes on after one, and is at its end long before the next.
pub(super) const LOOKS: u64 = 4;
/// How long a tick is.
pub(super) const TICK_MS: u64 = 25;
