//! The host's side of the contract: what the guest imports, answered by the transaction. Nothing
//! here throws or traps.

#[cfg(feature = "compile")]
use wasmtime::component::{Linker, LinkerInstance};
use wasmtime::{Memory, StoreLimits, TypedFunc};

use super::wit::kv::Cell;
use super::wit::wall_clock::Datetime;
use crate::store::Value;
use crate::transaction::Transaction;

#[cfg(feature = "compile")]
const WALL_CLOCK: &str = "wasi:clocks/wall-clock@0.2.4";
#[cfg(feature = "compile")]
const KV: &str = "tidegate:policy/kv@0.1.0";

/// What an instance's store holds.
#[derive(Default)]
pub(crate) struct HostState {
    pub(super) tx: Transaction,
    pub(super) limits: StoreLimits,
    /// In how many ticks the run was seen at work.
    pub(super) looks: u64,
    /// The memory of a core module that the host links itself.
    pub(super) memory: Option<Memory>,
    /// Its function that gives room in it.
    pub(super) realloc: Option<TypedFunc<(i32, i32, i32, i32), i32>>,
}

/// What the contract imports, by the names of interface and function.
impl HostState {
    pub(super) fn wall_clock_now(&self) -> Datetime {
        datetime(self.tx.now_us())
    }

    #[expect(clippy::unused_self, reason = "it is called as the others are")]
    pub(super) fn wall_clock_resolution(&self) -> Datetime {
        datetime(1)
    }

    pub(super) fn kv_get(&mut self, at: Cell) -> Option<Value> {
        self.tx.get(at)
    }

    pub(super) fn kv_observe(&mut self, at: Cell) -> Option<Value> {
        self.tx.observe(at)
    }

    pub(super) fn kv_put(&mut self, at: Cell, value: Option<Value>, ttl_ms: u64) {
        self.tx.put(at, value, ttl_ms);
    }

    pub(super) fn kv_advance(
        &mut self,
        at: Cell,
        step: u64,
        floor: u64,
        ceiling: u64,
        ttl_ms: u64,
    ) -> Result<u64, u64> {
        self.tx.advance(at, step, floor, ceiling, ttl_ms)
    }

    pub(super) fn kv_retreat(&mut self, at: Cell, step: u64, floor: u64) -> u64 {
        self.tx.retreat(at, step, floor)
    }

    pub(super) fn kv_raise(&mut self, at: Cell, to: u64, ttl_ms: u64) -> u64 {
        self.tx.raise(at, to, ttl_ms)
    }

    pub(super) fn kv_refused_ms(&self) -> u32 {
        self.tx.refused_ms()
    }
}

/// Adds all imports of a component. By hand instead of through the generated traits, because these
/// take and return `Arc<str>`: a text goes from the cell into the guest without a copy in between.
#[cfg(feature = "compile")]
pub(super) fn add_imports(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    add_clock(&mut linker.instance(WALL_CLOCK)?)?;
    let mut kv = linker.instance(KV)?;
    add_text(&mut kv)?;
    add_numbers(&mut kv)
}

#[cfg(feature = "compile")]
fn add_clock(clock: &mut LinkerInstance<'_, HostState>) -> wasmtime::Result<()> {
    clock.func_wrap("now", |store, (): ()| Ok((store.data().wall_clock_now(),)))?;
    clock.func_wrap("resolution", |store, (): ()| Ok((store.data().wall_clock_resolution(),)))
}

#[cfg(feature = "compile")]
fn add_text(kv: &mut LinkerInstance<'_, HostState>) -> wasmtime::Result<()> {
    kv.func_wrap("get", |mut store, (at,): (Cell,)| Ok((store.data_mut().kv_get(at),)))?;
    kv.func_wrap("observe", |mut store, (at,): (Cell,)| Ok((store.data_mut().kv_observe(at),)))?;
    kv.func_wrap("put", |mut store, (at, value, ttl_ms): (Cell, Option<Value>, u64)| {
        store.data_mut().kv_put(at, value, ttl_ms);
        Ok(())
    })
}

#[cfg(feature = "compile")]
fn add_numbers(kv: &mut LinkerInstance<'_, HostState>) -> wasmtime::Result<()> {
    kv.func_wrap("advance", |mut store, (at, step, floor, ceiling, ttl_ms): (Cell, u64, u64, u64, u64)| {
        Ok((store.data_mut().kv_advance(at, step, floor, ceiling, ttl_ms),))
    })?;
    kv.func_wrap("retreat", |mut store, (at, step, floor): (Cell, u64, u64)| {
        Ok((store.data_mut().kv_retreat(at, step, floor),))
    })?;
    kv.func_wrap("raise", |mut store, (at, to, ttl_ms): (Cell, u64, u64)| {
        Ok((store.data_mut().kv_raise(at, to, ttl_ms),))
    })?;
    kv.func_wrap("refused-ms", |store, (): ()| Ok((store.data().kv_refused_ms(),)))
}

fn datetime(us: u64) -> Datetime {
    let nanoseconds = u32::try_from(us % 1_000_000 * 1_000).unwrap_or_default();
    Datetime { seconds: us / 1_000_000, nanoseconds }
}

/// Refuses a run that named an entity that its call is not about. An import may not fail, so it is
/// found out afterwards.
pub(super) fn check_entities(tx: &Transaction) -> wasmtime::Result<()> {
    if tx.strayed() {
        return Err(wasmtime::Error::msg("the policy component asked for an entity that the call is not about"));
    }
    Ok(())
}
