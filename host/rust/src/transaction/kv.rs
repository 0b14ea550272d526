//! The operations of `wit/kv.wit` on a transaction. What each means is written there.
//!
//! Each goes the same way: where the store has applied the log already, the cell is first put right
//! from what it knew; then the operation is answered from the cell; then it is written down.

use super::Transaction;
use super::cells::{CellValue, MAX_NUMBER};
use super::log::Move;
use crate::runtime::wit::kv::Cell as CellId;
use crate::store::{Seen, Value};

impl Transaction {
    /// The value at `at`, validated at the commit.
    pub(crate) fn get(&mut self, at: CellId) -> Option<Value> {
        if !self.knows(at) {
            return None;
        }
        self.pin_get(at);
        let value = self.live(at).map(CellValue::text);
        if let Some(log) = self.log_for(at) {
            log.get(at, value.as_ref());
        }
        value
    }

    /// The value at `at`, not validated.
    pub(crate) fn observe(&mut self, at: CellId) -> Option<Value> {
        if !self.knows(at) {
            return None;
        }
        self.pin_observe(at);
        let value = self.live(at).map(CellValue::text);
        if let Some(log) = self.log_for(at) {
            log.observe(at, value.as_ref());
        }
        value
    }

    /// Replaces the value at `at`; `None` deletes it.
    pub(crate) fn put(&mut self, at: CellId, value: Option<Value>, ttl_ms: u64) {
        if !self.knows(at) {
            return;
        }
        let value = value.map(CellValue::from);
        if let Some(log) = self.pins_for(at) {
            log.pin_put(at, value.as_ref(), ttl_ms);
        }
        if let Some(log) = self.log_for(at) {
            log.put(at, value.as_ref(), ttl_ms);
        }
        if value.is_some() || self.live(at).is_some() {
            self.write(at, value, self.expiry_us(ttl_ms));
        }
    }

    /// Moves the number at `at` forward: `Ok` with the new number, or `Err` with the one that stood
    /// in the way.
    pub(crate) fn advance(&mut self, at: CellId, step: u64, floor: u64, ceiling: u64, ttl_ms: u64) -> Result<u64, u64> {
        // No store can hold more, so a policy that asks for more is told that it does not fit.
        let ceiling = ceiling.min(MAX_NUMBER);
        let asked = Move { step, floor, ceiling, ttl_ms };
        if !self.knows(at) {
            return Err(floor);
        }
        self.pin_advance(at, asked);
        let base = self.number(at).unwrap_or(0).max(floor);
        let next = base.saturating_add(step);
        let fits = next <= ceiling;
        if let Some(log) = self.log_for(at) {
            log.advance(at, asked, fits, base);
        }
        self.pin_verdict(at, fits);
        if fits && step > 0 {
            self.write(at, Some(CellValue::Number(next)), self.expiry_us(ttl_ms));
        }
        if fits { Ok(next) } else { Err(base) }
    }

    /// Moves the number at `at` back by `step`, but not below `floor`, and returns it.
    pub(crate) fn retreat(&mut self, at: CellId, step: u64, floor: u64) -> u64 {
        if !self.knows(at) {
            return floor;
        }
        self.pin_retreat(at, step, floor);
        let number = self.number(at);
        let next = number.map_or(floor, |number| number.saturating_sub(step).max(floor.min(number)));
        if let Some(log) = self.log_for(at) {
            log.retreat(at, step, floor, Seen::Number(next));
        }
        if number.is_some_and(|number| number != next)
            && let Some(expires_us) = self.expires_us(at)
        {
            self.write(at, Some(CellValue::Number(next)), expires_us);
        }
        next
    }

    /// Moves the number at `at` up to `to`, and returns it.
    pub(crate) fn raise(&mut self, at: CellId, to: u64, ttl_ms: u64) -> u64 {
        let to = to.min(MAX_NUMBER);
        if !self.knows(at) {
            return to;
        }
        self.pin_raise(at, to, ttl_ms);
        let number = self.number(at).unwrap_or(0);
        let next = number.max(to);
        if let Some(log) = self.log_for(at) {
            log.raise(at, to, ttl_ms, Seen::Number(next));
        }
        if number < next {
            self.write(at, Some(CellValue::Number(next)), self.expiry_us(ttl_ms));
        }
        next
    }

    /// The number at `at`; a value that is not a number counts as absent.
    pub(super) fn number(&self, at: CellId) -> Option<u64> {
        match self.live(at) {
            Some(CellValue::Number(number)) => Some(*number),
            Some(CellValue::Text(_)) | None => None,
        }
    }

    /// Whether the cell at `at` has a value that is not a number.
    pub(crate) fn holds_text(&self, at: CellId) -> bool {
        matches!(self.live(at), Some(CellValue::Text(_)))
    }

    fn expiry_us(&self, ttl_ms: u64) -> u64 {
        self.now_us.saturating_add(ttl_ms.saturating_mul(1_000))
    }
}
