//! The rules of windowed limits: strict sliding window, fixed window and sliding window counter.
//! They count permits by sub-window (see `window_state.rs`) and differ in which sub-windows count
//! at a time.
//!
//! *Strict*: the open sub-window and the `span` before it count whole. Any span of time as long as
//! the window touches at most `span + 1` sub-windows in a row, so no such span can hold more than
//! the limit. A fixed window is the case `span = 0`.
//!
//! *Weighted* (sliding window counter, as Cloudflare described it in 2017): the open window counts
//! whole, and of the one before as large a share as the last window's length still covers.

use super::model::DEBT_WINDOWS;
use super::role::Role;

/// Which sub-windows count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The open one and this many before it.
    Strict { span: u64 },
    /// The open one, and a share of the one before.
    Weighted,
}

/// A limit counted by sub-windows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Windowed {
    pub(super) head_field: u32,
    pub(super) count_field: u32,
    pub(super) limit: u32,
    pub(super) sub_us: u64,
    pub(super) shape: Shape,
    pub(super) max_wait_us: u64,
}

impl Windowed {
    pub(crate) fn fixed(geometry: u32, limit: u32, window_us: u64, max_wait_us: u64) -> Self {
        Self::new(geometry, limit, window_us, Shape::Strict { span: 0 }, max_wait_us)
    }

    pub(crate) fn counter(geometry: u32, limit: u32, window_us: u64, max_wait_us: u64) -> Self {
        Self::new(geometry, limit, window_us, Shape::Weighted, max_wait_us)
    }

    fn new(geometry: u32, limit: u32, sub_us: u64, shape: Shape, max_wait_us: u64) -> Self {
        let (head_field, count_field) = (geometry | Role::Head as u32, geometry | Role::Count as u32);
        Self { head_field, count_field, limit, sub_us, shape, max_wait_us }
    }

    pub(crate) fn capacity(&self) -> u32 {
        self.limit
    }

    /// How far ahead the places of a debt may lie.
    pub(crate) fn debt_us(&self) -> u64 {
        self.sub_us.saturating_mul(DEBT_WINDOWS)
    }

    /// How many sub-windows before the open one can still count.
    pub(super) fn keep(&self) -> u64 {
        match self.shape {
            Shape::Strict { span } => span,
            Shape::Weighted => 1,
        }
    }
}
