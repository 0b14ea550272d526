//! The host's side of the contract: what the guest imports, answered by the transaction. Nothing
//! here throws or traps.

use wasmtime::StoreLimits;
use wasmtime::component::{Linker, LinkerInstance};

use super::bindings::wasi::clocks::wall_clock::Datetime;
use super::wit::kv::Cell;
use crate::store::Value;
use crate::transaction::Transaction;

const WALL_CLOCK: &str = "wasi:clocks/wall-clock@0.2.4";
const KV: &str = "tidegate:policy/kv@0.1.0";

/// What an instance's store holds.
#[derive(Default)]
pub(crate) struct HostState {
    pub(super) tx: Transaction,
    pub(super) limits: StoreLimits,
    /// In how many ticks the run was seen at work.
    pub(super) looks: u64,
}

/// Adds all imports. By hand instead of through the generated traits, because these take and return
/// `Arc<str>`: a text goes from the cell into the guest without a copy in between.
pub(super) fn add_imports(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    add_clock(&mut linker.instance(WALL_CLOCK)?)?;
    let mut kv = linker.instance(KV)?;
    add_text(&mut kv)?;
    add_numbers(&mut kv)
}

fn add_clock(clock: &mut LinkerInstance<'_, HostState>) -> wasmtime::Result<()> {
    clock.func_wrap("now", |store, (): ()| Ok((datetime(store.data().tx.now_us()),)))?;
    clock.func_wrap("resolution", |_, (): ()| Ok((datetime(1),)))
}

fn datetime(us: u64) -> Datetime {
    let nanoseconds = u32::try_from(us % 1_000_000 * 1_000).unwrap_or_default();
    Datetime { seconds: us / 1_000_000, nanoseconds }
}

fn add_text(kv: &mut LinkerInstance<'_, HostState>) -> wasmtime::Result<()> {
    kv.func_wrap("get", |mut store, (at,): (Cell,)| Ok((store.data_mut().tx.get(at),)))?;
    kv.func_wrap("observe", |mut store, (at,): (Cell,)| Ok((store.data_mut().tx.observe(at),)))?;
    kv.func_wrap("put", |mut store, (at, value, ttl_ms): (Cell, Option<Value>, u64)| {
        store.data_mut().tx.put(at, value, ttl_ms);
        Ok(())
    })
}

fn add_numbers(kv: &mut LinkerInstance<'_, HostState>) -> wasmtime::Result<()> {
    kv.func_wrap("advance", |mut store, (at, step, floor, ceiling, ttl_ms): (Cell, u64, u64, u64, u64)| {
        Ok((store.data_mut().tx.advance(at, step, floor, ceiling, ttl_ms),))
    })?;
    kv.func_wrap("retreat", |mut store, (at, step, floor): (Cell, u64, u64)| {
        Ok((store.data_mut().tx.retreat(at, step, floor),))
    })?;
    kv.func_wrap("raise", |mut store, (at, to, ttl_ms): (Cell, u64, u64)| {
        Ok((store.data_mut().tx.raise(at, to, ttl_ms),))
    })?;
    kv.func_wrap("refused-ms", |store, (): ()| Ok((store.data().tx.refused_ms(),)))
}

/// Refuses a run that named an entity that its call is not about. An import may not fail, so it is
/// found out afterwards.
pub(super) fn check_entities(tx: &Transaction) -> wasmtime::Result<()> {
    if tx.strayed() {
        return Err(wasmtime::Error::msg("the policy component asked for an entity that the call is not about"));
    }
    Ok(())
}
