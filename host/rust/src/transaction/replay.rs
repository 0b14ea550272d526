//! The replay of a log that the store applied while it knew other numbers than the runs were told.
//!
//! Each operation first puts its cell right from what the store knew (its pin) and is then answered
//! as any other. The log shortens, so the replay follows the same rules: an operation that a log
//! would leave out takes no pin, and a repeated `advance` takes its pin as often as it was
//! repeated.

use super::Transaction;
use super::cells::CellValue;
use super::log::{Log, Move};
use crate::runtime::wit::kv::Cell as CellId;
use crate::store::{Op, Seen};

impl Transaction {
    pub(super) fn pin_get(&mut self, at: CellId) {
        if let Some(Seen::Value(value)) = self.pins_for(at).and_then(|log| log.pin_get(at)) {
            self.set_right(at, value.map(CellValue::from));
        }
    }

    pub(super) fn pin_observe(&mut self, at: CellId) {
        if let Some(Seen::Value(value)) = self.pins_for(at).and_then(|log| log.pin_observe(at)) {
            self.set_right(at, value.map(CellValue::from));
        }
    }

    pub(super) fn pin_advance(&mut self, at: CellId, asked: Move) {
        let Some(base) = self.pins_for(at).and_then(|log| log.pin_advance(at, asked)) else { return };
        if self.number(at).unwrap_or(0).max(asked.floor) != base {
            // A base at the floor says only that the number is not higher than that.
            self.set_right(at, (base > asked.floor).then_some(CellValue::Number(base)));
        }
    }

    pub(super) fn pin_verdict(&mut self, at: CellId, fits: bool) {
        if let Some(log) = self.pins_for(at) {
            log.pin_verdict(at, fits);
        }
    }

    pub(super) fn pin_retreat(&mut self, at: CellId, step: u64, floor: u64) {
        let Some(next) = self.pins_for(at).and_then(|log| log.pin_retreat(at, step, floor)) else { return };
        // The number before it moved, or one that moves to the same number.
        let before = if next > floor { next.saturating_add(step) } else { next };
        if next != floor || self.number(at).is_some() {
            self.set_right(at, Some(CellValue::Number(before)));
        }
    }

    pub(super) fn pin_raise(&mut self, at: CellId, to: u64, ttl_ms: u64) {
        let Some(next) = self.pins_for(at).and_then(|log| log.pin_raise(at, to, ttl_ms)) else { return };
        if self.number(at).unwrap_or(0).max(to) != next {
            // Where it came to be `to`, it was no more than that.
            self.set_right(at, (next > to).then_some(CellValue::Number(next)));
        }
    }

    /// Corrects what was known of a cell. Its expiry stays as it was known, or is not known if
    /// there was no cell.
    fn set_right(&mut self, at: CellId, value: Option<CellValue>) {
        if self.live(at) != value.as_ref() {
            let expires_us = self.expires_us(at).unwrap_or(u64::MAX);
            self.write(at, value, expires_us);
        }
    }
}

impl Log {
    pub(super) fn begin_replay(&mut self, seen: Vec<Seen>) {
        self.diverged = seen.len() != self.commit.ops.len();
        self.pins = seen;
        self.touched.fill_with(Default::default);
    }

    /// Whether every operation was issued again, as often as before, and no other.
    pub(super) fn replayed_alike(&self) -> bool {
        !self.diverged && (0..self.touched.len()).all(|cell| self.is_spent(cell) && self.following(cell).is_none())
    }

    fn pin_get(&mut self, at: CellId) -> Option<Seen> {
        let cell = self.pinned_cell(at)?;
        if self.touched[cell].known {
            return None;
        }
        let op = self.take(cell, |op| matches!(op, Op::Get { .. }))?;
        self.touched[cell].learn();
        let Op::Get { expected, .. } = &self.commit.ops[op] else { return None };
        Some(Seen::Value(expected.clone()))
    }

    fn pin_observe(&mut self, at: CellId) -> Option<Seen> {
        let cell = self.pinned_cell(at)?;
        if self.touched[cell].observed {
            return None;
        }
        let op = self.take(cell, |op| matches!(op, Op::Observe { .. }))?;
        self.touched[cell].observed = true;
        match self.pins.get(op) {
            Some(seen @ Seen::Value(_)) => Some(seen.clone()),
            _ => self.diverge(),
        }
    }

    pub(super) fn pin_put(&mut self, at: CellId, value: Option<&CellValue>, ttl_ms: u64) -> Option<()> {
        let cell = self.pinned_cell(at)?;
        let text = value.map(CellValue::text);
        self.take(cell, |op| matches!(op, Op::Put { value, ttl_ms: ttl, .. } if *value == text && *ttl == ttl_ms))?;
        self.touched[cell].learn();
        Some(())
    }

    /// The base of the first repetition. Those that follow find the cell right.
    fn pin_advance(&mut self, at: CellId, asked: Move) -> Option<u64> {
        let cell = self.pinned_cell(at)?;
        let same = |op: &Op| Move::of(op).is_some_and(|(logged, _)| logged == asked);
        let last = self.touched[cell].last;
        if !self.is_spent(cell) && last.is_some_and(|op| same(&self.commit.ops[op])) {
            self.touched[cell].used += 1;
            return None;
        }
        let op = self.take(cell, same)?;
        self.touched[cell].used = 1;
        match self.pins.get(op) {
            Some(Seen::Number(base)) => Some(*base),
            _ => self.diverge(),
        }
    }

    /// Holds the verdict on the pinned number to the one that the store confirmed.
    fn pin_verdict(&mut self, at: CellId, fits: bool) -> Option<()> {
        let cell = self.pinned_cell(at)?;
        let (asked, confirmed) = Move::of(&self.commit.ops[self.touched[cell].last?])?;
        if fits != confirmed {
            return self.diverge();
        }
        if fits && asked.step > 0 {
            self.touched[cell].forget();
        }
        Some(())
    }

    /// The number after the move.
    fn pin_retreat(&mut self, at: CellId, step: u64, floor: u64) -> Option<u64> {
        let cell = self.pinned_cell(at)?;
        let op = self.take(
            cell,
            |op| matches!(op, Op::Retreat { step: logged, floor: lowest, .. } if (*logged, *lowest) == (step, floor)),
        )?;
        self.touched[cell].forget();
        match self.pins.get(op) {
            Some(Seen::Number(next)) => Some(*next),
            _ => self.diverge(),
        }
    }

    /// The number after the move, of the first of several that are the same.
    fn pin_raise(&mut self, at: CellId, to: u64, ttl_ms: u64) -> Option<u64> {
        let cell = self.pinned_cell(at)?;
        if self.is_raised(cell, to, ttl_ms) {
            return None;
        }
        let op = self.take(
            cell,
            |op| matches!(op, Op::Raise { to: logged, ttl_ms: ttl, .. } if (*logged, *ttl) == (to, ttl_ms)),
        )?;
        self.touched[cell].forget();
        match self.pins.get(op) {
            Some(Seen::Number(next)) => Some(*next),
            _ => self.diverge(),
        }
    }

    fn pinned_cell(&mut self, at: CellId) -> Option<usize> {
        match self.find(at) {
            Some(cell) => Some(cell),
            None => self.diverge(),
        }
    }

    /// Goes on to the next operation on the cell, which must be as expected.
    fn take(&mut self, cell: usize, is_expected: impl Fn(&Op) -> bool) -> Option<usize> {
        match self.following(cell).filter(|op| self.is_spent(cell) && is_expected(&self.commit.ops[*op])) {
            Some(op) => {
                self.touched[cell].last = Some(op);
                self.touched[cell].used = 0;
                Some(op)
            }
            None => self.diverge(),
        }
    }

    /// Whether the replay has repeated the cell's latest operation as often as the log says.
    fn is_spent(&self, cell: usize) -> bool {
        let touched = self.touched[cell];
        match touched.last.map(|op| &self.commit.ops[op]) {
            Some(Op::Advance { repeat, .. }) => touched.used == *repeat,
            _ => true,
        }
    }

    /// The operation on the cell that follows its latest.
    fn following(&self, cell: usize) -> Option<usize> {
        let start = self.touched[cell].last.map_or(0, |op| op + 1);
        let found = self.commit.ops[start..].iter().position(|op| cell_of(op) == cell);
        found.map(|offset| start + offset)
    }

    fn diverge<T>(&mut self) -> Option<T> {
        self.diverged = true;
        None
    }
}

fn cell_of(op: &Op) -> usize {
    match *op {
        Op::Get { cell, .. }
        | Op::Observe { cell }
        | Op::Put { cell, .. }
        | Op::Advance { cell, .. }
        | Op::Retreat { cell, .. }
        | Op::Raise { cell, .. } => cell,
    }
}
