//! A store that does what `wit/kv.wit` and `store/mod.rs` say and no more: text in a map, one
//! operation after the other.

use std::collections::BTreeMap;

use super::{Answer, At, Call, NOW_US};
use crate::store::{Commit, Op, Outcome, Seen, Value};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Model(pub(super) BTreeMap<At, (String, u64)>);

impl Model {
    pub(super) fn live(&self, at: At) -> Option<Value> {
        self.live_at(at, NOW_US)
    }

    pub(super) fn live_at(&self, at: At, now_us: u64) -> Option<Value> {
        self.0.get(&at).filter(|(_, expires_us)| *expires_us > now_us).map(|(text, _)| Value::from(text.as_str()))
    }

    fn number(&self, at: At) -> Option<u64> {
        let text = self.live(at)?;
        let number = text.parse::<u64>().ok()?;
        (number.to_string() == *text && number <= 1 << 53).then_some(number)
    }

    fn put(&mut self, at: At, value: Option<&str>, ttl_ms: u64) {
        self.0.remove(&at);
        if let Some(value) = value {
            self.0.insert(at, (value.to_owned(), NOW_US + ttl_ms * 1_000));
        }
    }

    fn advance(&mut self, at: At, step: u64, floor: u64, ceiling: u64, ttl_ms: u64) -> Result<u64, u64> {
        let base = self.number(at).unwrap_or(0).max(floor);
        if base + step > ceiling {
            return Err(base);
        }
        if step > 0 {
            self.put(at, Some(&(base + step).to_string()), ttl_ms);
        }
        Ok(base + step)
    }

    fn retreat(&mut self, at: At, step: u64, floor: u64) -> u64 {
        let Some(number) = self.number(at) else { return floor };
        if number <= floor {
            return number;
        }
        let next = number.saturating_sub(step).max(floor);
        self.0.get_mut(&at).expect("it is there").0 = next.to_string();
        next
    }

    fn raise(&mut self, at: At, to: u64, ttl_ms: u64) -> u64 {
        let number = self.number(at).unwrap_or(0);
        if number < to {
            self.put(at, Some(&to.to_string()), ttl_ms);
        }
        number.max(to)
    }

    /// What a run would be told that had the store to itself.
    pub(super) fn issue(&mut self, call: &Call) -> Answer {
        match *call {
            Call::Get(at) | Call::Observe(at) => Answer::Value(self.live(at)),
            Call::Put(at, value, ttl_ms) => {
                self.put(at, value, ttl_ms);
                Answer::Done
            }
            Call::Advance { at, step, floor, ceiling, ttl_ms } => {
                Answer::Verdict(self.advance(at, step, floor, ceiling, ttl_ms))
            }
            Call::Retreat(at, step, floor) => Answer::Number(self.retreat(at, step, floor)),
            Call::Raise(at, to, ttl_ms) => Answer::Number(self.raise(at, to, ttl_ms)),
        }
    }

    pub(super) fn apply(&mut self, commit: &Commit) -> Outcome {
        let before = self.clone();
        let places: Vec<At> =
            commit.cells.iter().map(|(entity, field)| (u32::try_from(*entity).expect("small"), *field)).collect();
        let seen: Option<Vec<Seen>> = commit.ops.iter().map(|op| self.apply_op(op, &places)).collect();
        seen.map_or_else(
            || {
                *self = before;
                Outcome::Refused(places.iter().map(|at| self.live(*at)).collect())
            },
            Outcome::Applied,
        )
    }

    /// `None`: the run was told something that is not so.
    fn apply_op(&mut self, op: &Op, places: &[At]) -> Option<Seen> {
        match op {
            Op::Get { cell, expected } => (self.live(places[*cell]) == *expected).then_some(Seen::Nothing),
            Op::Observe { cell } => Some(Seen::Value(self.live(places[*cell]))),
            Op::Put { cell, value, ttl_ms } => {
                self.put(places[*cell], value.as_deref(), *ttl_ms);
                Some(Seen::Nothing)
            }
            Op::Advance { cell, step, floor, ceiling, ttl_ms, fits, repeat } => {
                let base = self.number(places[*cell]).unwrap_or(0).max(*floor);
                let mut again = 0..*repeat;
                let agree =
                    again.all(|_| self.advance(places[*cell], *step, *floor, *ceiling, *ttl_ms).is_ok() == *fits);
                agree.then_some(Seen::Number(base))
            }
            Op::Retreat { cell, step, floor } => Some(Seen::Number(self.retreat(places[*cell], *step, *floor))),
            Op::Raise { cell, to, ttl_ms } => Some(Seen::Number(self.raise(places[*cell], *to, *ttl_ms))),
        }
    }
}
