//! Permits that leave together.

/// The greatest limit: no more counts in one group.
pub(crate) const MAX_PERMITS: u64 = u32::MAX as u64;

/// Permits that leave together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    /// The time of the last of them.
    pub(crate) last_us: u64,
    pub(crate) permits: u64,
    /// In a wide group, how long before that the first was given; otherwise 0.
    pub(crate) lasted_us: u64,
}

/// The group that permits are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) first_us: u64,
    pub(crate) last_us: u64,
    pub(crate) permits: u64,
    /// If it is wide, for how long it stays open whatever comes; otherwise 0.
    pub(crate) wide_us: u64,
}
