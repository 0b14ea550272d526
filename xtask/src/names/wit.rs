//! The names of the contract.

use std::path::Path;

use anyhow::Result;
use wit_parser::{Interface, Resolve, Type, TypeDefKind};

use super::Names;

/// The interfaces of a package, `interface.type`, `interface.resource.function`, and, as parts, the
/// cases of enums and variants.
pub(super) fn names(wit: &Path) -> Result<Names> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit)?;
    let mut names = Names::default();
    for (name, id) in &resolve.packages[package].interfaces {
        names.all.insert(name.clone());
        read(&resolve, name, &resolve.interfaces[*id], &mut names);
    }
    Ok(names)
}

fn read(resolve: &Resolve, name: &str, interface: &Interface, names: &mut Names) {
    for function in interface.functions.keys() {
        // Methods are named like `[method]limiter.acquire`.
        let function = function.split_once(']').map_or(function.as_str(), |(_, function)| function);
        names.all.insert(format!("{name}.{function}"));
    }
    for (of, id) in &interface.types {
        let cases: Vec<&String> = match &resolve.types[*id].kind {
            // It is another interface's, used here.
            TypeDefKind::Type(Type::Id(_)) => continue,
            TypeDefKind::Enum(kind) => kind.cases.iter().map(|case| &case.name).collect(),
            TypeDefKind::Variant(kind) => kind.cases.iter().map(|case| &case.name).collect(),
            _ => Vec::new(),
        };
        names.parts.extend(cases.iter().map(|case| format!("{name}.{of}.{case}")));
        names.all.insert(format!("{name}.{of}"));
    }
}
