//! The machine code of the built-in component's core module, made by the build script. The only
//! file that takes the compiler's word for anything.

#![allow(unsafe_code)]

use wasmtime::{Engine, Module};

/// Machine code for the target of this build, with wasmtime's marks of version and settings in
/// front.
const CODE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tidegate.cwasm"));

/// Takes it in, which fails where it was made for another version of wasmtime, for other settings
/// or for another machine.
pub(super) fn module(engine: &Engine) -> wasmtime::Result<Module> {
    // SAFETY: `deserialize` must be given nothing but what wasmtime's `precompile_module` has
    // made, unchanged, because it runs it. These bytes are that: the build script of this crate
    // made them in the build that this program comes from, cargo gives each build a folder of its
    // own for what scripts write, and they have been in the program's text, which cannot be written
    // to, ever since. No file, variable or caller has a say in them at run time. wasmtime itself
    // refuses code of another version or for other settings.
    unsafe { Module::deserialize(engine, CODE) }
}

#[cfg(all(test, feature = "compile"))]
mod tests {
    use super::CODE;
    use crate::runtime::{engine, module};

    #[test]
    fn the_code_is_that_of_the_component_beside_it() {
        let component = include_bytes!(env!("TIDEGATE_COMPONENT_FILE"));
        let core = module::of(component).expect("its inside is the one that this crate links");
        let compiled = engine::compiler_for(env!("TIDEGATE_TARGET")).precompile_module(core);
        assert!(compiled.expect("it compiles") == CODE, "this crate holds the code of another component");
    }
}
