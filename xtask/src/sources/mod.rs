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

use crate::files;

/// All Rust files under `folder`, in order, but for folders of tests.
pub(crate) fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    files::below(folder, &["rs"], |name| name != "tests")
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
