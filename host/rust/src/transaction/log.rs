//! The log of the runs of a transaction: store operations with the answers that the runs were
//! given, shortened where the answer to one follows from another.

use std::sync::Arc;

use super::cells::CellValue;
use crate::key::EntityKey;
use crate::runtime::wit::kv::Cell as CellId;
use crate::store::{Commit, Op, Seen, Value};

/// The arguments of an `advance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) step: u64,
    pub(super) floor: u64,
    pub(super) ceiling: u64,
    pub(super) ttl_ms: u64,
}

/// What the log knows of a cell that it touches. The recording and the replay keep it alike.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Touched {
    /// The latest operation on the cell.
    pub(super) last: Option<usize>,
    /// How often the replay has repeated that operation.
    pub(super) used: u64,
    /// The value follows from the log: it was read or put, and not moved since. Reading it again
    /// says nothing new.
    pub(super) known: bool,
    /// The value was observed, and not moved since.
    pub(super) observed: bool,
}

/// Where the latest run started.
#[derive(Debug, Default)]
struct Mark {
    ops: usize,
    touched: Vec<Touched>,
    /// Operations of earlier runs that the latest repeated.
    raised: Vec<usize>,
}

/// The log, and for its replay what the store knew.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) commit: Commit,
    /// For each operation the [`Seen`] by which the store would confirm what the runs were told.
    told: Vec<Seen>,
    pub(super) touched: Vec<Touched>,
    pub(super) pins: Vec<Seen>,
    pub(super) diverged: bool,
    mark: Mark,
}

impl Log {
    pub(super) fn begin(&mut self, now_us: u64, keys: impl IntoIterator<Item = Arc<EntityKey>>) {
        self.commit.entities.clear();
        self.commit.entities.extend(keys);
        self.restart(now_us);
    }

    pub(super) fn restart(&mut self, now_us: u64) {
        self.commit.at_us = now_us;
        self.commit.cells.clear();
        self.commit.ops.clear();
        self.told.clear();
        self.touched.clear();
        self.pins.clear();
        self.diverged = false;
    }

    pub(super) fn start_run(&mut self) {
        self.mark.ops = self.commit.ops.len();
        self.mark.touched.clear();
        self.mark.touched.extend_from_slice(&self.touched);
        self.mark.raised.clear();
    }

    pub(super) fn rollback_run(&mut self) {
        for op in self.mark.raised.drain(..) {
            if let Op::Advance { repeat, .. } = &mut self.commit.ops[op] {
                *repeat -= 1;
            }
        }
        self.commit.ops.truncate(self.mark.ops);
        self.told.truncate(self.mark.ops);
        self.commit.cells.truncate(self.mark.touched.len());
        self.touched.clear();
        self.touched.extend_from_slice(&self.mark.touched);
    }

    pub(super) fn told(&self) -> &[Seen] {
        &self.told
    }

    pub(super) fn get(&mut self, at: CellId, told: Option<&Value>) {
        let cell = self.cell(at);
        if !self.touched[cell].known {
            self.push(cell, Op::Get { cell, expected: told.cloned() }, Seen::Nothing);
        }
        self.touched[cell].learn();
    }

    pub(super) fn observe(&mut self, at: CellId, told: Option<&Value>) {
        let cell = self.cell(at);
        if !self.touched[cell].observed {
            self.push(cell, Op::Observe { cell }, Seen::Value(told.cloned()));
        }
        self.touched[cell].observed = true;
    }

    pub(super) fn put(&mut self, at: CellId, value: Option<&CellValue>, ttl_ms: u64) {
        let cell = self.cell(at);
        let value = value.map(CellValue::text);
        self.push(cell, Op::Put { cell, value, ttl_ms }, Seen::Nothing);
        self.touched[cell].learn();
    }

    pub(super) fn advance(&mut self, at: CellId, asked: Move, fits: bool, base: u64) {
        let cell = self.cell(at);
        if !self.repeat(cell, asked, fits) {
            self.push(cell, asked.op(cell, fits), Seen::Number(base));
        }
        if fits && asked.step > 0 {
            self.touched[cell].forget();
        }
    }

    pub(super) fn retreat(&mut self, at: CellId, step: u64, floor: u64, told: Seen) {
        let cell = self.cell(at);
        self.push(cell, Op::Retreat { cell, step, floor }, told);
        self.touched[cell].forget();
    }

    /// The same again changes nothing and is told the same, so it is not written down.
    pub(super) fn raise(&mut self, at: CellId, to: u64, ttl_ms: u64, told: Seen) {
        let cell = self.cell(at);
        if !self.is_raised(cell, to, ttl_ms) {
            self.push(cell, Op::Raise { cell, to, ttl_ms }, told);
        }
        self.touched[cell].forget();
    }

    /// Whether the latest operation on the cell was just this `raise`.
    pub(super) fn is_raised(&self, cell: usize, to: u64, ttl_ms: u64) -> bool {
        let last = self.touched[cell].last.map(|op| &self.commit.ops[op]);
        matches!(last, Some(Op::Raise { to: before, ttl_ms: ttl, .. }) if (*before, *ttl) == (to, ttl_ms))
    }

    /// Counts the operation in the one before it on the same cell, if that is the same with the
    /// same verdict. Operations on other cells in between do not matter: what one cell answers does
    /// not depend on another.
    fn repeat(&mut self, cell: usize, asked: Move, fits: bool) -> bool {
        let Some(last) = self.touched[cell].last else { return false };
        let op = &mut self.commit.ops[last];
        if Move::of(op) != Some((asked, fits)) {
            return false;
        }
        if let Op::Advance { repeat, .. } = op {
            *repeat += 1;
        }
        if last < self.mark.ops {
            self.mark.raised.push(last);
        }
        true
    }

    fn push(&mut self, cell: usize, op: Op, told: Seen) {
        self.touched[cell].last = Some(self.commit.ops.len());
        self.commit.ops.push(op);
        self.told.push(told);
    }

    fn cell(&mut self, at: CellId) -> usize {
        self.find(at).unwrap_or_else(|| {
            self.commit.cells.push((at.entity as usize, at.field));
            self.touched.push(Touched::default());
            self.touched.len() - 1
        })
    }

    pub(super) fn find(&self, at: CellId) -> Option<usize> {
        self.commit.cells.iter().position(|cell| *cell == (at.entity as usize, at.field))
    }
}

impl Touched {
    pub(super) fn learn(&mut self) {
        self.known = true;
        self.observed = true;
    }

    pub(super) fn forget(&mut self) {
        self.known = false;
        self.observed = false;
    }
}

impl Move {
    /// The arguments and the verdict of `op`, if it is an `advance`.
    pub(super) fn of(op: &Op) -> Option<(Self, bool)> {
        match *op {
            Op::Advance { step, floor, ceiling, ttl_ms, fits, .. } => {
                Some((Self { step, floor, ceiling, ttl_ms }, fits))
            }
            _ => None,
        }
    }

    fn op(self, cell: usize, fits: bool) -> Op {
        let Self { step, floor, ceiling, ttl_ms } = self;
        Op::Advance { cell, step, floor, ceiling, ttl_ms, fits, repeat: 1 }
    }
}
