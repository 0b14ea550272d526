//! Whether a component is of the world of `wit/world.wit`.

use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::LoadError;

const IMPORTS: [&str; 2] = ["wasi:clocks/wall-clock", "tidegate:policy/kv"];
/// The contract, which names what a component exports.
const WORLD: &str = include_str!("../../wit/world.wit");
/// An interface that holds types and no functions, which the linker does not ask for.
const TYPES: &str = "tidegate:policy/types";

/// What a component must export.
fn exports() -> impl Iterator<Item = String> {
    let names = WORLD.lines().filter_map(|line| line.trim().strip_prefix("export ")?.strip_suffix(';'));
    names.map(|name| format!("tidegate:policy/{name}")).filter(|name| name != TYPES)
}

/// Refuses a component that imports what it may not or lacks what it must export. Further exports
/// are no harm.
pub(super) fn check(engine: &Engine, component: &Component) -> Result<(), LoadError> {
    let ty = component.component_type();
    let is_foreign = |item: &ComponentItem, name: &str| !names_only_types(engine, item) && !IMPORTS.contains(&name);
    if let Some((name, _)) = ty.imports(engine).find(|(name, item)| is_foreign(&item.ty, unversioned(name))) {
        return Err(LoadError::ForeignImport(name.to_owned()));
    }
    let is_missing = |wanted: &String| ty.exports(engine).all(|(name, _)| unversioned(name) != *wanted);
    exports().find(is_missing).map_or(Ok(()), |name| Err(LoadError::MissingExport(name)))
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
        let exports: Vec<_> = exports().collect();
        assert_eq!(
            exports,
            ["tidegate:policy/rate-limiter", "tidegate:policy/circuit-breaker", "tidegate:policy/nodes"]
        );
    }
}
