//! A page on its way into the book: its name there, and its links.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::pages::{self, is_relative, resolve};
use crate::paths;

/// Where files are that no page shows.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// The name of a page in the book: a folder is shown with its `index.md`.
pub(super) fn name(path: &Path) -> PathBuf {
    if path.ends_with("README.md") { path.with_file_name("index.md") } else { path.to_owned() }
}

/// The text of a page, with its links as they are in the book. `path` is from the root of the
/// repository.
pub(super) fn moved(text: &str, path: &Path) -> String {
    let mut moved = String::new();
    for (line, is_code) in pages::lines(text) {
        if is_code {
            moved += line;
        } else {
            moved += &moved_line(line, path);
        }
        moved.push('\n');
    }
    moved
}

/// Spans of code hold no links.
fn moved_line(line: &str, page: &Path) -> String {
    let spans = line.split('`').enumerate();
    let spans = spans.map(|(index, span)| if index % 2 == 0 { moved_prose(span, page) } else { span.to_owned() });
    spans.collect::<Vec<_>>().join("`")
}

fn moved_prose(prose: &str, page: &Path) -> String {
    let mut parts = prose.split("](");
    let start = parts.next().unwrap_or_default().to_owned();
    let links = parts.map(|part| {
        let (target, rest) = part.split_once(')').unwrap_or((part, ""));
        format!("]({}){rest}", target_in_book(target, page))
    });
    std::iter::once(start).chain(links).collect()
}

/// A link as it is in the book. One to a file that is no page leads to the repository.
fn target_in_book<'a>(target: &'a str, page: &Path) -> Cow<'a, str> {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let Some(file) = file_of(path, page) else { return Cow::Borrowed(target) };
    let anchor = if anchor.is_empty() { String::new() } else { format!("#{anchor}") };
    let Some(shown) = shown_in(&file) else {
        let kind = if paths::root().join(&file).is_dir() { "tree" } else { "blob" };
        return Cow::Owned(format!("{REPOSITORY}/{kind}/main/{}{anchor}", file.display()));
    };
    let up = "../".repeat(page.components().count() - 1);
    Cow::Owned(format!("{up}{}{anchor}", name(&shown).display()))
}

/// The file of the repository that a link leads to, from the root; `None`: it leads elsewhere, or
/// stays on its page.
fn file_of(path: &str, page: &Path) -> Option<PathBuf> {
    // The packages are shown elsewhere too, so that their pages name the repository.
    if let Some(path) = path.strip_prefix(REPOSITORY).and_then(|path| path.strip_prefix("/blob/main/")) {
        return Some(PathBuf::from(path));
    }
    let is_here = !path.is_empty() && is_relative(path);
    is_here.then(|| resolve(page.parent().unwrap_or(Path::new("")), path))
}

/// The page that shows a file: itself, or a folder's README.
fn shown_in(file: &Path) -> Option<PathBuf> {
    if file.extension().is_some_and(|extension| extension == "md") {
        return Some(file.to_owned());
    }
    let readme = file.join("README.md");
    paths::root().join(&readme).is_file().then_some(readme)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved_from(page: &str, text: &str) -> String {
        moved(text, Path::new(page))
    }

    #[test]
    fn a_link_to_a_page_leads_to_its_chapter() {
        assert_eq!(moved_from("README.md", "[a](docs/README.md#design)\n"), "[a](docs/index.md#design)\n");
        assert_eq!(
            moved_from("docs/a.md", "x [`a`](../README.md), [b](b.md) y\n"),
            "x [`a`](../index.md), [b](../docs/b.md) y\n"
        );
        assert_eq!(moved_from("README.md", "[a](tests/faults)\n"), "[a](tests/faults/index.md)\n");
    }

    #[test]
    fn a_link_to_another_file_leads_to_the_repository() {
        let repository = REPOSITORY;
        assert_eq!(moved_from("README.md", "[a](Cargo.toml)\n"), format!("[a]({repository}/blob/main/Cargo.toml)\n"));
        assert_eq!(moved_from("docs/a.md", "[a](../tests)\n"), format!("[a]({repository}/tree/main/tests)\n"));
    }

    #[test]
    fn a_page_that_is_named_with_the_repository_leads_to_its_chapter() {
        let text = format!("[a]({REPOSITORY}/blob/main/docs/store-away.md#a) [b](https://example.org/b.md)\n");
        let expected = "[a](../../docs/store-away.md#a) [b](https://example.org/b.md)\n";
        assert_eq!(moved_from("host/rust/README.md", &text), expected);
    }

    #[test]
    fn code_and_links_within_a_page_stay_as_they_are() {
        let text = "[a](#there) `[b](b.md)`\n```md\n[c](README.md)\n```\n";
        assert_eq!(moved_from("docs/a.md", text), text);
    }
}
