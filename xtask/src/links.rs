//! Every relative link of every Markdown file leads to a file that is there, and its `#anchor` to a
//! heading in it. Every path that a page names as code, from the root of the repository, is there
//! too.
//!
//! A heading's anchor is made as GitHub makes it. Links to other sites are not looked at, nor what
//! the changelog says of files that were.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::pages::{self, is_relative, resolve};

/// What is wrong with the links of all Markdown files under `root`, one line each.
fn faults(root: &Path) -> Result<Vec<String>> {
    let files = pages::all(root)?;
    let mut pages = HashMap::new();
    for file in &files {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        pages.insert(file.clone(), Page::read(&text));
    }
    let mut faults = Vec::new();
    for file in &files {
        let shown = file.strip_prefix(root)?.display();
        let is_history = file.ends_with("CHANGELOG.md");
        for (line, path) in pages[file].paths.iter().filter(|(_, path)| !is_history && is_missing(root, path)) {
            faults.push(format!("{shown}:{line}: `{path}`: there is no such file"));
        }
        for (line, target) in &pages[file].links {
            if let Some(fault) = fault_of(file, target, &pages) {
                faults.push(format!("{shown}:{line}: {target}: {fault}"));
            }
        }
    }
    Ok(faults)
}

/// What is wrong with one link; `None`: nothing.
fn fault_of(file: &Path, target: &str, pages: &HashMap<PathBuf, Page>) -> Option<&'static str> {
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let target = if path.is_empty() { file.to_owned() } else { resolve(file.parent()?, path) };
    if !target.exists() {
        return Some("there is no such file");
    }
    // A folder is shown with its README.
    let page = pages.get(&target).or_else(|| pages.get(&target.join("README.md")));
    match page {
        _ if anchor.is_empty() => None,
        // GitHub's own anchor of the README below the list of a folder's files.
        _ if anchor == "readme" && target.is_dir() => None,
        Some(page) if page.anchors.contains(anchor) => None,
        Some(_) => Some("there is no such heading"),
        None => Some("only a page has headings"),
    }
}

/// Whether a path begins with a folder of the root and leads nowhere. What a build makes may be
/// missing.
fn is_missing(root: &Path, path: &str) -> bool {
    const MADE: [&str; 3] = ["target", "fuzz/corpus", "fuzz/artifacts"];
    let Some((first, _)) = path.split_once('/') else { return false };
    let is_ours = !first.is_empty() && root.join(first).is_dir() && !MADE.iter().any(|made| path.starts_with(made));
    is_ours && !root.join(path).exists()
}

/// What links need to know of a Markdown file.
#[derive(Debug, Default)]
struct Page {
    /// The anchors of its headings.
    anchors: HashSet<String>,
    /// Its relative links, each with the line it stands on.
    links: Vec<(usize, String)>,
    /// What it names as code that may be a path, likewise.
    paths: Vec<(usize, String)>,
}

impl Page {
    fn read(text: &str) -> Self {
        let mut page = Self::default();
        for (index, (line, is_code)) in pages::lines(text).enumerate() {
            if !is_code {
                page.take_in(index + 1, line);
            }
        }
        page
    }

    fn take_in(&mut self, number: usize, line: &str) {
        if let Some(heading) = heading(line) {
            self.add_anchor(&anchor(heading));
        }
        let code = line.split('`').skip(1).step_by(2).filter(|code| is_path(code));
        self.paths.extend(code.map(|path| (number, path.to_owned())));
        let prose = without_code(line);
        let targets = inline_targets(&prose).chain(definition_target(&prose));
        let relative = targets.filter(|target| is_relative(target));
        self.links.extend(relative.map(|target| (number, target.to_owned())));
    }

    /// The second heading of the same words has a `-1` after them, the third a `-2`.
    fn add_anchor(&mut self, anchor: &str) {
        let numbered = (1..).map(|count| format!("{anchor}-{count}"));
        let free = std::iter::once(anchor.to_owned()).chain(numbered).find(|name| !self.anchors.contains(name));
        self.anchors.extend(free);
    }
}

/// The words of a heading: `## Words`.
fn heading(line: &str) -> Option<&str> {
    let words = line.trim_start_matches('#');
    let level = line.len() - words.len();
    ((1..=6).contains(&level) && words.starts_with(' ')).then(|| words.trim())
}

/// The anchor that GitHub gives to a heading: lower case, spaces as hyphens, no punctuation. Of a
/// link its words count.
fn anchor(heading: &str) -> String {
    let mut anchor = String::new();
    for character in shown(heading).to_lowercase().chars() {
        match character {
            ' ' => anchor.push('-'),
            '-' | '_' => anchor.push(character),
            _ if character.is_alphanumeric() => anchor.push(character),
            _ => {}
        }
    }
    anchor
}

/// A heading without the targets of its links.
fn shown(heading: &str) -> String {
    let mut parts = heading.split("](");
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shown.push_str(part.split_once(')').map_or("", |(_, rest)| rest));
    }
    shown
}

fn is_path(code: &str) -> bool {
    let is_of_path = |character: char| character.is_ascii_alphanumeric() || "./_-".contains(character);
    code.contains('/') && code.chars().all(is_of_path)
}

/// A line without its spans of code, which hold no links.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect()
}

/// The targets of `[words](target)` and of `![words](target)`.
fn inline_targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next())
}

/// The target of `[name]: target`.
fn definition_target(line: &str) -> Option<&str> {
    let (_, target) = line.strip_prefix('[')?.split_once("]: ")?;
    target.split(' ').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::root;

    /// The faults of `text` as a page beside `README.md`, which has the heading "Two words".
    fn faults_of(text: &str) -> Vec<&'static str> {
        let folder = root().join("docs");
        let page = Page::read(text);
        let links = page.links.clone();
        let other = (root().join("docs/README.md"), Page::read("# Two words\n"));
        let pages = HashMap::from([(folder.join("store-away.md"), page), other]);
        links.iter().filter_map(|(_, target)| fault_of(&folder.join("store-away.md"), target, &pages)).collect()
    }

    #[test]
    fn every_link_of_every_page_leads_somewhere() {
        let faults = faults(root()).expect("the pages can be read");
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    #[test]
    fn pages_are_found_in_all_parts_of_the_repository() {
        let files = pages::all(root()).expect("the folders can be read");
        for page in ["README.md", "docs/store-away.md", "host/python/README.md", "tests/conformance/README.md"] {
            assert!(files.contains(&root().join(page)), "{page}");
        }
        assert!(!files.iter().any(|file| file.components().any(|part| part.as_os_str() == "node_modules")));
    }

    #[test]
    fn a_link_to_no_file_is_found() {
        assert_eq!(faults_of("[a](nothing.md) and [b](../nowhere/)"), ["there is no such file"; 2]);
        assert_eq!(faults_of("[a]: nothing.md"), ["there is no such file"]);
        assert!(faults_of("[a](../Cargo.toml), [b](README.md), ![c](../docs), [d](./README.md)").is_empty());
    }

    #[test]
    fn a_link_to_no_heading_is_found() {
        assert_eq!(faults_of("[a](README.md#three-words)"), ["there is no such heading"]);
        assert_eq!(faults_of("# Here\n[a](#there)"), ["there is no such heading"]);
        assert_eq!(faults_of("[a](../Cargo.toml#workspace)"), ["only a page has headings"]);
        assert!(
            faults_of("# Here\n[a](#here) [b](README.md#two-words) [c](../docs#two-words) [d](../docs#readme)")
                .is_empty()
        );
    }

    #[test]
    fn a_path_that_leads_nowhere_is_found() {
        let paths = Page::read("`docs/nothing.md` `docs/README.md` `docs` `a/b` `target/x` `docs/*.md`").paths;
        let missing = paths.iter().filter(|(_, path)| is_missing(root(), path));
        assert_eq!(missing.map(|(_, path)| &**path).collect::<Vec<_>>(), ["docs/nothing.md"]);
    }

    #[test]
    fn code_and_other_sites_hold_no_links() {
        let text = "`[a](nothing.md)`\n```md\n[b](nothing.md)\n# Not a heading\n```\n[c](https://example.org/#x)\n[d](mailto:a@b.c)";
        assert!(faults_of(text).is_empty());
        assert!(Page::read(text).anchors.is_empty());
    }

    #[test]
    fn anchors_are_those_of_github() {
        for (heading, expected) in [
            ("Where the time goes", "where-the-time-goes"),
            ("A call's `timeout_ms`, in ms", "a-calls-timeout_ms-in-ms"),
            ("Nodes: JSON in front", "nodes-json-in-front"),
            ("[A link](target.md) in it", "a-link-in-it"),
        ] {
            assert_eq!(anchor(heading), expected);
        }
        let twice = Page::read("# One\n## One\n### One\n#No heading");
        assert_eq!(twice.anchors, ["one", "one-1", "one-2"].map(String::from).into());
    }
}
