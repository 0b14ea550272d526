//! The world of the built component: nothing in but a clock and cells, nothing out but what the
//! contract says.

use anyhow::{Result, ensure};
use wit_component::DecodedWasm;

/// What the component may import, with whatever version.
const IMPORTS: &[&str] = &["wasi:clocks/wall-clock", "tidegate:policy/kv"];
/// What the component must export, with whatever version.
const EXPORTS: &[&str] = &["tidegate:policy/rate-limiter", "tidegate:policy/circuit-breaker", "tidegate:policy/nodes"];

/// Refuses a component that imports anything else or lacks an export, and names each such thing.
pub(crate) fn check(component: &[u8]) -> Result<()> {
    let (imports, exports) = imports_and_exports(component)?;
    let forbidden = imports.iter().filter(|name| !IMPORTS.contains(&unversioned(name)));
    let missing = EXPORTS.iter().filter(|name| !exports.iter().any(|export| unversioned(export) == **name));
    let mut faults: Vec<String> = forbidden.map(|name| format!("it imports {name}")).collect();
    faults.extend(missing.map(|name| format!("it does not export {name}")));
    ensure!(faults.is_empty(), "the component is not of the world it should be: {}", faults.join("; "));
    Ok(())
}

fn imports_and_exports(component: &[u8]) -> Result<(Vec<String>, Vec<String>)> {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component)? else {
        anyhow::bail!("it is a WIT package and no component");
    };
    let world = &resolve.worlds[world];
    let names = |keys: &mut dyn Iterator<Item = _>| keys.map(|key| resolve.name_world_key(key)).collect();
    Ok((names(&mut world.imports.keys()), names(&mut world.exports.keys())))
}

fn unversioned(name: &str) -> &str {
    name.split_once('@').map_or(name, |(name, _)| name)
}

#[cfg(test)]
mod tests;
