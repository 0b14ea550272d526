//! The world of the built component: nothing in but a clock and cells, nothing out but what the
//! contract says.

use anyhow::{Result, ensure};
use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldItem};

use crate::paths;

/// What the component may import, with whatever version.
const IMPORTS: &[&str] = &["wasi:clocks/wall-clock", "tidegate:policy/kv"];

/// Refuses a component that imports anything else or lacks an export, and names each such thing.
pub(crate) fn check(component: &[u8]) -> Result<()> {
    let (imports, exports) = imports_and_exports(component)?;
    let forbidden = imports.iter().filter(|name| !IMPORTS.contains(&unversioned(name)));
    let wanted = wanted()?;
    let missing = wanted.iter().filter(|name| !exports.iter().any(|export| unversioned(export) == **name));
    let mut faults: Vec<String> = forbidden.map(|name| format!("it imports {name}")).collect();
    faults.extend(missing.map(|name| format!("it does not export {name}")));
    ensure!(faults.is_empty(), "the component is not of the world it should be: {}", faults.join("; "));
    Ok(())
}

/// What the contract says that the component exports, without versions: its interfaces that hold
/// functions.
fn wanted() -> Result<Vec<String>> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(paths::root().join("wit"))?;
    let world = resolve.select_world(&[package], None)?;
    let keys = resolve.worlds[world].exports.iter();
    let with_functions = keys.filter(|(_, item)| match item {
        WorldItem::Interface { id, .. } => !resolve.interfaces[*id].functions.is_empty(),
        WorldItem::Function(_) => true,
        WorldItem::Type { .. } => false,
    });
    // The functions of a resource are those of its interface.
    Ok(with_functions.map(|(key, _)| unversioned(&resolve.name_world_key(key)).to_owned()).collect())
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
