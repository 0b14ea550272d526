//! Glue between the core module of the component and Rust, made from `wit/`: how each value lies in
//! the module's memory, and each function of the contract.
//!
//! It follows the Canonical ABI of the component model, as wasmtime's own glue does. But it is
//! compiled for this one contract, so nothing of it is looked up while a call is made. Sizes,
//! offsets and signatures are those that `wit-parser` computes.

mod exports;
mod flat;
mod guest;
mod imports;
mod lift;
mod lower;
mod types;

use std::path::Path;

use proc_macro2::TokenStream;
use wit_parser::{Function, InterfaceId, Resolve, SizeAlign, WorldId, WorldItem, WorldKey};

const WORLD: &str = "tidegate";

/// The contract, and what its values take up in memory.
pub(crate) struct Contract {
    resolve: Resolve,
    sizes: SizeAlign,
    world: WorldId,
}

/// An interface of the world: its full name, and whether the component exports it.
struct Interface {
    id: InterfaceId,
    name: String,
    is_exported: bool,
}

impl Contract {
    /// Reads the contract in a folder.
    ///
    /// # Errors
    /// If it does not parse.
    pub(crate) fn read(folder: &Path) -> Result<Self, String> {
        let mut resolve = Resolve::default();
        let read = resolve.push_dir(folder).map_err(|error| format!("{}: {error:#}", folder.display()));
        let (package, _) = read?;
        let world = resolve.select_world(&[package], Some(WORLD)).map_err(|error| format!("{error:#}"))?;
        let mut sizes = SizeAlign::default();
        sizes.fill(&resolve);
        Ok(Self { resolve, sizes, world })
    }

    /// The text of the glue between the core module and Rust.
    ///
    /// # Errors
    /// If the contract has something in it that the glue knows no way to carry.
    pub(crate) fn core(&self) -> Result<String, String> {
        let parts = [self.exports()?, self.imports()?, self.values()?];
        Ok(TokenStream::from_iter(parts).to_string())
    }

    /// The interfaces that have functions, in the order of the world.
    fn interfaces(&self) -> Vec<Interface> {
        let world = &self.resolve.worlds[self.world];
        let of = |(key, item): (&WorldKey, &WorldItem), is_exported: bool| match item {
            WorldItem::Interface { id, .. } if !self.resolve.interfaces[*id].functions.is_empty() => {
                Some(Interface { id: *id, name: self.resolve.name_world_key(key), is_exported })
            }
            WorldItem::Interface { .. } | WorldItem::Function(_) | WorldItem::Type { .. } => None,
        };
        let imports = world.imports.iter().filter_map(|item| of(item, false));
        imports.chain(world.exports.iter().filter_map(|item| of(item, true))).collect()
    }

    fn exported(&self) -> Vec<Interface> {
        self.interfaces().into_iter().filter(|interface| interface.is_exported).collect()
    }

    fn functions(&self, interface: &Interface) -> impl Iterator<Item = &Function> {
        self.resolve.interfaces[interface.id].functions.values()
    }

    /// How each record, variant and enum is read in memory, and written there.
    fn values(&self) -> Result<TokenStream, String> {
        let mut functions = TokenStream::new();
        for (id, _) in &self.resolve.types {
            if let Some(name) = self.named(id) {
                functions.extend([self.lift_function(id, &name)?, self.lower_function(id, &name)?]);
            }
        }
        Ok(functions)
    }
}
