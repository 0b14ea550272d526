//! Links of pages in HTML: each leads to a file of the site, and its `#anchor` to an element there.
//! Links to other sites are not looked at.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use html5gum::emitters::default::DefaultEmitter;
use html5gum::{StartTag, Token, Tokenizer};

use crate::files;
use crate::pages::resolve;

/// The tags whose links are held. Not those of scripts: rustdoc's pages ask for some that are made
/// only where there is something in them.
const TAGS: [&[u8]; 3] = [b"a", b"img", b"link"];

/// What stands in the documentation of `tracing` with traits that all types have.
const FOREIGN: &str = "dispatcher#setting-the-default-subscriber";

/// What is wrong with the links of all pages under `site`, one line each.
pub(super) fn faults(site: &Path) -> Result<Vec<String>> {
    let mut pages = HashMap::new();
    for file in files::below(site, &["html"], |_| true)? {
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        pages.insert(file, Page::read(&text));
    }
    let mut faults = Vec::new();
    for (file, page) in &pages {
        let shown = file.strip_prefix(site)?.display();
        let wrong = page.links.iter().filter_map(|link| Some((link, fault_of(file, link, &pages)?)));
        faults.extend(wrong.map(|(link, fault)| format!("{shown}: {link}: {fault}")));
    }
    faults.sort();
    Ok(faults)
}

/// What is wrong with one link; `None`: nothing.
fn fault_of(file: &Path, link: &str, pages: &HashMap<PathBuf, Page>) -> Option<&'static str> {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let path = plain(path.split_once('?').map_or(path, |(path, _)| path));
    let target = if path.is_empty() { file.to_owned() } else { resolve(file.parent()?, &path) };
    let target = if target.is_dir() { target.join("index.html") } else { target };
    match pages.get(&target).map(|page| page.led_on(&target, pages)) {
        // As a browser looks for it: as it is written, then as it reads.
        Some(page) => (!page.has(anchor) && !page.has(&plain(anchor))).then_some("there is no such anchor"),
        None if !target.is_file() => Some("there is no such file"),
        None => None,
    }
}

/// A text of a link without `%20` and its like.
fn plain(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_owned();
    for part in parts {
        let digits = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(digits.unwrap_or(b'%'));
        bytes.extend(part.bytes().skip(if digits.is_some() { 2 } else { 0 }));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What links need to know of a page.
#[derive(Debug, Default)]
struct Page {
    anchors: HashSet<String>,
    /// Its links within the site.
    links: HashSet<String>,
    /// The page that it leads on to, anchor and all. rustdoc makes such a page where an item is
    /// declared, if it is shown elsewhere.
    leads_to: Option<String>,
}

impl Page {
    fn read(text: &str) -> Self {
        let mut page = Self::default();
        let mut emitter = DefaultEmitter::default();
        // So that what looks like a tag in a script is none.
        emitter.naively_switch_states(true);
        for Ok(token) in Tokenizer::new_with_emitter(text, emitter) {
            if let Token::StartTag(tag) = token {
                page.take_in(&tag);
            }
        }
        page
    }

    fn take_in(&mut self, tag: &StartTag<()>) {
        let value =
            |name: &str| tag.attributes.get(name.as_bytes()).map(|value| String::from_utf8_lossy(value).into_owned());
        self.anchors.extend(value("id"));
        if value("http-equiv").is_some_and(|kind| kind == "refresh") {
            self.leads_to = value("content").and_then(|content| Some(content.split_once("URL=")?.1.to_owned()));
        }
        if TAGS.contains(&&**tag.name) {
            self.anchors.extend(value("name"));
            let links = ["href", "src"].into_iter().filter_map(value);
            self.links.extend(links.filter(|link| is_within(link) && link != FOREIGN));
        }
    }

    /// The page that a browser shows in place of this one, which lies in `file`.
    fn led_on<'a>(&'a self, file: &Path, pages: &'a HashMap<PathBuf, Self>) -> &'a Self {
        let next = self.leads_to.as_ref().and_then(|path| pages.get(&resolve(file.parent()?, path)));
        next.unwrap_or(self)
    }

    /// Whether it has an anchor. `10-20` are lines of a page of source text.
    fn has(&self, anchor: &str) -> bool {
        let line = anchor.split_once('-').map(|(line, _)| line);
        anchor.is_empty()
            || self.anchors.contains(anchor)
            || line.is_some_and(|line| is_number(line) && self.anchors.contains(line))
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a link stays within the site: it names no scheme and no server.
fn is_within(link: &str) -> bool {
    let start = link.split(['/', '?', '#']).next().unwrap_or_default();
    !start.contains(':') && !link.starts_with("//")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::fresh;

    /// The faults of a site of these files.
    fn faults_of(name: &str, files: &[(&str, &str)]) -> Vec<String> {
        let site = std::env::temp_dir().join(format!("tidegate-xtask-{name}-{}", std::process::id()));
        fresh(&site).expect("it can be made");
        for (path, text) in files {
            let file = site.join(path);
            fs::create_dir_all(file.parent().expect("it lies in a folder")).expect("it can be made");
            fs::write(file, text).expect("it can be written");
        }
        let found = faults(&site).expect("the pages can be read");
        fs::remove_dir_all(site).expect("it can be removed");
        found
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        let page = r##"<a href="b/c.html">x</a> <img src="d.png"> <a href="#here">x</a> <a href="b/#there">x</a>"##;
        let found = faults_of("nowhere", &[("a.html", page), ("b/index.html", r#"<a href="../a.html#no">x</a>"#)]);
        assert_eq!(
            found,
            [
                "a.html: #here: there is no such anchor",
                "a.html: b/#there: there is no such anchor",
                "a.html: b/c.html: there is no such file",
                "a.html: d.png: there is no such file",
                "b/index.html: ../a.html#no: there is no such anchor",
            ]
        );
    }

    #[test]
    fn an_anchor_is_looked_for_where_a_page_leads_on_to() {
        let links = r#"<a href="b/old.html#there">x</a> <a href="b/old.html#no">x</a>"#;
        let old = r#"<meta http-equiv="refresh" content="0;URL=../new.html">"#;
        let files = [("a.html", links), ("b/old.html", old), ("new.html", r#"<p id="there">"#)];
        assert_eq!(faults_of("led-on", &files), ["a.html: b/old.html#no: there is no such anchor"]);
    }

    #[test]
    fn a_link_that_leads_somewhere_is_none_of_them() {
        let page = r##"<a id="here" href="b/c%20d.html?x=1#e-f&amp;g">x</a> <a href="#here">x</a> <a href="b">x</a>
            <a href="https://example.org/#x">x</a> <a href="javascript:void(0)">x</a> <a href="//example.org">x</a>
            <script>"<a href='no.html'>"</script> <a href="b/c%20d.html#7-9">x</a> <a href="#">x</a>
            <a href="b/c%20d.html#h%3Ci">x</a>"##;
        let other = r#"<h1 id="e-f&amp;g">x</h1><a name="7"></a><p id="h%3Ci">"#;
        assert_eq!(faults_of("somewhere", &[("a.html", page), ("b/c d.html", other), ("b/index.html", "")]), [""; 0]);
    }
}
