//! The floor: a call of a component's function that does nothing, on an engine set up as
//! Tidegate's.

use wasmtime::component::{Component, Linker, TypedFunc};
use wasmtime::{Config, Engine, Store};

const EMPTY: &str = r#"(component
    (core module $m (func (export "empty")))
    (core instance $i (instantiate $m))
    (func (export "empty") (canon lift (core func $i "empty"))))"#;

/// The function.
pub(crate) struct EmptyCall {
    store: Store<()>,
    empty: TypedFunc<(), ()>,
}

impl EmptyCall {
    pub(crate) fn new() -> anyhow::Result<Self> {
        Self::instantiate().map_err(|error| anyhow::anyhow!("{error:#}"))
    }

    pub(crate) fn call(&mut self) {
        self.empty.call(&mut self.store, ()).expect("it does nothing");
    }

    fn instantiate() -> wasmtime::Result<Self> {
        let mut config = Config::new();
        config.epoch_interruption(true);
        let engine = Engine::new(&config)?;
        let component = Component::new(&engine, wat::parse_str(EMPTY)?)?;
        let mut store = Store::new(&engine, ());
        store.set_epoch_deadline(1);
        let instance = Linker::new(&engine).instantiate(&mut store, &component)?;
        let empty = instance.get_typed_func::<(), ()>(&mut store, "empty")?;
        Ok(Self { store, empty })
    }
}
