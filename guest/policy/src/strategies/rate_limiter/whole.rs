//! Of what a limiter is a share.

/// What a share is a share of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole {
    /// The most permits that fit at once in the whole.
    pub(super) most: u32,
    /// The longest window.
    pub(super) window_us: u64,
}
