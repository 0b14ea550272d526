//! A world in which strangers write too.

use std::collections::BTreeSet;

use tidegate_policy::fake::FakeWorld;
use tidegate_policy::kv::{Cell, Clock, Kv, Scope};

use crate::input::Input;
use crate::target::damaged;

/// A whole second in 2026, in microseconds since 1970.
pub const START_US: u64 = 1_795_000_000_000_000;
/// In October 2096. What a bucket counts fits into a cell for this century.
const MAX_TIME_US: u64 = 4_000_000_000_000_000;
/// No text of a stranger is gone before the input is.
const LASTING_MS: u64 = 1 << 40;

/// Cells of which it is known who wrote them last.
#[derive(Debug, Clone)]
pub struct Stage {
    cells: FakeWorld,
    /// All that a policy has asked for.
    asked: BTreeSet<Cell>,
    /// Those that a stranger wrote last.
    foreign: BTreeSet<Cell>,
}

impl Stage {
    /// An empty world.
    pub fn new() -> Self {
        Self { cells: FakeWorld::at_us(START_US), asked: BTreeSet::new(), foreign: BTreeSet::new() }
    }

    /// The time.
    pub fn time_us(&self) -> u64 {
        self.cells.time_us()
    }

    /// Lets time pass, to the end of the century at most.
    pub fn pass_us(&mut self, us: u64) {
        self.cells.set_us(self.time_us().saturating_add(us).min(MAX_TIME_US));
    }

    /// Sets the time.
    pub fn set_us(&mut self, us: u64) {
        self.cells.set_us(us);
    }

    /// How many operations have changed a cell.
    pub fn writes(&self) -> u64 {
        self.cells.writes()
    }

    /// How many values a policy may find that are none of its own.
    pub fn foreign(&self) -> usize {
        self.foreign.len()
    }

    /// The host dies, with all that it held.
    pub fn crash(&mut self) {
        self.cells.crash();
    }

    /// A stranger writes a text into a cell.
    pub fn spoil(&mut self, input: &mut Input<'_>) {
        let Some(cell) = self.chosen(input) else { return };
        let text = input.text();
        self.write(cell, &text);
    }

    /// A stranger changes, inserts or cuts a piece of what is there.
    pub fn damage(&mut self, input: &mut Input<'_>) {
        let Some(cell) = self.chosen(input) else { return };
        let Some(text) = self.cells.get(cell) else { return };
        self.write(cell, &damaged(&text, input));
    }

    /// A stranger's text.
    pub fn write(&mut self, cell: Cell, text: &str) {
        self.cells.put(cell, Some(text), LASTING_MS);
        self.foreign.insert(cell);
    }

    /// One of those that a policy has asked for, or any.
    fn chosen(&self, input: &mut Input<'_>) -> Option<Cell> {
        let Some(place) = input.maybe() else { return Some(Cell::shared(0, input.small())) };
        // What a host keeps for itself nobody else can write.
        let shared: Vec<Cell> = self.asked.iter().filter(|cell| cell.scope == Scope::Shared).copied().collect();
        let place = usize::try_from(place).ok()?.checked_rem(shared.len())?;
        shared.get(place).copied()
    }

    fn written(&mut self, at: Cell) {
        self.foreign.remove(&at);
    }
}

impl Default for Stage {
    fn default() -> Self {
        Self::new()
    }
}

impl Kv for Stage {
    fn get(&mut self, at: Cell) -> Option<String> {
        self.asked.insert(at);
        self.cells.get(at)
    }

    fn observe(&mut self, at: Cell) -> Option<String> {
        self.asked.insert(at);
        self.cells.observe(at)
    }

    fn put(&mut self, at: Cell, value: Option<&str>, ttl_ms: u64) {
        self.asked.insert(at);
        self.written(at);
        self.cells.put(at, value, ttl_ms);
    }

    fn advance(&mut self, at: Cell, step: u64, floor: u64, ceiling: u64, ttl_ms: u64) -> Result<u64, u64> {
        self.asked.insert(at);
        let moved = self.cells.advance(at, step, floor, ceiling, ttl_ms)?;
        if step > 0 {
            self.written(at);
        }
        Ok(moved)
    }

    fn retreat(&mut self, at: Cell, step: u64, floor: u64) -> u64 {
        self.asked.insert(at);
        self.cells.retreat(at, step, floor)
    }

    fn raise(&mut self, at: Cell, to: u64, ttl_ms: u64) -> u64 {
        self.asked.insert(at);
        self.cells.raise(at, to, ttl_ms)
    }

    fn refused_ms(&mut self) -> u32 {
        self.cells.refused_ms()
    }
}

impl Clock for Stage {
    fn now_us(&mut self) -> u64 {
        self.cells.time_us()
    }
}
