//! Whether a component is of the world of `wit/world.wit`.

use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::{LoadError, module};

/// What a component may import, by the names of the interfaces.
fn imports() -> impl Iterator<Item = &'static str> {
    module::IMPORTS.iter().map(|(interface, _)| unversioned(interface))
}

/// What a component must export, likewise.
fn exports() -> impl Iterator<Item = &'static str> {
    module::EXPORTS.iter().filter_map(|name| name.split_once('#')).map(|(interface, _)| unversioned(interface))
}

/// Refuses a component that imports what it may not or lacks what it must export. Further exports
/// are no harm.
pub(super) fn check(engine: &Engine, component: &Component) -> Result<(), LoadError> {
    let ty = component.component_type();
    let is_foreign =
        |item: &ComponentItem, name: &str| !names_only_types(engine, item) && !imports().any(|known| known == name);
    if let Some((name, _)) = ty.imports(engine).find(|(name, item)| is_foreign(&item.ty, unversioned(name))) {
        return Err(LoadError::ForeignImport(name.to_owned()));
    }
    let is_missing = |wanted: &&str| ty.exports(engine).all(|(name, _)| unversioned(name) != *wanted);
    exports().find(is_missing).map_or(Ok(()), |name| Err(LoadError::MissingExport(name.to_owned())))
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

#[cfg(test)]
mod tests {
    use super::exports;

    #[test]
    fn the_exports_are_those_of_the_contract() {
        let mut exports: Vec<_> = exports().collect();
        exports.dedup();
        assert_eq!(
            exports,
            ["tidegate:policy/rate-limiter", "tidegate:policy/circuit-breaker", "tidegate:policy/nodes"]
        );
    }
}
