//! The world that a policy sees, answered by the component's imports.

use alloc::string::String;

use tidegate_policy::kv::{Cell, Clock, Kv, Scope};
use wasi::clocks::wall_clock;

use crate::bindings::tidegate::policy::kv;

/// The imports of one call. It holds nothing: what an import answers is the host's.
pub(crate) struct World;

fn cell(at: Cell) -> kv::Cell {
    let scope = match at.scope {
        Scope::Shared => kv::Scope::Shared,
        Scope::Local => kv::Scope::Local,
    };
    kv::Cell { entity: at.entity, field: at.field, scope }
}

impl Kv for World {
    fn get(&mut self, at: Cell) -> Option<String> {
        kv::get(cell(at))
    }

    fn observe(&mut self, at: Cell) -> Option<String> {
        kv::observe(cell(at))
    }

    fn put(&mut self, at: Cell, value: Option<&str>, ttl_ms: u64) {
        kv::put(cell(at), value, ttl_ms);
    }

    fn advance(&mut self, at: Cell, step: u64, floor: u64, ceiling: u64, ttl_ms: u64) -> Result<u64, u64> {
        kv::advance(cell(at), step, floor, ceiling, ttl_ms)
    }

    fn retreat(&mut self, at: Cell, step: u64, floor: u64) -> u64 {
        kv::retreat(cell(at), step, floor)
    }

    fn raise(&mut self, at: Cell, to: u64, ttl_ms: u64) -> u64 {
        kv::raise(cell(at), to, ttl_ms)
    }

    fn refused_ms(&mut self) -> u32 {
        kv::refused_ms()
    }
}

impl Clock for World {
    fn now_us(&mut self) -> u64 {
        let now = wall_clock::now();
        now.seconds.saturating_mul(1_000_000).saturating_add(u64::from(now.nanoseconds / 1_000))
    }
}
