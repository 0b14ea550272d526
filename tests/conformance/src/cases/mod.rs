//! Cases from files: read, expanded and turned into runs.

mod file;
mod table;

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::protocol::Run;

/// A named case, as one run for each kind of store.
#[derive(Debug, Clone)]
pub struct Case {
    /// The folder, the file and the name within: `rate_limiter/gcra/spends its burst`.
    pub name: String,
    /// What drivers are given.
    pub runs: Vec<Run>,
    /// What every log must show.
    pub expected: Expected,
}

/// What a case expects of a log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expected {
    /// For each step a partial answer; `None` where nothing is said.
    pub steps: Vec<Option<Value>>,
    /// The problems of the settings, all of them, in order; `None`: there are none.
    pub problems: Option<Value>,
}

/// Reads all cases of a folder of folders.
///
/// # Errors
/// A file that cannot be read or is not of the format, by its name; two cases of one name.
pub fn read_all(folder: &Path) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for group in sorted(folder)? {
        for path in sorted(&group)? {
            let name =
                |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let prefix = format!("{}/{}", name(&group), name(&path));
            let text = std::fs::read_to_string(&path)?;
            cases.extend(read(&prefix, &text).with_context(|| format!("{}", path.display()))?);
        }
    }
    let mut names = BTreeSet::new();
    for case in &cases {
        ensure!(names.insert(&case.name), "two cases are called {:?}", case.name);
    }
    Ok(cases)
}

/// Reads the cases of one file's text.
///
/// # Errors
/// What is wrong with which case.
pub fn read(prefix: &str, text: &str) -> Result<Vec<Case>> {
    let Value::Array(entries) = serde_json::from_str(text)? else { bail!("a file of cases is a JSON array") };
    let mut cases = Vec::new();
    for entry in entries {
        for expanded in table::expand(&entry)? {
            let label = expanded["name"].as_str().unwrap_or("a case without a name").to_owned();
            cases.push(file::case(prefix, expanded).with_context(|| label)?);
        }
    }
    Ok(cases)
}

fn sorted(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries = folder.read_dir().with_context(|| format!("{}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}
