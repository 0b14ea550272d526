//! The cells of a model store, and what a commit does to them: the rules of `wit/kv.wit` one by
//! one, as plainly as they can be written. Nothing is shared with the stores that Tidegate ships.

use std::collections::{BTreeMap, BTreeSet};

use tidegate::store::{Commit, MAX_LAG_US, MAX_NUMBER, Op, Outcome, Reply, Seen, Value};

use crate::flaw::Flaw;

/// Where a cell is: its entity's tag and its field.
pub type Place = (String, u32);

/// A cell's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The text; a number is written in decimal.
    pub text: String,
    /// When it expires, in microseconds since 1970 on the store's clock.
    pub expires_us: u64,
}

/// All cells.
#[derive(Debug, Default)]
pub struct CellStore {
    cells: BTreeMap<Place, Held>,
    flaw: Option<Flaw>,
}

/// A reply, and the cells that were changed, as they were before.
pub type Committed = (Reply, Vec<(Place, Option<Held>)>);

impl CellStore {
    /// No cells, and rules with a flaw.
    pub fn new(flaw: Option<Flaw>) -> Self {
        Self { cells: BTreeMap::new(), flaw }
    }

    /// All cells that have not expired.
    pub fn live(&self, clock_us: u64) -> impl Iterator<Item = (&Place, &Held)> {
        self.cells.iter().filter(move |(_, held)| held.expires_us > clock_us)
    }

    /// Puts a cell back as it was.
    pub fn restore(&mut self, place: Place, held: Option<Held>) {
        match held {
            Some(held) => self.cells.insert(place, held),
            None => self.cells.remove(&place),
        };
    }

    /// Applies a commit whole or not at all.
    pub fn commit(&mut self, commit: &Commit, clock_us: u64) -> Committed {
        let lag_us = clock_us.checked_sub(commit.at_us);
        if lag_us.is_none_or(|lag_us| lag_us > MAX_LAG_US) && self.flaw != Some(Flaw::TakesAnyTime) {
            return (Reply { outcome: Outcome::Untimely, clock_us, foreign: 0 }, Vec::new());
        }
        let mut draft = Draft::of(self, commit, clock_us);
        let seen: Option<Vec<Seen>> = commit.ops.iter().map(|op| draft.apply(op)).collect();
        let (cells, foreign) = (draft.cells, draft.foreign.len() as u64);
        let applied = seen.is_some();
        let outcome = seen.map_or_else(|| Outcome::Refused(self.truth(commit, clock_us)), Outcome::Applied);
        let changed =
            if applied || self.flaw == Some(Flaw::AppliesHalf) { self.write(commit, cells) } else { Vec::new() };
        (Reply { outcome, clock_us, foreign }, changed)
    }

    fn truth(&self, commit: &Commit, clock_us: u64) -> Vec<Option<Value>> {
        let text = |cell: usize| self.read(&place(commit, cell), clock_us).map(|held| Value::from(held.text));
        (0..commit.cells.len()).map(text).collect()
    }

    fn read(&self, place: &Place, clock_us: u64) -> Option<Held> {
        self.cells.get(place).filter(|held| held.expires_us > clock_us).cloned()
    }

    fn write(&mut self, commit: &Commit, cells: Vec<Option<Held>>) -> Vec<(Place, Option<Held>)> {
        let mut changed = Vec::new();
        for (cell, held) in cells.into_iter().enumerate() {
            let place = place(commit, cell);
            let before = self.cells.get(&place).cloned();
            if before != held {
                changed.push((place.clone(), before));
                self.restore(place, held);
            }
        }
        changed
    }
}

fn place(commit: &Commit, cell: usize) -> Place {
    let (entity, field) = commit.cells[cell];
    (commit.entities[entity].tag().to_owned(), field)
}

/// The commit's cells as its operations leave them.
struct Draft {
    cells: Vec<Option<Held>>,
    /// Cells that held text where a number was needed.
    foreign: BTreeSet<usize>,
    clock_us: u64,
    flaw: Option<Flaw>,
}

impl Draft {
    fn of(store: &CellStore, commit: &Commit, clock_us: u64) -> Self {
        let cells = (0..commit.cells.len()).map(|cell| store.read(&place(commit, cell), clock_us)).collect();
        Self { cells, foreign: BTreeSet::new(), clock_us, flaw: store.flaw }
    }

    /// What was known when the operation was applied; `None`: the run was told something that is
    /// not so.
    fn apply(&mut self, op: &Op) -> Option<Seen> {
        match op {
            Op::Get { cell, expected } => {
                let holds = self.text(*cell) == expected.as_deref() || self.is(Flaw::TrustsReads);
                holds.then_some(Seen::Nothing)
            }
            Op::Observe { cell } => Some(Seen::Value(self.text(*cell).map(Value::from))),
            Op::Put { cell, value, ttl_ms } => {
                let expires_us = self.expires_us(*ttl_ms);
                self.cells[*cell] = value.as_deref().map(|text| Held { text: text.to_owned(), expires_us });
                Some(Seen::Nothing)
            }
            Op::Advance { .. } => self.advance(op).map(Seen::Number),
            Op::Retreat { cell, step, floor } => Some(Seen::Number(self.retreat(*cell, *step, *floor))),
            Op::Raise { cell, to, ttl_ms } => Some(Seen::Number(self.raise(*cell, *to, *ttl_ms))),
        }
    }

    /// All repetitions of an `advance`: what the first started from. After the first, each starts
    /// where the one before ended, so all of them fit if the last one does.
    fn advance(&mut self, op: &Op) -> Option<u64> {
        let Op::Advance { cell, step, floor, ceiling, ttl_ms, fits, repeat } = *op else { return None };
        let (step, floor, ceiling) = (bounded(step), bounded(floor), bounded(ceiling));
        let first = self.base(cell, floor);
        let times = if fits && !self.is(Flaw::CountsOnce) { repeat } else { 1 };
        let last = first.saturating_add(step.saturating_mul(times));
        let verdict = last <= ceiling || self.is(Flaw::IgnoresCeiling);
        if verdict != fits && !self.is(Flaw::TrustsVerdicts) {
            return None;
        }
        if fits && step > 0 {
            self.cells[cell] = Some(Held { text: last.to_string(), expires_us: self.expires_us(ttl_ms) });
        }
        Some(first)
    }

    fn base(&mut self, cell: usize, floor: u64) -> u64 {
        let number = self.number(cell);
        if self.is(Flaw::IgnoresFloor) { number.unwrap_or(floor) } else { number.unwrap_or(0).max(floor) }
    }

    fn retreat(&mut self, cell: usize, step: u64, floor: u64) -> u64 {
        let (step, floor) = (bounded(step) * if self.is(Flaw::RetreatsTwice) { 2 } else { 1 }, bounded(floor));
        let Some(number) = self.number(cell) else { return floor };
        if number <= floor {
            return number;
        }
        let number = number.saturating_sub(step).max(floor);
        if let Some(held) = &mut self.cells[cell] {
            held.text = number.to_string();
        }
        number
    }

    fn raise(&mut self, cell: usize, to: u64, ttl_ms: u64) -> u64 {
        let (number, to) = (self.number(cell).unwrap_or(0), bounded(to));
        if number < to {
            let expires_us = self.expires_us(ttl_ms);
            self.cells[cell] = Some(Held { text: to.to_string(), expires_us });
        }
        number.max(to)
    }

    fn text(&self, cell: usize) -> Option<&str> {
        self.cells[cell].as_ref().map(|held| held.text.as_str())
    }

    fn number(&mut self, cell: usize) -> Option<u64> {
        let text = self.text(cell)?;
        let number = text.parse().ok().filter(|number: &u64| number.to_string() == text && *number <= MAX_NUMBER);
        if number.is_none() {
            self.foreign.insert(cell);
        }
        number
    }

    fn expires_us(&self, ttl_ms: u64) -> u64 {
        let life_us = ttl_ms.max(1).saturating_mul(1_000);
        match self.flaw {
            Some(Flaw::NeverExpires) => u64::MAX,
            Some(Flaw::ExpiresEarly) => self.clock_us + life_us / 10,
            _ => self.clock_us.saturating_add(life_us),
        }
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }
}

/// As a store takes a number that is above what it can hold.
fn bounded(number: u64) -> u64 {
    number.min(MAX_NUMBER)
}
