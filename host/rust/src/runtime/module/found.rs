//! What an instance of the core module exports.

use wasmtime::{Instance, Memory, Store, TypedFunc, WasmParams, WasmResults};

use super::super::HostState;

/// An instance whose exports are looked up.
pub(super) struct Found<'store> {
    instance: Instance,
    store: &'store mut Store<HostState>,
}

impl<'store> Found<'store> {
    pub(super) fn new(instance: Instance, store: &'store mut Store<HostState>) -> Self {
        Self { instance, store }
    }

    pub(super) fn memory(&mut self) -> wasmtime::Result<Memory> {
        self.instance.get_memory(&mut *self.store, "memory").ok_or_else(|| missing("memory"))
    }

    pub(super) fn function<P: WasmParams, R: WasmResults>(&mut self, name: &str) -> wasmtime::Result<TypedFunc<P, R>> {
        self.function_if_any(name)?.ok_or_else(|| missing(name))
    }

    pub(super) fn function_if_any<P: WasmParams, R: WasmResults>(
        &mut self,
        name: &str,
    ) -> wasmtime::Result<Option<TypedFunc<P, R>>> {
        let function = self.instance.get_func(&mut *self.store, name);
        function.map(|function| function.typed(&*self.store)).transpose()
    }
}

fn missing(name: &str) -> wasmtime::Error {
    wasmtime::Error::msg(format!("the core module does not export {name}"))
}
