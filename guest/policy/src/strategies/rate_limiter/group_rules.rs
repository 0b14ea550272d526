//! How a limit is counted by groups: how long they last, when they end and when they leave.

use alloc::format;
use alloc::string::String;

use super::group::Open;
use super::model::{DEBT_WINDOWS, saturate};
use super::role::Role;

/// Into how many sub-windows a window is cut by default.
const DEFAULT_SUB_WINDOWS: u32 = 64;
/// The default of earlier versions, where a permit left with its sub-window.
const OLD_DEFAULT: u32 = 10;
/// A group is one part in this many of the limit at most.
const PARTS: u32 = 128;
/// A wide group stays open for this many times the time for which its first call was refused.
const WIDTH: u64 = 4;
/// A wide group lasts for one part in this many of W at most.
const WIDEST: u64 = 8;
/// A group that would be less wide than this is an ordinary one.
const MIN_WIDTH_US: u64 = 1_000;
/// This many groups at most may lie ahead.
const MAX_AHEAD: u64 = 8_000;

/// A limit counted by groups.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grouped {
    pub(super) geometry: u32,
    pub(crate) limit: u32,
    pub(super) window_us: u64,
    pub(super) sub_windows: u32,
    /// After how many permits a group ends.
    pub(crate) most: u32,
    pub(super) max_wait_ms: u32,
}

/// By how many sub-windows the cells of a limit are named. Those of the default are found where
/// they were when it was 10.
pub(crate) fn cells_of(sub_windows: u32) -> u32 {
    if sub_windows == DEFAULT_SUB_WINDOWS { OLD_DEFAULT } else { sub_windows }
}

/// The same in words; empty for the default.
pub(crate) fn parts_in_words(sub_windows: u32) -> String {
    let cells = cells_of(sub_windows);
    if cells == OLD_DEFAULT { String::new() } else { format!(" in {cells} parts") }
}

impl Grouped {
    pub(crate) fn new(geometry: u32, limit: u32, window_us: u64, sub_windows: u32, max_wait_us: u64) -> Self {
        let ahead = u128::from(limit) * u128::from(max_wait_us) / u128::from(window_us);
        let most = u32::try_from(ahead.div_ceil(u128::from(MAX_AHEAD))).unwrap_or(u32::MAX).max(limit / PARTS).max(1);
        Self { geometry, limit, window_us, sub_windows, most, max_wait_ms: saturate(max_wait_us / 1_000) }
    }

    /// How far ahead the places of a debt may lie.
    pub(crate) fn debt_us(&self) -> u64 {
        self.window_us.saturating_mul(DEBT_WINDOWS)
    }

    /// How long a group may last.
    pub(crate) fn span_us(&self) -> u64 {
        (self.window_us / u64::from(self.sub_windows)).max(self.max_wait_us() / MAX_AHEAD)
    }

    /// The sub-windows of values from before there were groups.
    pub(super) fn old_sub_us(&self) -> u64 {
        self.window_us.div_ceil(u64::from(cells_of(self.sub_windows)))
    }

    /// How much later than its place a call may go, since waits are told in whole milliseconds. It
    /// is 0 where a millisecond is much of the window: there, only the places themselves keep the
    /// promise.
    pub(super) fn late_us(&self) -> u16 {
        if self.max_wait_ms > 0 && self.old_sub_us() >= 1_000 { 999 } else { 0 }
    }

    pub(super) fn max_wait_us(&self) -> u64 {
        u64::from(self.max_wait_ms) * 1_000
    }

    pub(crate) fn capacity(&self) -> u32 {
        self.limit
    }

    /// Whether permits of that time may be in an open group.
    pub(crate) fn lasts(&self, open: &Open, at_us: u64) -> bool {
        (open.first_us..=self.ends_us(open)).contains(&at_us)
    }

    /// Until when an open group lasts.
    pub(crate) fn ends_us(&self, open: &Open) -> u64 {
        // A stranger may have written any number.
        let wide_us = open.wide_us.min(self.window_us / WIDEST);
        open.first_us.saturating_add(if wide_us > 0 { wide_us } else { self.span_us() })
    }

    /// How wide the group after `before` is, if the call that opens it was refused for
    /// `refused_ms`; 0: it is an ordinary one.
    pub(super) fn wide_us(&self, before: Option<Open>, at_us: u64, refused_ms: u32) -> u64 {
        let is_close = |open: &Open| at_us <= self.ends_us(open).saturating_add(open.wide_us);
        let kept_us = before.filter(is_close).map_or(0, |open| open.wide_us / 2);
        let wide_us = (u64::from(refused_ms) * 1_000 * WIDTH).max(kept_us).min(self.window_us / WIDEST);
        if wide_us < MIN_WIDTH_US { 0 } else { wide_us }
    }

    /// How much later than one of its permits a group's last may be.
    pub(super) fn longest_us(&self) -> u64 {
        let late_us = self.late_us().into();
        if self.most > 1 { self.span_us() + late_us } else { late_us }
    }

    /// When a group leaves, by the time of its last permit.
    pub(crate) fn leaves_us(&self, last_us: u64) -> u64 {
        last_us.saturating_add(self.window_us)
    }

    /// Which groups count at a time.
    pub(crate) fn counts_at(&self, at_us: u64) -> impl Fn(u64) -> bool + Copy {
        let window_us = self.window_us;
        move |last_us: u64| last_us.saturating_add(window_us) > at_us
    }

    pub(super) fn field(&self, role: Role) -> u32 {
        self.geometry | role as u32
    }

    /// After how many permits an open group ends.
    pub(crate) fn most_in(&self, open: &Open) -> u64 {
        u64::from(if open.wide_us > 0 { self.limit } else { self.most })
    }
}
