//! The names of the npm package.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::{HANDLES, Names, TOLD};

/// What the package exports, and the methods of the handles.
pub(super) fn names(src: &Path) -> Result<Names> {
    let entry = src.join("index.ts");
    let mut names = Names::default();
    add(&entry, "", &mut names)?;
    for class in HANDLES {
        let file = declaring(&entry, class)?.with_context(|| format!("{class} is exported"))?;
        names.all.extend(methods(&read(&file)?, class)?.iter().map(|method| format!("{class}.{method}")));
    }
    for interface in TOLD {
        if let Some(file) = declaring(&entry, interface)? {
            names.told.extend(fields(&read(&file)?, interface));
        }
    }
    Ok(names)
}

/// The fields of an interface; none, where it is no interface.
fn fields(text: &str, interface: &str) -> Vec<String> {
    let is_head = |line: &&str| {
        let rest = line.strip_prefix("export interface ").and_then(|line| line.strip_prefix(interface));
        rest.is_some_and(|rest| rest.starts_with([' ', '<']))
    };
    let body = text.lines().skip_while(|line| !is_head(line)).skip(1).take_while(|line| *line != "}");
    let fields = body.filter_map(|line| line.strip_prefix("  ")).filter_map(|line| {
        let (name, _) = line.strip_prefix("readonly ").unwrap_or(line).split_once(':')?;
        Some(name.trim_end_matches('?'))
    });
    fields.filter(|name| name.chars().all(char::is_alphanumeric)).map(str::to_owned).collect()
}

/// A statement that exports.
#[derive(Debug)]
enum Export {
    /// What the file itself declares.
    Declared(String),
    /// Names, each as it is declared and as it is exported, and the file that they are from.
    Listed(Vec<(String, String)>, Option<PathBuf>),
    /// All that another file exports.
    All(PathBuf),
    /// The same, within a name.
    Space(String, PathBuf),
}

/// Adds what a file exports.
fn add(file: &Path, path: &str, names: &mut Names) -> Result<()> {
    for export in exports(file)? {
        match export {
            Export::Declared(name) => {
                names.all.insert(format!("{path}{name}"));
            }
            Export::Listed(list, _) => names.all.extend(list.iter().map(|(_, name)| format!("{path}{name}"))),
            Export::All(from) => add(&from, path, names)?,
            Export::Space(space, from) => {
                add(&from, &format!("{path}{space}."), names)?;
                names.all.insert(format!("{path}{space}"));
            }
        }
    }
    Ok(())
}

/// The file that declares what another one exports by a name.
fn declaring(file: &Path, name: &str) -> Result<Option<PathBuf>> {
    for export in exports(file)? {
        let found = match export {
            Export::Declared(declared) => (declared == name).then(|| file.to_owned()),
            Export::Listed(list, from) => match list.into_iter().find(|(_, exported)| exported == name) {
                Some((declared, _)) => from.map_or(Ok(Some(file.to_owned())), |from| declaring(&from, &declared))?,
                None => None,
            },
            Export::All(from) => declaring(&from, name)?,
            Export::Space(..) => None,
        };
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// A file's text, with each statement at the beginning of a line that another one precedes.
fn read(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    Ok(format!("\n{text}"))
}

fn exports(file: &Path) -> Result<Vec<Export>> {
    read(file)?.split("\nexport ").skip(1).map(|statement| export(file, statement)).collect()
}

/// Reads the text from the word `export` on.
fn export(file: &Path, statement: &str) -> Result<Export> {
    let rest = statement.strip_prefix("type ").filter(|rest| rest.starts_with(['{', '*'])).unwrap_or(statement);
    if let Some(list) = rest.strip_prefix('{') {
        let (list, rest) = list.split_once('}').context("a list of names has an end")?;
        let from = rest.strip_prefix(" from ").map(|from| file_of(file, from)).transpose()?;
        let names = list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(listed);
        return Ok(Export::Listed(names.collect(), from));
    }
    if let Some(from) = rest.strip_prefix("* from ") {
        return Ok(Export::All(file_of(file, from)?));
    }
    if let Some(rest) = rest.strip_prefix("* as ") {
        let (space, from) = rest.split_once(" from ").context("it is from a file")?;
        return Ok(Export::Space(space.to_owned(), file_of(file, from)?));
    }
    Ok(Export::Declared(declared(rest)?.to_owned()))
}

/// A name of a list, as it is declared and as it is exported: `type A as B`, or both alike.
fn listed(text: &str) -> (String, String) {
    let text = text.strip_prefix("type ").unwrap_or(text);
    let (declared, exported) = text.split_once(" as ").unwrap_or((text, text));
    (declared.to_owned(), exported.to_owned())
}

/// The file that is named in quotes, with the extension that it has once it is compiled.
fn file_of(from: &Path, quoted: &str) -> Result<PathBuf> {
    let name = quoted.split('"').nth(1).context("a file is named in quotes")?;
    Ok(from.with_file_name(name).with_extension("ts"))
}

fn declared(statement: &str) -> Result<&str> {
    let mut words = statement.split(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != '$');
    while let Some(word) = words.next() {
        match word {
            "abstract" | "async" | "declare" => {}
            "class" | "const" | "enum" | "function" | "interface" | "let" | "type" => {
                return words.find(|word| !word.is_empty()).context("what is declared has a name");
            }
            _ => break,
        }
    }
    bail!("no name is found in: export {}", statement.lines().next().unwrap_or_default())
}

/// The members of a class that others may call: neither private nor marked as internal.
fn methods<'a>(text: &'a str, class: &str) -> Result<Vec<&'a str>> {
    let (_, body) = text.split_once(&format!("\nexport class {class} {{\n")).context("the class is found")?;
    let (body, _) = body.split_once("\n}\n").context("the class has an end")?;
    let (mut methods, mut is_internal) = (Vec::new(), false);
    for line in body.lines() {
        let line = line.strip_prefix("  ").unwrap_or(line);
        if line.starts_with("/**") {
            is_internal = false;
        }
        is_internal |= line.trim_start().starts_with(['/', '*']) && line.contains("@internal");
        let signature = ["static ", "async ", "get ", "readonly "]
            .iter()
            .fold(line, |line, word| line.strip_prefix(word).unwrap_or(line));
        let name = signature.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default();
        let is_field = line.starts_with("readonly ") && signature[name.len()..].starts_with(':');
        let is_method = signature[name.len()..].starts_with(['(', '<']) && name != "constructor";
        if !name.is_empty() && (is_method || is_field) && !is_internal {
            methods.push(name);
        }
    }
    ensure!(!methods.is_empty(), "the methods of {class} are found");
    Ok(methods)
}
