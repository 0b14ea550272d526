//! A strict limit's groups as they were read: what counts at a time, when there will be room, and
//! where a permit goes.

use super::group::{Group, Open};
use super::group_rules::Grouped;
use super::group_state::Head;
use super::model::{Model, Usage, saturate};

/// A limit's groups, with what was counted in the open one.
#[derive(Debug, Clone)]
pub(crate) struct GroupModel {
    pub(crate) grouped: Grouped,
    /// Seen now, or at the later time that it was seen at.
    pub(crate) head: Head,
    /// Which of the other cells hold something that the head now has, or that belongs to no head.
    pub(crate) spent: Spent,
    /// How much later than its place a call may go.
    pub(crate) late_us: u16,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spent {
    pub(crate) count: bool,
    pub(crate) last: bool,
    pub(crate) middle: bool,
}

impl GroupModel {
    /// The open group, if permits of now are counted in it and what they depend on is in the head.
    pub(crate) fn counting(&self) -> Option<Open> {
        let asks = self.head.asks_middle(self.grouped.counts_at(self.head.seen_us));
        self.head.open.filter(|open| self.grouped.lasts(open, self.head.seen_us) && !asks)
    }

    /// With what the other cells say of the open group. It lasts no longer than groups do, whatever
    /// a stranger wrote.
    pub(crate) fn with(mut self, count: u64, last_us: u64) -> Self {
        if let Some(open) = &mut self.head.open {
            open.permits = open.permits.saturating_add(count);
            let latest_us = self.grouped.ends_us(open);
            open.last_us = open.last_us.max(last_us.min(latest_us));
        }
        self
    }

    /// How many more permits fit at a time.
    pub(crate) fn room(&self, at_us: u64) -> u64 {
        u64::from(self.grouped.limit).saturating_sub(self.counted(at_us))
    }

    fn counted(&self, at_us: u64) -> u64 {
        let counts = self.grouped.counts_at(at_us);
        let open = self.head.open.filter(|open| counts(open.last_us));
        self.head.counted(counts).saturating_add(open.map_or(0, |open| open.permits))
    }

    /// How many more may be counted in the open group for permits to fit once the groups before the
    /// middle have left. `None`: they do not fit then, or there is no middle.
    pub(crate) fn most_without_middle(&self, permits: u64) -> Option<u64> {
        let at_us = self.head.seen_us;
        let counts = self.grouped.counts_at(at_us);
        let before = self.head.closed[..self.head.middle()?].iter().filter(|group| counts(group.last_us));
        let leaving = before.map(|group| group.permits).fold(0, u64::saturating_add);
        u64::from(self.grouped.limit).checked_sub(permits + self.counted(at_us).saturating_sub(leaving))
    }

    /// Counts permits in the open group while it lasts, or else in a new one, which may be wide.
    pub(crate) fn give(&mut self, permits: u64, at_us: u64, wide_us: u64) {
        let grouped = self.grouped;
        let goes_us = if at_us > self.head.seen_us { at_us.saturating_add(self.late_us.into()) } else { at_us };
        if let Some(open) = &mut self.head.open
            && grouped.lasts(open, at_us)
            && open.permits < grouped.most_in(open)
        {
            open.permits = (open.permits + permits).min(u64::from(u32::MAX));
            open.last_us = open.last_us.max(goes_us);
            return;
        }
        if let Some(Open { first_us, last_us, permits, wide_us }) = self.head.open.take() {
            let lasted_us = if wide_us > 0 { last_us - first_us } else { 0 };
            self.head.close(Group { last_us, permits, lasted_us });
        }
        let last_us = self.head.newest_us().map_or(goes_us, |newest_us| newest_us.max(goes_us));
        if grouped.most > 1 || wide_us > 0 {
            self.head.open = Some(Open { first_us: at_us, last_us, permits, wide_us });
        } else {
            self.head.close(Group { last_us, permits, lasted_us: 0 });
        }
    }
}

impl Model for GroupModel {
    fn seen_us(&self) -> u64 {
        self.head.seen_us
    }

    fn earliest_us(&self, permits: u32, from_us: u64) -> u64 {
        let from_us = from_us.max(self.head.seen_us);
        let room = u64::from(self.grouped.limit.saturating_sub(permits));
        let open = self.head.open.map(|open| (open.last_us, open.permits));
        let groups = self.head.closed.iter().map(|group| (group.last_us, group.permits)).chain(open);
        let mut counted = groups.clone().map(|(_, permits)| permits).fold(0, u64::saturating_add);
        let mut found_us = from_us;
        for (last_us, permits) in groups {
            if counted <= room {
                break;
            }
            counted = counted.saturating_sub(permits);
            found_us = found_us.max(self.grouped.leaves_us(last_us));
        }
        found_us
    }

    fn charge(&mut self, permits: u32, at_us: u64) {
        self.give(u64::from(permits), at_us, 0);
    }

    fn usage(&self, now_us: u64) -> Usage {
        let at_us = now_us.max(self.head.seen_us);
        let open_us = self.head.open.filter(|open| open.permits > 0).map(|open| open.last_us);
        let last_us = self.head.newest_us().max(open_us);
        let reset_us = last_us.map_or(now_us, |last_us| self.grouped.leaves_us(last_us).max(now_us));
        Usage {
            count: saturate(self.counted(at_us)),
            limit: self.grouped.limit,
            remaining: saturate(self.room(at_us)),
            reset_us,
        }
    }
}

impl GroupModel {
    /// From here on, places are those of a debt. Nobody waits for them.
    pub(crate) fn owe(&mut self) {
        self.late_us = 0;
    }

    /// Forgets what no longer counts at that time.
    pub(crate) fn pass_to(&mut self, us: u64) {
        self.head.forget(self.grouped.counts_at(us));
    }
}
