//! What a call that is refused gets instead.

/// What a refused call gets instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FallbackAction {
    /// An error.
    Error,
    /// The fallback value.
    Default,
    /// Nothing.
    Skip,
}
