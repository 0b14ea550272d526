//! The book: all pages of the repository, in the order of `docs/README.md`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::page;
use crate::files::fresh;
use crate::run::{cargo, run};
use crate::{pages, paths};

/// The version that the pages were tried with.
const MDBOOK: &str = "0.5.4";

/// The page that lists all pages.
const LIST: &str = "docs/README.md";

/// Where the references of the packages are, which no page of the repository can link to.
const REFERENCES: &str = "# References

Made from the sources of each package.

- [Rust](api/rust/tidegate/index.html)
- [TypeScript](api/typescript/index.html)
- [Python](api/python/index.html)
";

/// Builds the book into `to`, in place of what is there.
pub(super) fn build(to: &Path) -> Result<()> {
    let folder = paths::target_dir()?.join("book");
    fresh(&folder)?;
    gather(&folder.join("src"))?;
    fs::copy(paths::root().join("docs/book.toml"), folder.join("book.toml"))?;
    fresh(to)?;
    let mut build = Command::new(mdbook()?);
    build.arg("build").arg(&folder).arg("--dest-dir").arg(to);
    run(build)
}

/// Lays all pages and their list into `folder`.
fn gather(folder: &Path) -> Result<()> {
    let root = paths::root();
    for file in pages::all(root)? {
        let path = file.strip_prefix(root)?;
        let to = folder.join(page::name(path));
        fs::create_dir_all(to.parent().context("a page lies in a folder")?)?;
        fs::write(to, page::moved(&fs::read_to_string(&file)?, path))?;
    }
    fs::write(folder.join("references.md"), REFERENCES)?;
    let list = fs::read_to_string(root.join(LIST))?;
    fs::write(folder.join("SUMMARY.md"), summary(&list))?;
    Ok(())
}

/// mdBook's list of chapters, of the links in the first columns of the page that lists all pages.
fn summary(list: &str) -> String {
    let mut lines = vec![format!("[All pages]({})\n", page::name(Path::new(LIST)).display())];
    let mut has_references = false;
    for (line, _) in pages::lines(list).filter(|(_, is_code)| !is_code) {
        if let Some(part) = line.strip_prefix("## ") {
            if !has_references {
                lines.push("- [References](references.md)".to_owned());
                has_references = true;
            }
            lines.push(format!("\n# {part}\n"));
        }
        lines.extend(listed(line).map(|(title, path)| format!("- [{title}]({})", page::name(&path).display())));
    }
    lines.join("\n") + "\n"
}

/// The pages that a row of a table lists, each with its title and its path from the root.
fn listed(line: &str) -> impl Iterator<Item = (&str, PathBuf)> {
    let cell = line.strip_prefix("| ").and_then(|row| row.split(" | ").next()).unwrap_or_default();
    let folder = Path::new(LIST).parent().unwrap_or(Path::new(""));
    let links = cell.split('[').skip(1).filter_map(|link| link.split_once("]("));
    let links = links.filter_map(|(title, rest)| Some((title, rest.split_once(')')?.0)));
    links.map(|(title, path)| (title, pages::resolve(folder, path)))
}

/// mdBook of the right version, installed in a folder of its own where it is missing: without its
/// server, search and watcher, and not optimized, which compiles in half a minute.
fn mdbook() -> Result<PathBuf> {
    let folder = paths::target_dir()?.join("mdbook");
    let program = folder.join(format!("bin/mdbook{}", std::env::consts::EXE_SUFFIX));
    if is_right(&program) {
        return Ok(program);
    }
    let built = folder.join("build");
    let mut install = cargo(["install", "mdbook", "--version", MDBOOK, "--locked", "--force", "--quiet"]);
    install.args(["--no-default-features", "--debug", "--root"]).arg(&folder).arg("--target-dir").arg(&built);
    install.env("CARGO_PROFILE_DEV_DEBUG", "0");
    run(install)?;
    fs::remove_dir_all(built)?;
    Ok(program)
}

fn is_right(program: &Path) -> bool {
    let version = Command::new(program).arg("--version").output();
    version.is_ok_and(|version| version.stdout.trim_ascii() == format!("mdbook v{MDBOOK}").as_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_page_is_listed_once() {
        let root = paths::root();
        let list = fs::read_to_string(root.join(LIST)).expect("it is there");
        let listed: Vec<_> = list.lines().flat_map(listed).map(|(_, path)| path).collect();
        let once: HashSet<_> = listed.iter().cloned().collect();
        assert_eq!(listed.len(), once.len(), "{listed:?}");
        let files = pages::all(root).expect("the folders can be read");
        let paths = files.iter().map(|file| file.strip_prefix(root).expect("it lies there"));
        let missing: Vec<_> = paths.filter(|path| *path != Path::new(LIST) && !once.contains(*path)).collect();
        assert!(missing.is_empty(), "{LIST} does not list {missing:?}");
    }

    #[test]
    fn the_chapters_are_those_of_the_list_and_the_references() {
        let list = "# Pages\n\n| page | a |\n| -- | -- |\n| [A](../README.md) | [no](x.md) |\n\n## B\n\n| [C](c.md) ([D](d/e.md)) | f |\n";
        let expected = "[All pages](docs/index.md)\n\n- [A](index.md)\n- [References](references.md)\n\n# B\n\n\
                        - [C](docs/c.md)\n- [D](docs/d/e.md)\n";
        assert_eq!(summary(list), expected);
    }
}
