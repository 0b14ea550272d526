//! The strict sliding window: A(W) <= L in every window, in groups of permits.
//!
//! Permits that follow each other are a *group*, and a group leaves W after its **last** permit. A
//! group ends after a span of W / `sub-windows` or after L / 128 permits, whichever is first, so a
//! permit leaves at most that much later than a log would let it. Where a group is one permit, as
//! for every limit below 256, that is exactly as a log does.
//!
//! *Why it is strict.* A permit is given at t only if the open group and all groups whose last
//! permit is later than t - W hold L permits at most, this one included. The store holds the run to
//! that: what the run read of closed groups is validated, and the open group is counted by
//! `advance`. Of the permits in a half-open span of W take the one that was committed last, given
//! at t. Each other one is less than W before t, or after it, and was committed before: its group
//! is open, or has a last permit that is no earlier than it, so later than t - W. So all were
//! counted with that one: L at most. Nothing in this needs times to be in order. Groups are
//! forgotten at a time that no later permit may be before, `seen`.
//!
//! *Why hosts do not get in each other's way.* Whoever counts in the open group reads the head,
//! moves the count by `advance` and raises the time of the last permit by `raise`. Nothing of that
//! is refused because another host counts too. What ends a group is one `put` of the head. Whoever
//! still counts in that group has read the old head, and is refused. That happens some 200 times a
//! window at most, whatever the limit. Where the connection is slow beside the window, or where
//! groups are single permits, a call might be refused again and again. So a call that was refused
//! opens a *wide* group. It takes whatever fits, and stays open for four times the time for which
//! the call was refused, but for a part of W at most. So the others find it open. The one after a
//! wide group is half as wide, until groups are ordinary again. Widths follow the trips to the
//! store. So they cost little accuracy where these are short, and nothing where there is one host
//! alone.
//!
//! *Why the cost does not grow.* A run reads the groups that have left since the head was written,
//! and of the others only their sum: see `group_state.rs`. With places ahead (`delay`) groups are
//! larger where a wait may hold more than 8,000 of them.

use crate::kv::{Kv, MAX_LAG_MS};

use super::group_model::{GroupModel, Spent};
use super::group_rules::Grouped;
use super::group_state::{Head, decode_middle, encode_middle};
use super::model::PLAUSIBLE_US;
use super::role::Role;
use super::stand::{Move, Standing};
use crate::parts::cells::{Cells, Reading, ttl_ms};

impl Grouped {
    /// Charges now if it fits. On success also the time it counts at: now, or the latest already
    /// seen.
    pub(crate) fn charge<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        permits: u32,
    ) -> Result<(u64, GroupModel), GroupModel> {
        let permits = u64::from(permits);
        let model = self.read(cells, now_us, Reading::Validated);
        let at_us = model.head.seen_us;
        let Some(open) = model.counting() else { return self.turn(cells, model, now_us, permits) };
        let room = model.room(at_us);
        let most = self.most_in(&open);
        if open.permits >= most {
            return self.turn(cells, model, now_us, permits);
        }
        if room < permits {
            return Err(self.observe_rest(cells, model, permits, None));
        }
        // The group takes whoever comes before it is full.
        let until_full = most - 1 - open.permits + permits;
        let use_us = (at_us + self.window_us).saturating_sub(now_us);
        match cells.advance(self.field(Role::Count), permits, 0, room.min(until_full), use_us) {
            Ok(count) if at_us > open.last_us => {
                let last_us = cells.raise(self.field(Role::Last), at_us, use_us);
                Ok((at_us, model.with(count, last_us)))
            }
            Ok(count) => Ok((at_us, model.with(count, 0))),
            Err(count) if room <= until_full => Err(self.observe_rest(cells, model, permits, Some(count))),
            Err(_) => self.turn(cells, model, now_us, permits),
        }
    }

    /// The move of a charge until the open group ends or one before it leaves.
    pub(crate) fn stands<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64) -> Option<Standing> {
        let model = self.read(cells, now_us, Reading::Validated);
        let open = model.counting()?;
        let counts = self.counts_at(now_us);
        let oldest = model.head.closed.iter().position(|group| counts(group.last_us));
        // The permits of a debt may be ahead.
        let is_ahead = model.head.newest_us().max(Some(open.last_us)) > Some(now_us);
        if model.head.seen_us != now_us || is_ahead {
            return None;
        }
        let leaves_us = oldest.map_or(u64::MAX, |index| self.leaves_us(model.head.closed[index].last_us));
        let room = model.room(now_us);
        let ceiling = room.min(self.most_in(&open).saturating_sub(open.permits));
        let one = Move {
            ttl_ms: ttl_ms(self.window_us),
            last: Some(self.field(Role::Last)),
            after_us: open.last_us,
            ..Move::counting(self.field(Role::Count), ceiling, room, self.limit)
        };
        let until_us = leaves_us.min(self.ends_us(&open) + 1);
        Some(Standing { until_us, one, resets_at_us: 0, resets_in_us: self.window_us })
    }

    /// Whether a charge would fit now.
    pub(crate) fn check<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        permits: u32,
    ) -> Result<GroupModel, GroupModel> {
        let permits = u64::from(permits);
        let model = self.read(cells, now_us, Reading::Validated);
        let at_us = model.head.seen_us;
        if model.counting().is_none() {
            let model = self.complete(cells, model);
            return if model.room(at_us) < permits {
                Err(self.observe_middle(cells, model, permits))
            } else {
                Ok(model)
            };
        }
        let room = model.room(at_us);
        if room < permits {
            return Err(self.observe_rest(cells, model, permits, None));
        }
        match cells.advance(self.field(Role::Count), 0, 0, room - permits, self.window_us) {
            Ok(count) => Ok(model.with(count, 0)),
            Err(count) => Err(self.observe_rest(cells, model, permits, Some(count))),
        }
    }

    /// Ends the open group and begins one with these permits, if they fit. Whoever still counts in
    /// the one before has read the old head, and is refused.
    fn turn<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        model: GroupModel,
        now_us: u64,
        permits: u64,
    ) -> Result<(u64, GroupModel), GroupModel> {
        let mut model = self.complete(cells, model);
        let at_us = model.head.seen_us;
        if model.room(at_us) < permits {
            return Err(self.observe_middle(cells, model, permits));
        }
        let wide_us = self.wide_us(model.head.open, at_us, cells.refused_ms());
        let counted = model.head.open.is_some();
        model.give(permits, at_us, wide_us);
        if !counted && model.head.open.is_some() {
            // A store that evicts may have kept what was counted in a group whose head it has
            // dropped.
            (model.spent.count, model.spent.last) = (true, true);
        }
        self.store(cells, &model, now_us);
        Ok((at_us, model))
    }

    /// The head, without what only the other cells know.
    fn read<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, reading: Reading) -> GroupModel {
        let latest_us = now_us.saturating_add(PLAUSIBLE_US);
        let given_us = latest_us.saturating_add(self.max_wait_us().max(self.debt_us())).saturating_add(self.window_us);
        let decode = |text: &str| {
            Head::decode(text, latest_us, given_us)
                .or_else(|| Head::decode_old(text, self.old_sub_us(), latest_us, given_us))
        };
        let before = cells.discarded();
        let head = cells.read(reading, self.field(Role::Head), decode);
        // Whatever lies in the other cells belongs to the head that could not be read.
        let stray = cells.discarded() > before;
        let spent = Spent { count: stray, last: stray, middle: false };
        let mut head = head.unwrap_or_else(|| Head::empty(now_us));
        head.seen_us = head.seen_us.max(now_us);
        GroupModel { grouped: *self, head, spent, late_us: self.late_us() }
    }

    /// Reads what a new head depends on.
    fn complete<K: Kv>(&self, cells: &mut Cells<'_, K>, mut model: GroupModel) -> GroupModel {
        if model.head.open.is_some() {
            let count = cells.read_number(Reading::Validated, self.field(Role::Count));
            let last_us = cells.read_number(Reading::Validated, self.field(Role::Last));
            model = model.with(count, last_us);
            model.spent = Spent { count: count > 0, last: last_us > 0, ..model.spent };
        }
        if model.head.asks_middle(self.counts_at(model.head.seen_us)) || model.head.is_long() {
            self.read_middle(cells, &mut model, Reading::Validated);
        }
        model
    }

    /// Puts the groups of the middle cell into the head, if it is the one that the head speaks of.
    fn read_middle<K: Kv>(&self, cells: &mut Cells<'_, K>, model: &mut GroupModel, reading: Reading) {
        let Some(stands) = model.head.stands() else { return };
        let groups = cells.read(reading, self.field(Role::Middle), |text| decode_middle(text, stands));
        model.spent.middle = groups.is_some();
        model.head.expand(groups);
    }

    /// What a refusal tells beside what it depends on; `count`: of the open group, as far as that
    /// is known. Numbers must not steer what is read, so whether the oldest groups make room enough
    /// is asked as a verdict.
    fn observe_rest<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        model: GroupModel,
        permits: u64,
        count: Option<u64>,
    ) -> GroupModel {
        let field = self.field(Role::Count);
        let (count, is_enough) = match (model.most_without_middle(permits), count) {
            (Some(most), _) => match cells.advance(field, 0, 0, most, self.window_us) {
                Ok(count) => (count, true),
                Err(count) => (count, false),
            },
            (None, Some(count)) => (count, false),
            (None, None) => (cells.read_number(Reading::Observed, field), false),
        };
        let last_us = cells.read_number(Reading::Observed, self.field(Role::Last));
        let mut model = model.with(count, last_us);
        if !is_enough {
            self.read_middle(cells, &mut model, Reading::Observed);
        }
        model
    }

    /// The same where the open group is known: what the oldest groups free may be enough, and the
    /// middle need not be looked at.
    fn observe_middle<K: Kv>(&self, cells: &mut Cells<'_, K>, mut model: GroupModel, permits: u64) -> GroupModel {
        if model.most_without_middle(permits).is_none() {
            self.read_middle(cells, &mut model, Reading::Observed);
        }
        model
    }

    pub(crate) fn load<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, reading: Reading) -> GroupModel {
        let model = self.read(cells, now_us, reading);
        if reading == Reading::Validated {
            let mut model = self.complete(cells, model);
            self.read_middle(cells, &mut model, reading);
            return model;
        }
        // What was observed must not steer, not even whether the next cell is read.
        let count = cells.read_number(reading, self.field(Role::Count));
        let last_us = cells.read_number(reading, self.field(Role::Last));
        let mut model = model.with(count, last_us);
        let stands = model.head.stands();
        let decode = |text: &str| stands.map_or(Some(None), |stands| decode_middle(text, stands).map(Some));
        model.head.expand(cells.read(reading, self.field(Role::Middle), decode).flatten());
        model
    }

    pub(crate) fn store<K: Kv>(&self, cells: &mut Cells<'_, K>, model: &GroupModel, now_us: u64) {
        let mut head = model.head.clone();
        head.forget(self.counts_at(head.seen_us));
        self.write(cells, head, model.spent, now_us);
    }

    fn write<K: Kv>(&self, cells: &mut Cells<'_, K>, mut head: Head, spent: Spent, now_us: u64) {
        let middle = head.fold();
        cells.put(self.field(Role::Head), &head.encode(), self.use_us(&head, now_us));
        if let Some(groups) = middle {
            let use_us = self.leaves_us(groups.last().map_or(0, |group| group.last_us)).saturating_sub(now_us);
            cells.put(self.field(Role::Middle), &encode_middle(&groups), use_us);
        } else if spent.middle {
            cells.delete(self.field(Role::Middle));
        }
        for (role, is_spent) in [(Role::Count, spent.count), (Role::Last, spent.last)] {
            if is_spent {
                cells.delete(self.field(role));
            }
        }
    }

    /// How long a head is of use. While a group is open, others may count in it, by what they knew
    /// up to a lag ago; without the head nobody would know whose count that is.
    fn use_us(&self, head: &Head, now_us: u64) -> u64 {
        let closed_us = head.newest_us().map_or(0, |last_us| self.leaves_us(last_us));
        let open_us =
            head.open.map_or(0, |open| self.leaves_us(open.last_us.max(self.ends_us(&open))) + MAX_LAG_MS * 1_000);
        closed_us.max(open_us).saturating_sub(now_us)
    }

    /// Takes permits out of the group that they were counted in.
    pub(crate) fn refund<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, charged_at_us: u64, permits: u32) {
        let permits = u64::from(permits);
        let mut model = self.read(cells, now_us, Reading::Validated);
        // A permit that was given a place before the last one is with that, or with one still
        // later, where what was given back of others was taken out of a group before it. While its
        // own time counts, it is in some group.
        let may_be_later = self.max_wait_ms > 0 && self.counts_at(model.head.seen_us)(charged_at_us);
        if model.head.is_in_middle(charged_at_us, may_be_later) {
            self.read_middle(cells, &mut model, Reading::Validated);
        }
        let mut left = model.head.take(charged_at_us, self.longest_us(), may_be_later, permits);
        let mut in_count = false;
        if let Some(open) = model.head.open.as_mut().filter(|open| self.lasts(open, charged_at_us)) {
            // Where in the group they were does not matter.
            let taken = if charged_at_us <= open.last_us { left.min(open.permits) } else { 0 };
            (left, open.permits) = (left - taken, open.permits - taken);
            in_count = left > 0;
        }
        if left < permits {
            self.write(cells, model.head, Spent { middle: model.spent.middle, ..Spent::default() }, now_us);
        }
        if in_count {
            cells.retreat(self.field(Role::Count), left);
        }
    }

    pub(crate) fn reset<K: Kv>(&self, cells: &mut Cells<'_, K>) {
        for role in [Role::Head, Role::Count, Role::Last, Role::Middle] {
            cells.delete(self.field(role));
        }
    }
}
