//! What the sources must hold that no compiler checks: modules import each other in no circle, the
//! ledger names no strategy, no arm of a match swallows a request or an answer, and no comment is
//! too wide.

mod arms;
mod circles;
mod layers;
mod modules;
mod widths;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use syn::Attribute;

/// All Rust files under `folder`, in order, but for folders of tests.
pub(crate) fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_none_or(|name| name != "tests") {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

pub(crate) fn parsed(file: &Path) -> Result<syn::File> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    syn::parse_file(&text).with_context(|| file.display().to_string())
}

/// Whether an item is compiled for tests only.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        list.path.is_ident("cfg") && list.tokens.clone().into_iter().any(|token| mentions_test(&token))
    })
}

fn mentions_test(token: &proc_macro2::TokenTree) -> bool {
    match token {
        proc_macro2::TokenTree::Ident(name) => name == "test" || name == "doctest",
        proc_macro2::TokenTree::Group(group) => group.stream().into_iter().any(|token| mentions_test(&token)),
        proc_macro2::TokenTree::Punct(_) | proc_macro2::TokenTree::Literal(_) => false,
    }
}
