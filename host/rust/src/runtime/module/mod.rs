//! The core module of the component, linked by the host itself.
//!
//! The component API of wasmtime carries any contract: it looks up how, value by value, while a
//! call is made. That took more than half of a decision. The component as `wit-component` makes it
//! is one core module and what forwards its imports, so the host links that module and carries the
//! values by glue that is made of `wit/` when the host is built. A component whose inside has
//! another shape runs by the component API: see `docs/design/core-module.md`.

mod found;
mod glue;
#[cfg(feature = "compile")]
mod inside;
mod memory;

use wasmtime::{Engine, InstancePre, Linker, Module, Store};

use self::found::Found;
use self::glue::Functions;
pub(crate) use self::glue::{Core, Handle};
#[cfg(feature = "compile")]
pub(super) use self::glue::{EXPORTS, IMPORTS};
use super::HostState;

/// The core module of a component, where its inside has the shape that the host can link.
#[cfg(feature = "compile")]
pub(super) fn of(component: &[u8]) -> Option<&[u8]> {
    inside::core_module(component, IMPORTS, EXPORTS)
}

/// Links the module, which finds out whether it imports nothing but what the contract has.
pub(super) fn link(engine: &Engine, module: &Module) -> wasmtime::Result<InstancePre<HostState>> {
    let mut linker = Linker::new(engine);
    glue::add_imports(&mut linker)?;
    linker.instantiate_pre(module)
}

/// A new instance.
pub(super) fn instantiate(linked: &InstancePre<HostState>, store: &mut Store<HostState>) -> wasmtime::Result<Core> {
    let instance = linked.instantiate(&mut *store)?;
    let mut found = Found::new(instance, store);
    let (memory, realloc) = (found.memory()?, found.function("cabi_realloc")?);
    let functions = Functions::new(&mut found)?;
    let host = store.data_mut();
    (host.memory, host.realloc) = (Some(memory), Some(realloc));
    Ok(Core { functions, memory })
}
