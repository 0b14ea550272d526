//! The names of the crate.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, bail};
use syn::{Attribute, Ident, ImplItem, Item, ItemImpl, UseTree, Visibility};

use super::{HANDLES, Names, TOLD};
use crate::sources::{is_for_tests, parsed, rust_files};

/// The items that the root of a crate and its public modules name, with their modules before them,
/// and the methods of the handles. Parts are the methods of other types and the cases of enums.
pub(super) fn names(src: &Path) -> Result<Names> {
    let mut names = Names::default();
    module(&src.join("lib.rs"), "", &mut names)?;
    for file in rust_files(src)? {
        // What is without async has the methods of what is with it.
        if !file.iter().any(|part| part == "blocking" || part == "blocking.rs") {
            parsed(&file)?.items.iter().for_each(|item| members(item, &mut names));
        }
    }
    let types: BTreeSet<_> = names.all.iter().filter_map(|name| name.rsplit("::").next()).collect();
    names.parts.retain(|part| part.split("::").next().is_some_and(|of| types.contains(of)));
    Ok(names)
}

fn module(file: &Path, path: &str, names: &mut Names) -> Result<()> {
    for item in parsed(file)?.items {
        if let Item::Mod(item) = &item {
            if is_public(&item.vis) && !is_hidden(&item.attrs) && !is_for_tests(&item.attrs) {
                let name = format!("{path}{}", item.ident);
                module(&file_of(file, &item.ident), &format!("{name}::"), names)?;
                names.all.insert(name);
            }
        } else if let Item::Use(item) = &item {
            if is_public(&item.vis) && !is_hidden(&item.attrs) {
                used(&item.tree, path, names)?;
            }
        } else if let Some((visibility, name)) = declared(&item)
            && is_public(visibility)
        {
            names.all.insert(format!("{path}{name}"));
        }
    }
    Ok(())
}

/// The file of a module that another one declares.
fn file_of(parent: &Path, module: &Ident) -> std::path::PathBuf {
    let is_folder = parent.file_stem().is_some_and(|stem| stem == "lib" || stem == "mod");
    let folder = if is_folder { parent.with_file_name("") } else { parent.with_extension("") };
    let file = folder.join(format!("{module}.rs"));
    if file.exists() { file } else { folder.join(module.to_string()).join("mod.rs") }
}

fn used(tree: &UseTree, path: &str, names: &mut Names) -> Result<()> {
    let name = match tree {
        UseTree::Path(part) => return used(&part.tree, path, names),
        UseTree::Group(group) => return group.items.iter().try_for_each(|tree| used(tree, path, names)),
        UseTree::Name(name) => &name.ident,
        UseTree::Rename(renamed) => &renamed.rename,
        UseTree::Glob(_) => bail!("a name that is given on by a glob is not found"),
    };
    names.all.insert(format!("{path}{name}"));
    Ok(())
}

fn declared(item: &Item) -> Option<(&Visibility, &Ident)> {
    match item {
        Item::Const(item) => Some((&item.vis, &item.ident)),
        Item::Enum(item) => Some((&item.vis, &item.ident)),
        Item::Fn(item) => Some((&item.vis, &item.sig.ident)),
        Item::Static(item) => Some((&item.vis, &item.ident)),
        Item::Struct(item) => Some((&item.vis, &item.ident)),
        Item::Trait(item) => Some((&item.vis, &item.ident)),
        Item::Type(item) => Some((&item.vis, &item.ident)),
        Item::Union(item) => Some((&item.vis, &item.ident)),
        _ => None,
    }
}

fn members(item: &Item, names: &mut Names) {
    match item {
        Item::Enum(item) => {
            names.parts.extend(item.variants.iter().map(|case| format!("{}::{}", item.ident, case.ident)));
        }
        Item::Struct(item) if TOLD.iter().any(|told| item.ident == told) => {
            let public = item.fields.iter().filter(|field| is_public(&field.vis));
            names.told.extend(public.filter_map(|field| field.ident.as_ref().map(ToString::to_string)));
        }
        Item::Impl(item) if item.trait_.is_none() => methods(item, names),
        _ => {}
    }
}

fn methods(item: &ItemImpl, names: &mut Names) {
    let syn::Type::Path(of) = &*item.self_ty else { return };
    let Some(of) = of.path.segments.last() else { return };
    for item in &item.items {
        let ImplItem::Fn(method) = item else { continue };
        if is_public(&method.vis) && !is_hidden(&method.attrs) {
            let with_rows = HANDLES.iter().any(|handle| of.ident == handle);
            let kind = if with_rows { &mut names.all } else { &mut names.parts };
            kind.insert(format!("{}::{}", of.ident, method.sig.ident));
            if TOLD.iter().any(|told| of.ident == told) {
                names.told.insert(method.sig.ident.to_string());
            }
        }
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("doc") && list.tokens.to_string() == "hidden",
        syn::Meta::Path(_) | syn::Meta::NameValue(_) => false,
    })
}
