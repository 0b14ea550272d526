//! How machine code is made of a component. The build script takes this file as well.

/// Sets the compiler.
pub(super) fn set(config: &mut wasmtime::Config) {
    config
        .cranelift_opt_level(wasmtime::OptLevel::Speed)
        // Three hosts must decide alike, down to the bits.
        .cranelift_nan_canonicalization(true);
}
