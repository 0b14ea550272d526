//! What is known of a windowed limit, and where in it permits fit.

use super::model::{Model, Usage, saturate};
use super::window_rules::{Shape, Windowed};
use super::window_state::Head;

/// A windowed limit's state.
#[derive(Debug, Clone)]
pub(crate) struct WindowModel {
    pub(super) window: Windowed,
    pub(super) head: Head,
    pub(super) count: u64,
}

impl WindowModel {
    /// Closes the sub-windows before that time, and forgets those that no longer count.
    pub(crate) fn pass_to(&mut self, us: u64) {
        let open = us / self.window.sub_us;
        if self.head.open < open {
            self.head.add(self.head.open, self.count);
            (self.head.open, self.count) = (open, 0);
        }
        self.head.forget_before(self.head.open.saturating_sub(self.window.keep()));
    }

    /// When the last permit stops counting.
    pub(super) fn last_use_us(&self) -> u64 {
        let last = self.head.last().unwrap_or(0).max(self.head.open);
        last.saturating_add(self.window.keep() + 1).saturating_mul(self.window.sub_us)
    }

    /// All permits by sub-window.
    fn all(&self) -> Head {
        let mut all = self.head.clone();
        all.add(all.open, self.count);
        all
    }

    /// The permits in the sub-windows `from..=to`.
    fn given(&self, from: u64, to: u64) -> u64 {
        self.head.sum(from, to) + if (from..=to).contains(&self.head.open) { self.count } else { 0 }
    }

    /// How many more permits fit at a time in the open sub-window or after it.
    pub(super) fn room(&self, at_us: u64) -> u64 {
        let open = (at_us / self.window.sub_us).max(self.head.open);
        let counted = match self.window.shape {
            Shape::Strict { span } => self.strict_count(open, span),
            Shape::Weighted => self.weighted_count(open, at_us),
        };
        u64::from(self.window.limit).saturating_sub(counted)
    }

    /// The most that counts together with a permit in `open`: places reserved after it count too.
    fn strict_count(&self, open: u64, span: u64) -> u64 {
        let counted = |last: u64| self.given(last.saturating_sub(span), last);
        let reserved = self.head.given.iter().map(|(index, _)| *index).filter(|index| *index > open);
        reserved.take_while(|index| *index <= open + span).map(counted).fold(counted(open), u64::max)
    }

    /// The weighted count. While a later window holds reserved places, a permit now would take from
    /// what they were promised.
    fn weighted_count(&self, open: u64, at_us: u64) -> u64 {
        if self.head.last().is_some_and(|last| last > open) {
            return u64::from(self.window.limit);
        }
        let at = |index| self.given(index, index);
        let before = open.checked_sub(1).map_or(0, at);
        let left_us = (open + 1).saturating_mul(self.window.sub_us).saturating_sub(at_us).min(self.window.sub_us);
        at(open) + share(before, left_us, self.window.sub_us)
    }

    /// The first sub-window from `from` on at which every run of `span + 1` sub-windows with it has
    /// room.
    ///
    /// A stored head may hold thousands of places, and each of thousands of waiters may ask. So
    /// this ends as soon as no later place can matter.
    fn first_strict(all: impl Iterator<Item = (u64, u64)> + Clone, from: u64, span: u64, room: u64) -> u64 {
        let (mut entering, mut leaving) = (all.clone().peekable(), all);
        let (mut found, mut sum, mut before) = (from, 0_u64, 0_u64);
        let mut next_leaving = leaving.next();
        while let Some((index, permits)) = next_leaving {
            if before > found + span {
                return found;
            }
            let leaves = index + span + 1;
            let next = entering.peek().map_or(leaves, |(enters, _)| leaves.min(*enters));
            if sum > room && next > before.max(found) {
                found = next;
            }
            if next == leaves {
                sum -= permits;
                next_leaving = leaving.next();
            } else if let Some((_, permits)) = entering.next() {
                sum += permits;
            }
            before = next;
        }
        found
    }

    /// The first time from `from_us` on at which the weighted count has room; places are given in
    /// order.
    fn first_weighted(&self, all: &Head, from_us: u64, permits: u64) -> u64 {
        let sub_us = self.window.sub_us;
        let mut at_us = from_us.max(all.last().unwrap_or(0).saturating_mul(sub_us));
        loop {
            let open = at_us / sub_us;
            let before = open.checked_sub(1).map_or(0, |index| all.sum(index, index));
            let taken = all.sum(open, open) + permits;
            if let Some(room) = u64::from(self.window.limit).checked_sub(taken) {
                let covered = covered_at_most(room, before, sub_us);
                let fits_us = ((open + 1) * sub_us).saturating_sub(covered).max(at_us);
                if fits_us < (open + 1) * sub_us {
                    return fits_us;
                }
            }
            at_us = (open + 1) * sub_us;
        }
    }
}

impl Model for WindowModel {
    fn seen_us(&self) -> u64 {
        self.head.open.saturating_mul(self.window.sub_us)
    }

    fn earliest_us(&self, permits: u32, from_us: u64) -> u64 {
        let from_us = from_us.max(self.seen_us());
        match self.window.shape {
            Shape::Weighted => self.first_weighted(&self.all(), from_us, u64::from(permits)),
            Shape::Strict { span } => {
                let room = u64::from(self.window.limit.saturating_sub(permits));
                let first = Self::first_strict(self.head.with(self.count), from_us / self.window.sub_us, span, room);
                from_us.max(first.saturating_mul(self.window.sub_us))
            }
        }
    }

    /// A weighted window takes a whole limit in each window, whatever still counts of the window
    /// before: nobody goes before the last of these places.
    fn next_debt(&self, owed: u32, from_us: u64) -> (u64, u32) {
        let open = from_us.max(self.seen_us()) / self.window.sub_us;
        let Usage { remaining, limit, .. } = self.usage(from_us);
        if self.window.shape != Shape::Weighted || remaining > 0 {
            let part = owed.min(if remaining > 0 { remaining } else { limit });
            return (self.earliest_us(part, from_us), part);
        }
        let last = self.head.last().unwrap_or(0).max(open);
        let room = u64::from(limit).saturating_sub(self.given(last, last));
        let (index, room) = if last > open && room > 0 { (last, room) } else { (last + 1, u64::from(limit)) };
        (index.saturating_mul(self.window.sub_us), owed.min(saturate(room)))
    }

    fn charge(&mut self, permits: u32, at_us: u64) {
        let index = at_us / self.window.sub_us;
        if index == self.head.open {
            self.count += u64::from(permits);
        } else {
            self.head.add(index, u64::from(permits));
        }
    }

    fn usage(&self, now_us: u64) -> Usage {
        let at_us = now_us.max(self.seen_us());
        let open = at_us / self.window.sub_us;
        let counted = match self.window.shape {
            Shape::Strict { span } => self.given(open.saturating_sub(span), u64::MAX),
            Shape::Weighted => {
                let left_us = (open + 1).saturating_mul(self.window.sub_us).saturating_sub(at_us);
                let before = open.checked_sub(1).map_or(0, |index| self.given(index, index));
                self.given(open, u64::MAX) + share(before, left_us, self.window.sub_us)
            }
        };
        let counting = (self.count > 0).then_some(self.head.open);
        let reset_us = match self.head.last().max(counting) {
            Some(last) if last + self.window.keep() >= open => {
                (last + self.window.keep() + 1).saturating_mul(self.window.sub_us)
            }
            _ => now_us,
        };
        Usage { count: saturate(counted), limit: self.window.limit, remaining: saturate(self.room(at_us)), reset_us }
    }
}

/// The share of `permits` that `part` is of `whole`, rounded up.
fn share(permits: u64, part: u64, whole: u64) -> u64 {
    let share = (u128::from(permits) * u128::from(part)).div_ceil(u128::from(whole));
    u64::try_from(share).unwrap_or(u64::MAX)
}

/// The most of the window before that may be covered for its `permits` to count as `room` at most.
fn covered_at_most(room: u64, permits: u64, window_us: u64) -> u64 {
    if permits <= room {
        return window_us;
    }
    let covered = u128::from(room) * u128::from(window_us) / u128::from(permits);
    u64::try_from(covered).unwrap_or(window_us)
}
