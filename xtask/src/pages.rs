//! The pages of the repository: its Markdown files.

use std::path::{Component, Path, PathBuf};

use anyhow::Result;

use crate::files;

/// Folders that hold what nobody here wrote, beside those whose names begin with a dot.
const SKIPPED: [&str; 2] = ["target", "node_modules"];

/// All Markdown files under `root`, in order.
pub(crate) fn all(root: &Path) -> Result<Vec<PathBuf>> {
    files::below(root, &["md"], |folder| !folder.starts_with('.') && !SKIPPED.contains(&folder))
}

/// The lines of a page, each with whether it belongs to a block of code.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut fence: Option<&str> = None;
    text.lines().map(move |line| {
        let start = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| start.starts_with(mark));
        let was_open = fence.is_some();
        match (fence, mark) {
            (None, Some(mark)) => fence = Some(mark),
            (Some(open), Some(mark)) if open == mark => fence = None,
            (Some(_) | None, _) => {}
        }
        (line, was_open || mark.is_some())
    })
}

/// Whether a link leads to a file of the repository, or to a heading of its page.
pub(crate) fn is_relative(target: &str) -> bool {
    !target.contains("://") && !target.starts_with("mailto:")
}

/// `path` as seen from `folder`, without `..` in it.
pub(crate) fn resolve(folder: &Path, path: &str) -> PathBuf {
    let mut resolved = folder.to_owned();
    for part in Path::new(path).components() {
        match part {
            Component::ParentDir => {
                resolved.pop();
            }
            Component::CurDir => {}
            part => resolved.push(part),
        }
    }
    resolved
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn a_block_of_code_ends_at_the_mark_that_began_it() {
        let text = "a\n```rust\n~~~\nb\n```\nc\n";
        let code: Vec<_> = lines(text).filter(|(_, is_code)| *is_code).map(|(line, _)| line).collect();
        assert_eq!(code, ["```rust", "~~~", "b", "```"]);
    }
}
