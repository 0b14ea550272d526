//! Permits that leave together.

/// The greatest limit: no more counts in one group.
pub(crate) const MAX_PERMITS: u64 = u32::MAX as u64;

/// Permits that leave together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    /// The time of the last of them.
    pub(crate) last_us: u64,
    pub(crate) permits: u64,
    /// How long before that the first was given, of a wide group; else 0.
    pub(crate) lasted_us: u64,
}

/// The group that permits are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) first_us: u64,
    pub(crate) last_us: u64,
    pub(crate) permits: u64,
    /// For how long it stays open whatever comes, if it is a wide one; else 0.
    pub(crate) wide_us: u64,
}
