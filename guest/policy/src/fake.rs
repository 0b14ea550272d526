//! A world in the process, for tests: cells and a clock that moves only when it is told to. It has
//! any number of hosts, which share all cells but the local ones.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};

use crate::kv::{Cell, Clock, Kv, MAX_NUMBER, Scope};

/// Cells and a clock. What it does is what `wit/kv.wit` says of a store.
#[derive(Debug, Clone, Default)]
pub struct FakeWorld {
    now_us: u64,
    cells: BTreeMap<(u32, Cell), Stored>,
    /// Who is asking.
    host: u32,
    refused_ms: u32,
    writes: u64,
}

#[derive(Debug, Clone)]
struct Stored {
    value: String,
    expires_us: u64,
}

impl FakeWorld {
    /// An empty world at a time in microseconds since 1970.
    pub fn at_us(now_us: u64) -> Self {
        Self { now_us, ..Self::default() }
    }

    /// Sets the time, earlier or later.
    pub fn set_us(&mut self, now_us: u64) {
        self.now_us = now_us;
    }

    /// Goes on as another host, 0 at first: with its own local cells.
    pub fn set_host(&mut self, host: u32) {
        self.host = host;
    }

    /// Takes the next calls to have been refused for so long.
    pub fn set_refused_ms(&mut self, refused_ms: u32) {
        self.refused_ms = refused_ms;
    }

    /// The host dies: its local cells are gone.
    pub fn crash(&mut self) {
        let host = self.host;
        self.cells.retain(|(owner, cell), _| cell.scope == Scope::Shared || *owner != host);
    }

    /// Lets time pass.
    pub fn pass_ms(&mut self, ms: u64) {
        self.now_us += ms * 1_000;
    }

    /// The time, without being a policy.
    pub fn time_us(&self) -> u64 {
        self.now_us
    }

    /// How many operations have changed a cell so far.
    pub fn writes(&self) -> u64 {
        self.writes
    }

    /// The cells that have not expired, as text: those that are shared, and those of this host.
    pub fn live_cells(&self) -> impl Iterator<Item = (Cell, &str)> {
        let seen = self.cells.iter().filter(|((owner, cell), _)| *owner == self.owner(*cell));
        seen.filter(|(_, s)| s.expires_us > self.now_us).map(|((_, c), s)| (*c, s.value.as_str()))
    }

    /// Overwrites every shared cell with `value`, as a stranger would.
    pub fn corrupt(&mut self, value: &str) {
        for (_, stored) in self.cells.iter_mut().filter(|((_, cell), _)| cell.scope == Scope::Shared) {
            stored.value = value.to_string();
        }
    }

    /// Drops the shared cells whose text begins so, as a store that is short of memory might.
    pub fn evict(&mut self, start: &str) {
        self.cells.retain(|(_, cell), stored| cell.scope == Scope::Local || !stored.value.starts_with(start));
    }

    /// Whose copy of a cell is meant.
    fn owner(&self, at: Cell) -> u32 {
        if at.scope == Scope::Local { self.host } else { 0 }
    }

    fn live(&self, at: Cell) -> Option<&str> {
        self.cells.get(&(self.owner(at), at)).filter(|s| s.expires_us > self.now_us).map(|s| s.value.as_str())
    }

    fn number(&self, at: Cell) -> Option<u64> {
        let text = self.live(at)?;
        let number: u64 = text.parse().ok()?;
        (number <= MAX_NUMBER && number.to_string() == text).then_some(number)
    }

    fn write(&mut self, at: Cell, value: String, ttl_ms: u64) {
        assert!(ttl_ms > 0, "{at:?} is written without a time to live");
        self.writes += 1;
        let expires_us = self.now_us.saturating_add(ttl_ms.saturating_mul(1_000));
        self.cells.insert((self.owner(at), at), Stored { value, expires_us });
    }
}

impl Kv for FakeWorld {
    fn get(&mut self, at: Cell) -> Option<String> {
        self.live(at).map(ToString::to_string)
    }

    fn observe(&mut self, at: Cell) -> Option<String> {
        self.get(at)
    }

    fn put(&mut self, at: Cell, value: Option<&str>, ttl_ms: u64) {
        if let Some(value) = value {
            self.write(at, value.to_string(), ttl_ms);
        } else {
            self.writes += 1;
            self.cells.remove(&(self.owner(at), at));
        }
    }

    fn advance(&mut self, at: Cell, step: u64, floor: u64, ceiling: u64, ttl_ms: u64) -> Result<u64, u64> {
        assert!(ceiling <= MAX_NUMBER, "{at:?} may pass what a store can hold: {ceiling}");
        let base = self.number(at).unwrap_or(0).max(floor);
        let next = base.saturating_add(step);
        if next > ceiling {
            return Err(base);
        }
        if step > 0 {
            self.write(at, next.to_string(), ttl_ms);
        }
        Ok(next)
    }

    fn retreat(&mut self, at: Cell, step: u64, floor: u64) -> u64 {
        let Some(number) = self.number(at) else { return floor };
        let next = number.saturating_sub(step).max(floor.min(number));
        if next != number {
            self.writes += 1;
            let owner = self.owner(at);
            if let Some(stored) = self.cells.get_mut(&(owner, at)) {
                stored.value = next.to_string();
            }
        }
        next
    }

    fn raise(&mut self, at: Cell, to: u64, ttl_ms: u64) -> u64 {
        assert!(to <= MAX_NUMBER, "{at:?} may pass what a store can hold: {to}");
        let number = self.number(at).unwrap_or(0);
        if number < to {
            self.write(at, to.to_string(), ttl_ms);
        }
        number.max(to)
    }

    fn refused_ms(&mut self) -> u32 {
        self.refused_ms
    }
}

impl Clock for FakeWorld {
    fn now_us(&mut self) -> u64 {
        self.now_us
    }
}
