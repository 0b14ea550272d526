//! The core module inside a component. The build script takes this file as well.

use wasmparser::{Parser, Payload};

/// The table by which imports are forwarded.
const TABLE: &str = "$imports";

/// The core module of a component whose inside is that which `wit-component` makes: one module, and
/// modules that forward imports to it. Of any other inside: `None`.
///
/// `imports` are what the module may import, `exports` what it must export.
pub(crate) fn core_module<'a, T: AsRef<str>>(
    component: &'a [u8],
    imports: &[(T, T)],
    exports: &[T],
) -> Option<&'a [u8]> {
    let modules = modules(component)?;
    let mut others = modules.into_iter().filter(|module| !module.is_forwarding());
    let (module, other) = (others.next()?, others.next());
    let is_known = |(from, name): &(&str, &str)| {
        imports.iter().any(|known| known.0.as_ref() == *from && known.1.as_ref() == *name)
    };
    let is_there = |export: &T| module.exports.contains(&export.as_ref());
    let is_ours = other.is_none() && module.imports.iter().all(is_known) && exports.iter().all(is_there);
    is_ours.then_some(module.bytes)
}

/// A core module: its bytes, and the names of what is in it.
#[derive(Default)]
struct Module<'a> {
    bytes: &'a [u8],
    imports: Vec<(&'a str, &'a str)>,
    exports: Vec<&'a str>,
    /// Whether it has memory, variables or something that it does by itself.
    has_state: bool,
}

impl Module<'_> {
    /// Whether it only forwards what the component imports: it exports numbered functions and a
    /// table, or it imports those to fill the table.
    fn is_forwarding(&self) -> bool {
        let is_part = |name: &str| name == TABLE || name.parse::<u32>().is_ok();
        let gives = self.imports.is_empty() && self.exports.iter().all(|name| is_part(name));
        let fills = self.exports.is_empty() && self.imports.iter().all(|(_, name)| is_part(name));
        let is_empty = self.imports.is_empty() && self.exports.is_empty();
        !self.has_state && !is_empty && (gives || fills)
    }
}

/// What sections belong to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Module,
    Component,
}

/// The core modules of a component. The components in it only give functions their types, so none
/// of them has a module.
fn modules(component: &[u8]) -> Option<Vec<Module<'_>>> {
    let (mut modules, mut around) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(component) {
        match payload.ok()? {
            Payload::ModuleSection { .. } if !around.is_empty() => return None,
            Payload::ModuleSection { unchecked_range, .. } => {
                modules.push(Module { bytes: component.get(unchecked_range)?, ..Module::default() });
                around.push(Inside::Module);
            }
            Payload::ComponentSection { .. } => around.push(Inside::Component),
            Payload::End(_) => drop(around.pop()),
            payload if around.last() == Some(&Inside::Module) => modules.last_mut()?.note(payload)?,
            _ => {}
        }
    }
    Some(modules)
}

impl<'a> Module<'a> {
    /// Notes what a section has in it.
    fn note(&mut self, payload: Payload<'a>) -> Option<()> {
        match payload {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.ok()?;
                    self.imports.push((import.module, import.name));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    self.exports.push(export.ok()?.name);
                }
            }
            Payload::MemorySection(_)
            | Payload::GlobalSection(_)
            | Payload::DataSection(_)
            | Payload::StartSection { .. } => self.has_state = true,
            _ => {}
        }
        Some(())
    }
}
