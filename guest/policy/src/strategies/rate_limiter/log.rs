//! Sliding log: the time of every permit, so each comes back exactly a window after it was given.
//!
//! One cell: `l1 1763640012595678 1763640012345678:3 250000:1` was last written at the first of
//! these microseconds, and has 3 permits at the second and 1 more 250 ms after it. The first is the
//! latest time seen: what had left by then is forgotten, so no call may be decided at an earlier
//! one, not even when the permits of that time were given back. Permits are given in the order of
//! their times: a newcomer is never placed before one who was.

use alloc::string::String;
use alloc::vec::Vec;

use crate::kv::Kv;
use crate::text::push_number;

use super::model::{DEBT_WINDOWS, Model, PLAUSIBLE_US, Usage, saturate};
use super::role::Role;
use crate::parts::cells::{Cells, Reading};

/// The greatest limit that a log is kept for.
pub(crate) const MAX_LIMIT: u32 = 10_000;

/// A limit counted by a log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log {
    field: u32,
    limit: u32,
    window_us: u64,
    max_wait_us: u64,
}

/// The latest time seen, and permits by time, in order.
#[derive(Debug, Clone)]
pub(crate) struct LogModel {
    log: Log,
    seen_us: u64,
    given: Vec<(u64, u32)>,
    /// How many permits were given up to each of these times: thousands of waiters may ask for a
    /// place, one after the other.
    sums: Vec<u64>,
}

impl Log {
    pub(crate) fn new(geometry: u32, limit: u32, window_us: u64, max_wait_us: u64) -> Self {
        Self { field: geometry | Role::Log as u32, limit, window_us, max_wait_us }
    }

    pub(crate) fn capacity(&self) -> u32 {
        self.limit
    }

    /// How far ahead the places of a debt may lie.
    pub(crate) fn debt_us(&self) -> u64 {
        self.window_us.saturating_mul(DEBT_WINDOWS.min(u64::from(MAX_LIMIT / self.limit.clamp(1, MAX_LIMIT))))
    }

    pub(crate) fn charge<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        permits: u32,
    ) -> Result<(u64, LogModel), LogModel> {
        let mut model = self.check(cells, now_us, permits)?;
        let at_us = now_us.max(model.seen_us());
        model.charge(permits, at_us);
        self.store(cells, &model, now_us);
        Ok((at_us, model))
    }

    pub(crate) fn check<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        permits: u32,
    ) -> Result<LogModel, LogModel> {
        let model = self.load(cells, now_us, Reading::Validated);
        let at_us = now_us.max(model.seen_us());
        if model.earliest_us(permits, at_us) == at_us { Ok(model) } else { Err(model) }
    }

    pub(crate) fn load<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, reading: Reading) -> LogModel {
        let latest_us = now_us.saturating_add(PLAUSIBLE_US);
        let latest_given_us = latest_us.saturating_add(self.max_wait_us.max(self.debt_us()));
        let decode = |text: &str| decode(text, latest_us, latest_given_us);
        let (seen_us, mut given) = cells.read(reading, self.field, decode).unwrap_or_default();
        let at_us = seen_us.max(now_us);
        given.retain(|(at, _)| at.saturating_add(self.window_us) > at_us);
        let summed = given.iter().scan(0, |sum, (_, count)| {
            *sum += u64::from(*count);
            Some(*sum)
        });
        let sums = summed.collect();
        LogModel { log: *self, seen_us, given, sums }
    }

    pub(crate) fn store<K: Kv>(&self, cells: &mut Cells<'_, K>, model: &LogModel, now_us: u64) {
        let seen_us = model.seen_us.max(now_us);
        let last_use_us = model.given.last().map_or(0, |(last, _)| last.saturating_add(self.window_us));
        cells.put(self.field, &encode(seen_us, &model.given), last_use_us.max(seen_us).saturating_sub(now_us));
    }

    pub(crate) fn refund<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, charged_at_us: u64, permits: u32) {
        let mut model = self.load(cells, now_us, Reading::Validated);
        let Ok(found) = model.given.binary_search_by_key(&charged_at_us, |(at, _)| *at) else { return };
        model.given[found].1 -= permits.min(model.given[found].1);
        if model.given[found].1 == 0 {
            model.given.remove(found);
        }
        self.store(cells, &model, now_us);
    }

    pub(crate) fn reset<K: Kv>(&self, cells: &mut Cells<'_, K>) {
        cells.delete(self.field);
    }
}

impl LogModel {
    fn last_us(&self) -> u64 {
        self.given.last().map_or(0, |(last, _)| *last)
    }
}

impl Model for LogModel {
    fn seen_us(&self) -> u64 {
        self.seen_us
    }

    fn earliest_us(&self, permits: u32, from_us: u64) -> u64 {
        let from_us = from_us.max(self.last_us());
        // This many of the last may count beside these; all before them must have left.
        let beside = u64::from(self.log.limit.saturating_sub(permits));
        let leaving = self.sums.last().map_or(0, |sum| sum.saturating_sub(beside));
        let last_leaving = self.sums.partition_point(|sum| *sum < leaving);
        match self.given.get(last_leaving) {
            Some((at, _)) if leaving > 0 => from_us.max(at.saturating_add(self.log.window_us)),
            _ => from_us,
        }
    }

    fn charge(&mut self, permits: u32, at_us: u64) {
        match self.given.last_mut() {
            Some((last, count)) if *last == at_us => {
                *count = count.saturating_add(permits);
                self.sums.pop();
            }
            _ => self.given.push((at_us, permits)),
        }
        let count = self.given.last().map_or(0, |(_, count)| u64::from(*count));
        self.sums.push(self.sums.last().copied().unwrap_or(0) + count);
    }

    /// While a place is reserved, nobody goes before it.
    fn usage(&self, now_us: u64) -> Usage {
        let at_us = now_us.max(self.seen_us);
        let live = self.given.iter().filter(|(at, _)| at.saturating_add(self.log.window_us) > at_us);
        let count = live.map(|(_, count)| u64::from(*count)).sum();
        let room = if self.last_us() > at_us { 0 } else { u64::from(self.log.limit).saturating_sub(count) };
        Usage {
            count: saturate(count),
            limit: self.log.limit,
            remaining: saturate(room),
            reset_us: self.given.last().map_or(now_us, |(last, _)| last.saturating_add(self.log.window_us).max(now_us)),
        }
    }
}

/// The latest time seen and the permits; a log seen after `latest_us` or with permits after
/// `latest_given_us` is not ours.
fn decode(text: &str, latest_us: u64, latest_given_us: u64) -> Option<(u64, Vec<(u64, u32)>)> {
    let mut words = text.strip_prefix("l1 ")?.split(' ');
    let seen_us = words.next()?.parse().ok().filter(|seen_us| *seen_us <= latest_us)?;
    let mut at_us = 0_u64;
    let mut given = Vec::new();
    for word in words {
        let (step, count) = word.split_once(':')?;
        let (step, count): (u64, u32) = (step.parse().ok()?, count.parse().ok()?);
        at_us = at_us.checked_add(step)?;
        if step == 0 || count == 0 || at_us > latest_given_us || given.len() > 2 * MAX_LIMIT as usize {
            return None;
        }
        given.push((at_us, count));
    }
    Some((seen_us, given))
}

fn encode(seen_us: u64, given: &[(u64, u32)]) -> String {
    let mut text = String::with_capacity(24 + 9 * given.len());
    text.push_str("l1 ");
    push_number(&mut text, seen_us);
    let mut before = 0;
    for (at, count) in given {
        text.push(' ');
        push_number(&mut text, at - before);
        text.push(':');
        push_number(&mut text, u64::from(*count));
        before = *at;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn text_round_trips() {
        let given = vec![(1_795_000_000_000_000, 3), (1_795_000_000_250_000, 1)];
        let text = encode(1_795_000_000_300_000, &given);
        assert_eq!(text, "l1 1795000000300000 1795000000000000:3 250000:1");
        assert_eq!(decode(&text, u64::MAX, u64::MAX), Some((1_795_000_000_300_000, given)));
        assert_eq!(decode(&encode(5, &[]), 5, 5), Some((5, vec![])));
    }

    #[test]
    fn foreign_text_does_not_decode() {
        for text in [
            "",
            "l1",
            "l1 ",
            "l2 5 5:1",
            "l1 5:1",
            "l1 5 5",
            "l1 5 5:0",
            "l1 5 0:1",
            "l1 5 5:1 0:1",
            "l1 5 99:1",
            "l1 6 5:1",
            "l1 5 5:1  6:1",
        ] {
            assert_eq!(decode(text, 5, 98), None, "{text:?}");
        }
    }
}
