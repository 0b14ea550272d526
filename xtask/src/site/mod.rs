//! The pages as a site: a book of all of them, and beside it the reference of each package, which
//! is made of its sources.

mod book;
mod html;
mod page;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::files::{copy_folder, fresh};
use crate::run::{cargo, run, step};
use crate::{component, paths, python, typescript};

/// It leads on to the crate.
const FIRST_PAGE: &str =
    r#"<meta http-equiv="refresh" content="0; url=tidegate/index.html"><a href="tidegate/index.html">tidegate</a>"#;

/// Builds what the site is made of, and the site.
pub(crate) fn site() -> Result<()> {
    step("component", || component::build().map(drop))?;
    step("TypeScript", || {
        typescript::setup()?;
        typescript::build()
    })?;
    let wheel = python::wheel()?;
    build(&wheel)
}

/// Builds the site, of what is built, into `<target>/site`, and holds each link in it to what it
/// leads to.
pub(crate) fn build(wheel: &Path) -> Result<()> {
    let site = paths::target_dir()?.join("site");
    step("site: book", || book::build(&site))?;
    step("site: Rust", || copy_folder(&rustdoc()?, &site.join("api/rust")))?;
    step("site: TypeScript", || typescript::docs(&site.join("api/typescript")))?;
    step("site: Python", || python::docs(wheel, &site.join("api/python")))?;
    step("site: links", || {
        let faults = html::faults(&site)?;
        ensure!(faults.is_empty(), "{} links lead nowhere:\n{}", faults.len(), faults.join("\n"));
        Ok(())
    })?;
    println!("site: {}", site.join("index.html").display());
    Ok(())
}

/// What rustdoc makes of the workspace: chosen alone, the crate would be compiled with all that it
/// stands on once more.
///
/// It is made anew, since rustdoc leaves pages of what is gone.
fn rustdoc() -> Result<PathBuf> {
    let folder = paths::target_dir()?.join("doc");
    fresh(&folder)?;
    let mut doc = cargo(["doc", "--locked", "--release", "--workspace", "--no-deps"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    run(doc)?;
    // Of several crates rustdoc makes no first page, and links to it.
    fs::write(folder.join("index.html"), FIRST_PAGE).context("the folder of rustdoc cannot be written to")?;
    Ok(folder)
}
