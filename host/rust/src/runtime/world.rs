//! Whether a component is of the world of `wit/world.wit`.

use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::LoadError;

const IMPORTS: [&str; 2] = ["wasi:clocks/wall-clock", "tidegate:policy/kv"];
const EXPORTS: [&str; 3] = ["tidegate:policy/rate-limiter", "tidegate:policy/circuit-breaker", "tidegate:policy/nodes"];

/// Refuses a component that imports what it may not or lacks what it must export. Further exports
/// are no harm.
pub(super) fn check(engine: &Engine, component: &Component) -> Result<(), LoadError> {
    let ty = component.component_type();
    let is_foreign = |item: &ComponentItem, name: &str| !names_only_types(engine, item) && !IMPORTS.contains(&name);
    if let Some((name, _)) = ty.imports(engine).find(|(name, item)| is_foreign(&item.ty, unversioned(name))) {
        return Err(LoadError::ForeignImport(name.to_owned()));
    }
    let is_missing = |wanted: &&&str| ty.exports(engine).all(|(name, _)| unversioned(name) != **wanted);
    match EXPORTS.iter().find(is_missing) {
        Some(name) => Err(LoadError::MissingExport((*name).to_owned())),
        None => Ok(()),
    }
}

/// Versions are for the linker to compare, which knows which of them are compatible.
fn unversioned(name: &str) -> &str {
    name.split_once('@').map_or(name, |(name, _)| name)
}

/// An interface without functions gives types their names and lets nothing in or out.
fn names_only_types(engine: &Engine, item: &ComponentItem) -> bool {
    match item {
        ComponentItem::ComponentInstance(interface) => {
            interface.exports(engine).all(|(_, item)| matches!(item.ty, ComponentItem::Type(_)))
        }
        _ => false,
    }
}
