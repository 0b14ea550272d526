//! What machine code is made for and what the engine runs it by. The two must agree, so the build
//! script takes this file as well.

/// How much memory an instance may have unless told otherwise, in bytes. So much address space is
/// set aside for it; wasmtime's own choice, 4 GiB each, is refused where a process may have less
/// (`ulimit -v`, small containers).
pub(super) const MEMORY_BYTES: u32 = 16 << 20;

/// Sets them.
pub(super) fn set(config: &mut wasmtime::Config) {
    config
        .epoch_interruption(true)
        .memory_reservation(u64::from(MEMORY_BYTES))
        .memory_reservation_for_growth(0)
        .memory_guard_size(64 << 10)
        // Nobody reads addresses of a policy; without them the code is smaller and loads faster.
        .generate_address_map(false)
        .native_unwind_info(false)
        .concurrency_support(false)
        // What a policy does not need it does not get.
        .wasm_relaxed_simd(false)
        .wasm_simd(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_tail_call(false);
}
