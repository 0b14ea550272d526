//! What was given back of a bucket, so that nothing is given twice: once by refilling, and once by
//! a refund.
//!
//! Let X be when a bucket was due to be full just before a charge of c, no earlier than the charge
//! itself. What was charged first comes back first, so at `now` the charge still takes `min(c, X +
//! c - now)` of the bucket, and that much may be given back. Proof: the promise holds while the
//! bucket's number F is no less than `G = max over j of (t_j + all that was charged from j on and
//! is not given back)`. As long as nothing charged before i is given back, `F >= X_i + c_i + S`,
//! where S is all that was charged after i and not given back. Giving g of i back takes `c_i` out
//! of every sum that begins at i or before. A sum that begins at j > i is at most `t_j + S <= now +
//! S`, and `F - g >= now + S` for `g <= X_i + c_i - now`. That takes for granted that no `t_j` is
//! later than `now`. Where another limit chooses places, `now` is taken to be as late as a place
//! can be. A host whose time lags gives back, beyond that, what comes back until the latest `t_j`.
//!
//! What is given back of a charge before i makes F less and `X_i` too, so it is taken off: all that
//! was given back since i was charged is, which is no less. It is the difference of a number that
//! only refunds move, between the time of the charge and now. *Marks*, put a few times while a
//! charge matters, say what the number was; a refund takes the last one that no host can have put
//! after the charge. So refunds do not conflict: they ask with a ceiling, and only verdicts steer.
//! Whatever is not known counts as given back.
//!
//! Without any of this `c - (now - t)` could be given back, for F is at least `t_i + c_i + S`
//! always: the least that a refund gives.

use alloc::string::String;
use alloc::vec::Vec;

use crate::kv::{Kv, MAX_LAG_MS, MAX_NUMBER};
use crate::text::push_number;

use super::role::Role;
use crate::parts::cells::{Cells, Reading};

/// How many marks are kept.
const MARKS: usize = 16;
/// Into how many parts what is left is divided to find out how much of it can be given back.
const PARTS_BITS: u32 = 8;

/// The cells of what was given back of a bucket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Returned {
    geometry: u32,
    /// How long a charge matters.
    use_us: u64,
}

/// What may be given back of a charge, in a bucket's units.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owing {
    /// Whatever else was given back.
    pub(crate) sure: u64,
    /// If nothing else was.
    pub(crate) most: u64,
    /// What that much and all that was given back since the charge may come to.
    pub(crate) allowance: u64,
}

impl Returned {
    pub(crate) fn new(geometry: u32, use_us: u64) -> Self {
        Self { geometry, use_us }
    }

    /// Notes as much as may be given back of what was charged at `since_us`, and says how much that
    /// is.
    pub(crate) fn note<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, since_us: u64, owing: Owing) -> u64 {
        let marks = self.marks(cells, now_us);
        let floor = marks.last().map_or(0, |mark| mark.sum);
        let before =
            marks.iter().rev().find(|mark| mark.at_us + MAX_LAG_MS * 1_000 <= since_us).map_or(0, |mark| mark.sum);
        let ceiling = before.saturating_add(owing.allowance).min(MAX_NUMBER);
        if owing.most > owing.sure && self.add(cells, owing.most, floor, ceiling) {
            return owing.most;
        }
        let mut given = 0;
        if owing.sure > 0 && self.add(cells, owing.sure, floor, MAX_NUMBER) {
            given = owing.sure;
        }
        for bit in 1..=PARTS_BITS {
            let step = (owing.most >> bit).min(owing.most - given);
            if step > 0 && self.add(cells, step, floor, ceiling) {
                given += step;
            }
        }
        given
    }

    fn add<K: Kv>(&self, cells: &mut Cells<'_, K>, step: u64, floor: u64, ceiling: u64) -> bool {
        cells.advance(self.field(Role::Returned), step, floor, ceiling, self.use_us).is_ok()
    }

    /// The marks, with a new one if one is due.
    fn marks<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64) -> Vec<Mark> {
        let field = self.field(Role::Marks);
        let mut marks = cells.read(Reading::Validated, field, |text| decode(text, now_us)).unwrap_or_default();
        let is_due = |last: &Mark| now_us >= last.at_us + (self.use_us * 2 / MARKS as u64).max(1);
        if marks.last().is_none_or(is_due) {
            let floor = marks.last().map_or(0, |mark| mark.sum);
            let sum = cells.read_number(Reading::Validated, self.field(Role::Returned)).max(floor);
            marks.push(Mark { at_us: now_us, sum });
            let kept = marks.len().saturating_sub(MARKS);
            cells.put(field, &encode(&marks[kept..]), self.use_us);
        }
        marks
    }

    pub(crate) fn reset<K: Kv>(&self, cells: &mut Cells<'_, K>) {
        cells.delete(self.field(Role::Returned));
        cells.delete(self.field(Role::Marks));
    }

    fn field(&self, role: Role) -> u32 {
        self.geometry | role as u32
    }
}

/// What the number was at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    at_us: u64,
    sum: u64,
}

/// `r1 1763640012345678 0 1763640022345678 7200`: times, and the number at each.
fn decode(text: &str, now_us: u64) -> Option<Vec<Mark>> {
    let mut numbers = text.strip_prefix("r1 ")?.split(' ').map(|word| word.parse::<u64>().ok());
    let latest_us = now_us.saturating_add(MAX_LAG_MS * 1_000);
    let mut marks: Vec<Mark> = Vec::new();
    while let Some(at_us) = numbers.next() {
        let mark = Mark { at_us: at_us?, sum: numbers.next()?? };
        let in_order = marks.last().is_none_or(|last| last.at_us < mark.at_us && last.sum <= mark.sum);
        if !in_order || mark.at_us > latest_us || mark.sum > MAX_NUMBER || marks.len() == MARKS {
            return None;
        }
        marks.push(mark);
    }
    Some(marks)
}

fn encode(marks: &[Mark]) -> String {
    let mut text = String::from("r1");
    for mark in marks {
        for number in [mark.at_us, mark.sum] {
            text.push(' ');
            push_number(&mut text, number);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn text_round_trips() {
        let marks = vec![Mark { at_us: 5, sum: 0 }, Mark { at_us: 9, sum: 7_200 }];
        assert_eq!(encode(&marks), "r1 5 0 9 7200");
        assert_eq!(decode("r1 5 0 9 7200", 9), Some(marks));
    }

    #[test]
    fn foreign_text_does_not_decode() {
        for text in [
            "",
            "r1",
            "r1 ",
            "r2 5 0",
            "r1 5",
            "r1 5 0 5 1",
            "r1 5 3 6 2",
            "r1 1000006 0",
            "r1 5 x",
            "r1 5 9007199254740993",
        ] {
            assert_eq!(decode(text, 5), None, "{text:?}");
        }
    }
}
