//! A store as small as it can be, to compare real ones with.

use proptest::collection::vec;
use proptest::prelude::*;
use tidegate::store::{MAX_NUMBER, Op, Outcome, Seen, Value};

use super::{Bench, advance_times, get, put, raise, retreat};

/// The operations of one commit.
pub type Batch = Vec<Op>;

/// Four cells whose values never expire.
#[derive(Debug, Clone, Default)]
pub struct Model {
    cells: [Option<Value>; 4],
}

impl Model {
    /// What becomes of a commit.
    pub fn commit(&mut self, batch: &[Op]) -> Outcome {
        let mut after = self.clone();
        let seen: Option<Vec<Seen>> = batch.iter().map(|op| after.apply(op)).collect();
        match seen {
            Some(seen) => {
                *self = after;
                Outcome::Applied(seen)
            }
            None => Outcome::Refused(self.cells.to_vec()),
        }
    }

    fn number(&self, cell: usize) -> Option<u64> {
        let text = self.cells[cell].as_deref()?;
        text.parse().ok().filter(|&number: &u64| number <= MAX_NUMBER && number.to_string() == text)
    }

    fn apply(&mut self, op: &Op) -> Option<Seen> {
        match op {
            Op::Get { cell, expected } => (self.cells[*cell] == *expected).then_some(Seen::Nothing),
            Op::Observe { cell } => Some(Seen::Value(self.cells[*cell].clone())),
            Op::Put { cell, value, .. } => {
                self.cells[*cell].clone_from(value);
                Some(Seen::Nothing)
            }
            &Op::Advance { cell, step, floor, ceiling, fits, repeat, .. } => {
                self.advance(cell, [step, floor, ceiling].map(|number| number.min(MAX_NUMBER)), fits, repeat)
            }
            &Op::Retreat { cell, step, floor } => Some(Seen::Number(self.retreat(cell, step, floor.min(MAX_NUMBER)))),
            &Op::Raise { cell, to, .. } => Some(Seen::Number(self.raise(cell, to.min(MAX_NUMBER)))),
        }
    }

    /// One repetition after the other, as the contract tells it.
    fn advance(&mut self, cell: usize, [step, floor, ceiling]: [u64; 3], fits: bool, repeat: u64) -> Option<Seen> {
        let first = self.number(cell).unwrap_or(0).max(floor);
        for _ in 0..repeat {
            let base = self.number(cell).unwrap_or(0).max(floor);
            if (base + step <= ceiling) != fits {
                return None;
            }
            if fits && step > 0 {
                self.cells[cell] = Some((base + step).to_string().into());
            }
        }
        Some(Seen::Number(first))
    }

    fn retreat(&mut self, cell: usize, step: u64, floor: u64) -> u64 {
        let Some(number) = self.number(cell) else { return floor };
        if number <= floor || step == 0 {
            return number;
        }
        let number = number.saturating_sub(step).max(floor);
        self.cells[cell] = Some(number.to_string().into());
        number
    }

    fn raise(&mut self, cell: usize, to: u64) -> u64 {
        let number = self.number(cell).unwrap_or(0);
        if number < to {
            self.cells[cell] = Some(to.to_string().into());
        }
        number.max(to)
    }
}

/// Commits one after the other, on values that meet each other often.
pub fn batches() -> impl Strategy<Value = Vec<Batch>> {
    vec(vec(op(), 0..8), 1..6)
}

fn op() -> impl Strategy<Value = Op> {
    let cell = || 0..4_usize;
    prop_oneof![
        1 => (cell(), text()).prop_map(|(cell, expected)| get(cell, expected.as_deref())),
        1 => cell().prop_map(|cell| Op::Observe { cell }),
        1 => (cell(), text()).prop_map(|(cell, value)| put(cell, value.as_deref())),
        4 => (cell(), number(), number(), number(), prop::bool::weighted(0.7), 1..4_u64).prop_map(
            |(cell, step, floor, ceiling, fits, repeat)| advance_times(repeat, cell, step, floor, ceiling, fits)
        ),
        2 => (cell(), number(), number()).prop_map(|(cell, step, floor)| retreat(cell, step, floor)),
        2 => (cell(), number()).prop_map(|(cell, to)| raise(cell, to)),
    ]
}

fn text() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        2 => Just(None),
        2 => number().prop_map(|number| Some(number.to_string())),
        1 => prop::sample::select(vec!["", "x", "07", "é🌊", "\0"]).prop_map(|text| Some(text.to_owned())),
    ]
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => 0..12_u64,
        1 => (0..4_u64).prop_map(|less| MAX_NUMBER - less),
        1 => prop::sample::select(vec![1_000_000_000_000_000, MAX_NUMBER + 1, MAX_NUMBER + 2, u64::MAX]),
    ]
}

/// Commits the batches to a store and to the model and compares every answer.
///
/// # Errors
/// Where they differ.
///
/// # Panics
/// If the store does not answer.
pub async fn follows_the_model(bench: &Bench<'_>, batches: &[Batch]) -> Result<(), TestCaseError> {
    let mut model = Model::default();
    for batch in batches {
        prop_assert_eq!(bench.commit(batch.clone()).await.outcome, model.commit(batch), "{:?}", batch);
    }
    Ok(())
}
