//! What a share knows of the limiter that was divided.

/// The limiter that was divided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole {
    /// The most permits that fit at once in the whole.
    pub(super) most: u32,
    /// The longest window.
    pub(super) window_us: u64,
}
