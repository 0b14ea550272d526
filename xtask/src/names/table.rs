//! The table, held to the names.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use super::Names;

/// The columns, in order.
const LANGUAGES: [&str; 4] = ["WIT", "Rust", "TypeScript", "Python"];

/// Where the rows of a page and the names differ, one line each.
fn faults(page: &str, names: &[Names; 4]) -> Result<Vec<String>> {
    let mut told = [const { BTreeSet::new() }; 4];
    let mut faults = Vec::new();
    for row in page.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        ensure!(cells.len() == LANGUAGES.len(), "it has a cell for each language: {row}");
        if cells == LANGUAGES || cells.iter().all(|cell| *cell == "--") {
            continue;
        }
        for ((cell, told), language) in cells.iter().zip(&mut told).zip(LANGUAGES) {
            let again = in_cell(cell)?.into_iter().filter(|name| !told.insert(name.clone()));
            faults.extend(again.map(|name| format!("{language}: {name} has two rows")));
        }
    }
    for ((told, names), language) in told.iter().zip(names).zip(LANGUAGES) {
        faults.extend(names.all.difference(told).map(|name| format!("{language}: {name} has no row")));
        let stale = told.iter().filter(|name| !names.all.contains(*name) && !names.parts.contains(*name));
        faults.extend(stale.map(|name| format!("{language}: {name} has a row and is no public name")));
    }
    Ok(faults)
}

/// The names in a cell, each in backticks; there are none where it is a dash.
fn in_cell(cell: &str) -> Result<Vec<String>> {
    if cell == "-" {
        return Ok(Vec::new());
    }
    let read = |name: &str| name.strip_prefix('`')?.strip_suffix('`').map(str::to_owned);
    let names: Option<Vec<String>> = cell.split(", ").map(read).collect();
    names.ok_or_else(|| anyhow::anyhow!("it is neither names nor a dash: {cell}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::faults;
    use crate::names::{Names, python, rust, typescript, wit};
    use crate::paths;

    #[test]
    fn every_public_name_has_a_row_and_every_row_names_what_is_public() {
        let root = paths::root();
        let names = [
            wit::names(&root.join("wit")).expect("the contract is read"),
            rust::names(&root.join("host/rust/src")).expect("the crate is read"),
            typescript::names(&root.join("host/typescript/src")).expect("the npm package is read"),
            python::names(&root.join("host/python/python/tidegate")).expect("the Python package is read"),
        ];
        let page = fs::read_to_string(root.join("docs/names.md")).expect("the page is there");
        let found = faults(&page, &names).expect("the page is tables");
        assert!(found.is_empty(), "docs/names.md:\n{}", found.join("\n"));
    }

    fn names(all: &[&str], parts: &[&str]) -> Names {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Names { all: owned(all), parts: owned(parts), ..Names::default() }
    }

    #[test]
    fn a_name_without_a_row_a_row_without_a_name_and_a_second_row_are_found() {
        let page = "| WIT | Rust | TypeScript | Python |\n| -- | -- | -- | -- |\n\
                    | `a` | `A`, `A::B` | - | `A` |\n| `a` | - | `Old` | - |";
        let of_each = [names(&["a"], &[]), names(&["A"], &["A::B"]), names(&["New"], &[]), names(&["A"], &[])];
        let found = faults(page, &of_each).expect("it is a table");
        assert_eq!(
            found,
            ["WIT: a has two rows", "TypeScript: New has no row", "TypeScript: Old has a row and is no public name"]
        );
    }
}
