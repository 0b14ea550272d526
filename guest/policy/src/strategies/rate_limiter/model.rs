//! What all algorithms have in common: a limit's state as it was read, and how a call changes it.

/// How full a limit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Permits that count.
    pub(crate) count: u32,
    /// How many may.
    pub(crate) limit: u32,
    /// How many more fit at once.
    pub(crate) remaining: u32,
    /// When nothing counts any more.
    pub(crate) reset_us: u64,
}

/// What is owed is kept for this many windows at most, a whole limit in each.
pub(crate) const DEBT_WINDOWS: u64 = 1_000;

/// What a refund knows of the charge that it gives back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Charge {
    /// When, or at which place.
    pub(crate) at_us: u64,
    /// When the buckets were due to be full just before; no earlier than `at_us` in any case.
    pub(crate) full_at_us: u64,
}

/// A limit's state as it was read. Places can be found and taken on it before anything is stored.
pub(crate) trait Model {
    /// The latest time it has seen; an earlier one counts as that.
    fn seen_us(&self) -> u64;
    /// The first time from `from_us` on at which this many permits fit.
    fn earliest_us(&self, permits: u32, from_us: u64) -> u64;
    /// Takes a place that fits.
    fn charge(&mut self, permits: u32, at_us: u64);
    /// How full it is.
    fn usage(&self, now_us: u64) -> Usage;
    /// The next place from `from_us` on for a part of what is owed, and how much is put there: what
    /// fits at once, or a whole limit.
    fn next_debt(&self, owed: u32, from_us: u64) -> (u64, u32) {
        let Usage { remaining, limit, .. } = self.usage(from_us);
        let part = owed.min(if remaining > 0 { remaining } else { limit });
        (self.earliest_us(part, from_us), part)
    }
}

/// A number that fits a report.
pub(crate) fn saturate(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// How far ahead of now a stored time may lie before it is taken for a stranger's.
pub(crate) const PLAUSIBLE_US: u64 = 86_400_000_000;
