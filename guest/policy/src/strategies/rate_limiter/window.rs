//! Windowed limits: strict sliding window, fixed window and sliding window counter. They count
//! permits by sub-window (see `window_state.rs`) and differ in which sub-windows count at a time.
//!
//! *Strict*: the open sub-window and the `span` before it count whole. Any span of time as long as
//! the window touches at most `span + 1` sub-windows in a row, so no such span can hold more than
//! the limit. A fixed window is the case `span = 0`.
//!
//! *Weighted* (sliding window counter, as Cloudflare described it in 2017): the open window counts
//! whole, and of the one before as large a share as the last window's length still covers.

use alloc::string::ToString;

use crate::kv::Kv;

use super::model::{DEBT_WINDOWS, Model, PLAUSIBLE_US, Usage, saturate};
use super::role::Role;
use super::window_state::Head;
use crate::parts::cells::{Cells, Reading};

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
    head_field: u32,
    count_field: u32,
    limit: u32,
    sub_us: u64,
    shape: Shape,
    max_wait_us: u64,
}

/// A windowed limit's state.
#[derive(Debug, Clone)]
pub(crate) struct WindowModel {
    window: Windowed,
    head: Head,
    count: u64,
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
    fn keep(&self) -> u64 {
        match self.shape {
            Shape::Strict { span } => span,
            Shape::Weighted => 1,
        }
    }

    /// Charges now if it fits. On success also the time it counts at: now, or the latest already
    /// seen.
    pub(crate) fn charge<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        permits: u32,
    ) -> Result<(u64, WindowModel), WindowModel> {
        let model = match self.read_head(cells, now_us, Reading::Validated) {
            Some(head) if head.open >= now_us / self.sub_us => WindowModel { window: *self, head, count: 0 },
            head => self.turn(cells, now_us, permits, head)?,
        };
        let at_us = now_us.max(model.seen_us());
        self.advance(cells, model, at_us, u64::from(permits), 0).map(|model| (at_us, model))
    }

    /// Whether a charge would fit now.
    pub(crate) fn check<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        permits: u32,
    ) -> Result<WindowModel, WindowModel> {
        let head = self.read_head(cells, now_us, Reading::Validated);
        match head {
            Some(head) if head.open >= now_us / self.sub_us => {
                let model = WindowModel { window: *self, head, count: 0 };
                let at_us = now_us.max(model.seen_us());
                self.advance(cells, model, at_us, 0, u64::from(permits))
            }
            head => {
                let model = self.complete(cells, now_us, Reading::Validated, head);
                if model.room(now_us) < u64::from(permits) { Err(model) } else { Ok(model) }
            }
        }
    }

    /// Moves the count of the open sub-window, given a model that does not know it, if `permits`
    /// then still fit.
    fn advance<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        mut model: WindowModel,
        at_us: u64,
        step: u64,
        permits: u64,
    ) -> Result<WindowModel, WindowModel> {
        let room = model.room(at_us);
        let use_us = model.last_use_us().saturating_sub(at_us);
        if room < step + permits {
            model.count = cells.read_number(Reading::Observed, self.count_field);
            return Err(model);
        }
        match cells.advance(self.count_field, step, 0, room - permits, use_us) {
            Ok(count) => {
                model.count = count;
                Ok(model)
            }
            Err(count) => {
                model.count = count;
                Err(model)
            }
        }
    }

    /// Opens the sub-window of now, if a charge will fit in it, and closes the one before for good:
    /// whoever still counts in that one has read a head that is no longer so, and is refused.
    fn turn<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        permits: u32,
        head: Option<Head>,
    ) -> Result<WindowModel, WindowModel> {
        let model = self.complete(cells, now_us, Reading::Validated, head);
        if model.room(now_us) < u64::from(permits) {
            return Err(model);
        }
        cells.put(self.head_field, &model.head.encode(), model.last_use_us().saturating_sub(now_us));
        cells.delete(self.count_field);
        Ok(model)
    }

    fn read_head<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, reading: Reading) -> Option<Head> {
        let latest_us = now_us.saturating_add(PLAUSIBLE_US);
        let (open, given) =
            (latest_us / self.sub_us, latest_us.saturating_add(self.max_wait_us.max(self.debt_us())) / self.sub_us);
        cells.read(reading, self.head_field, |text| Head::decode(text, open, given))
    }

    /// The model that a head belongs to, with the sub-window of now open.
    fn complete<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        reading: Reading,
        head: Option<Head>,
    ) -> WindowModel {
        let Some(head) = head else {
            if reading == Reading::Observed {
                // What was observed must not steer, not even whether the next cell is read.
                cells.read_number(reading, self.count_field);
            }
            return WindowModel { window: *self, head: Head::empty(now_us / self.sub_us), count: 0 };
        };
        let count = cells.read_number(reading, self.count_field);
        let mut model = WindowModel { window: *self, head, count };
        model.pass_to(now_us);
        model
    }

    pub(crate) fn load<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, reading: Reading) -> WindowModel {
        let head = self.read_head(cells, now_us, reading);
        self.complete(cells, now_us, reading, head)
    }

    pub(crate) fn store<K: Kv>(&self, cells: &mut Cells<'_, K>, model: &WindowModel, now_us: u64) {
        let use_us = model.last_use_us().saturating_sub(now_us);
        cells.put(self.head_field, &model.head.encode(), use_us);
        if model.count > 0 {
            cells.put(self.count_field, &model.count.to_string(), use_us);
        } else {
            cells.delete(self.count_field);
        }
    }

    /// Takes permits out of the sub-window that they were counted in.
    pub(crate) fn refund<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, charged_at_us: u64, permits: u32) {
        let Some(mut head) = self.read_head(cells, now_us, Reading::Validated) else { return };
        let index = charged_at_us / self.sub_us;
        let left = head.take(index, u64::from(permits));
        if left < u64::from(permits) {
            let model = WindowModel { window: *self, head: head.clone(), count: 0 };
            cells.put(self.head_field, &head.encode(), model.last_use_us().saturating_sub(now_us));
        }
        if left > 0 && index == head.open {
            cells.retreat(self.count_field, left);
        }
    }

    pub(crate) fn reset<K: Kv>(&self, cells: &mut Cells<'_, K>) {
        cells.delete(self.head_field);
        cells.delete(self.count_field);
    }
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
    fn last_use_us(&self) -> u64 {
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
    fn room(&self, at_us: u64) -> u64 {
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

    /// The weighted count. While a later window holds reserved places, a permit now would lower
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
    /// A stored head may hold thousands of places and a queue thousands of waiters, who each ask,
    /// so it ends as soon as no later place can matter.
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

    /// Of a weighted window a limit a window, whatever of the one before it still covers: nobody
    /// goes before the last of them.
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
