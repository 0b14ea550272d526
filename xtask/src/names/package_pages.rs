//! The pages of the packages. A user finds there, without the sources, each call and error, what is
//! set and read, and the range of each setting that all languages share.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Names;

/// What of the table of names is for those who write a store or a host.
const FOR_OTHERS: &str = "Stores";

/// Settings whose bounds are told in other words, with those words.
const IN_OTHER_WORDS: [(&str, &str); 3] =
    [("windowCount", "366 days"), ("burst", "at least 1"), ("graceMs", "the lesser of 1,000 and")];

/// The calls and errors of one column of the table of names, by their last parts.
fn called(table: &str, column: usize) -> BTreeSet<String> {
    let mut called = BTreeSet::new();
    let mut section = "";
    for line in table.lines() {
        section = line.strip_prefix("## ").unwrap_or(section);
        let cell = line.trim_matches('|').split('|').nth(column).unwrap_or_default();
        for name in cell.split('`').skip(1).step_by(2).filter(|_| section != FOR_OTHERS) {
            let last = name.rsplit(['.', ':']).next().unwrap_or(name);
            let is_call = last.starts_with(|letter: char| letter.is_ascii_lowercase());
            called.extend((is_call || section == "Errors").then(|| last.to_owned()));
        }
    }
    called
}

/// A setting, and the words that must be told with it: its bounds.
#[derive(Debug)]
struct Setting {
    /// As JSON has it.
    name: String,
    words: Vec<String>,
}

/// The settings of a declaration, and of all that is within it.
fn settings(declared: &Value, settings: &mut Vec<Setting>) {
    match declared {
        Value::Object(members) => {
            for (name, value) in members {
                if value["kind"].is_string() {
                    let name = camel(name);
                    let words = words(&name, value);
                    settings.push(Setting { name, words });
                }
                self::settings(value, settings);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| self::settings(value, settings)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn words(name: &str, declared: &Value) -> Vec<String> {
    let otherwise = IN_OTHER_WORDS.iter().find(|(of, _)| *of == name);
    otherwise.map_or_else(
        || ["above", "least", "most"].iter().filter_map(|bound| declared[bound].as_u64()).map(grouped).collect(),
        |(_, words)| vec![(*words).to_owned()],
    )
}

/// `86400000` as `86,400,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

fn camel(name: &str) -> String {
    let mut words = name.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}

/// A name as JSON has it, as a field of Rust and Python, and as a case of Rust.
fn spellings(name: &str) -> [String; 3] {
    let letters =
        name.chars().flat_map(|letter| [letter.is_uppercase().then_some('_'), Some(letter.to_ascii_lowercase())]);
    [name.to_owned(), letters.flatten().collect(), name[..1].to_uppercase() + &name[1..]]
}

/// What a page does not tell, one line each.
fn missing(page: &str, called: &BTreeSet<String>, names: &Names, settings: &[Setting]) -> Vec<String> {
    let is_there = |name: &&String| has(page, name);
    let mut missing: Vec<_> = called.union(&names.told).filter(|name| !is_there(name)).cloned().collect();
    let places = places(page);
    for Setting { name, words } in settings {
        let spellings = spellings(name);
        let is_told =
            |place: &String| spellings.iter().any(|name| has(place, name)) && words.iter().all(|word| has(place, word));
        if !places.iter().any(is_told) {
            missing.push(format!("{name}, with: {}", words.join(", ")));
        }
    }
    missing
}

/// The rows of tables, and the paragraphs.
fn places(page: &str) -> Vec<String> {
    let blocks = page.split("\n\n").flat_map(|block| {
        let is_table = block.trim_start().starts_with('|');
        if is_table { block.lines().map(str::to_owned).collect() } else { vec![block.replace('\n', " ")] }
    });
    blocks.collect()
}

/// Whether a text has a word that does not go on.
fn has(text: &str, word: &str) -> bool {
    let goes_on = |letter: char| letter.is_alphanumeric() || letter == '_';
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + word.len()..].chars().next());
        let is_longer_number =
            after == Some(',') && text[at + word.len() + 1..].starts_with(|c: char| c.is_ascii_digit());
        !before.is_some_and(|letter| goes_on(letter) || letter == ',')
            && !after.is_some_and(goes_on)
            && !is_longer_number
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::names::{python, rust, typescript};
    use crate::paths;

    fn declared() -> Vec<Setting> {
        let file = paths::root().join("host/rust/src/settings/declaration.json");
        let text = fs::read_to_string(file).expect("the declaration is there");
        let mut all = Vec::new();
        settings(&serde_json::from_str(&text).expect("it is JSON"), &mut all);
        all
    }

    #[test]
    fn the_page_of_a_package_has_each_call_error_setting_and_field_of_an_answer() {
        let root = paths::root();
        let table = fs::read_to_string(root.join("docs/names.md")).expect("the table is there");
        let packages = [
            ("rust", rust::names(&root.join("host/rust/src"))),
            ("typescript", typescript::names(&root.join("host/typescript/src"))),
            ("python", python::names(&root.join("host/python/python/tidegate"))),
        ];
        let settings = declared();
        assert!(settings.len() > 40, "the settings are found: {settings:?}");
        for (column, (package, names)) in packages.into_iter().enumerate() {
            let names = names.expect("the package is read");
            assert!(names.told.len() > 100, "{package}: what is set and read is found: {:?}", names.told);
            let page = format!("host/{package}/README.md");
            let text = fs::read_to_string(root.join(&page)).expect("the page is there");
            let missing = missing(&text, &called(&table, column + 1), &names, &settings);
            assert!(missing.is_empty(), "{page} does not tell of:\n{}", missing.join("\n"));
        }
    }

    #[test]
    fn a_call_a_field_and_a_bound_that_a_page_lacks_are_found() {
        let table = "## A\n| `a.b` | `A::open` |\n## Stores\n| - | `commit` |\n## Errors\n| - | `Wrong` |\n";
        let names = Names { told: BTreeSet::from(["cost".to_owned()]), ..Names::default() };
        let setting = Setting { name: "openMs".to_owned(), words: vec!["1".to_owned(), "30,000".to_owned()] };
        let lacks = |page: &str| missing(page, &called(table, 1), &names, std::slice::from_ref(&setting));
        assert_eq!(
            lacks("`A::opens` `costs`\n\n| `open_ms` | 1 to 130,000 |\n| `other` | 1 to 30,000 |"),
            ["Wrong", "cost", "open", "openMs, with: 1, 30,000"]
        );
        assert_eq!(lacks("`A::open(cost)`, `Wrong`\n\n| `open_ms` | 1 to 30,000 |"), [""; 0]);
        assert_eq!(lacks("`open`, `cost`, `Wrong`, and `openMs`\nof 1 to 30,000"), [""; 0]);
    }
}
