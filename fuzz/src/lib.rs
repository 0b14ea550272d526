//! Hostile input: what comes from outside, thrown at what reads it. `CONTRIBUTING.md` says how to
//! run it.
//!
//! Each target in [`target`] takes any bytes, and holds what becomes of them to more than that
//! nothing panics. The fuzzer feeds the targets by the programs in `fuzz_targets`; the tests replay
//! the seeds and every input that ever broke something.

extern crate alloc;

pub mod input;
pub mod stage;
pub mod target;

pub use error::Error;

// What hosts and the component read by is taken from them as it stands. Depending on the crate
// `tidegate` would have wasmtime compiled anew, with the fuzzer's flags: the modules below are all
// that these parts of it need, and stand where they look for it.
macro_rules! taken {
    ($($path:literal $name:ident)+) => {
        $(#[path = $path]
        #[allow(dead_code, unused_imports, unreachable_pub, reason = "a host uses more of it")]
        #[allow(clippy::all, clippy::pedantic, reason = "it is checked where it is from")]
        mod $name;)+
    };
}

taken! {
    "taken/away.rs" away
    "taken/bindings.rs" bindings
    "../../guest/component/src/convert.rs" convert
    "taken/error.rs" error
    "../../guest/component/src/strategies/circuit_breaker/mod.rs" guest_circuit_breaker
    "../../guest/component/src/strategies/rate_limiter/mod.rs" guest_rate_limiter
    "../../host/rust/src/json.rs" json
    "../../host/rust/src/key.rs" key
    "taken/strategies/mod.rs" strategies
    "taken/runtime.rs" runtime
    "../../host/rust/src/settings/mod.rs" settings
    "taken/store.rs" store
    "../../host/rust/src/time.rs" time
    "../../guest/component/src/world.rs" world
}
