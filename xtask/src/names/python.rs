//! The names of the Python package.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::{HANDLES, Names, TOLD};
use crate::files;

/// What the public modules list in `__all__`, and the methods of the handles. Parts are the methods
/// that other public classes define.
pub(super) fn names(package: &Path) -> Result<Names> {
    let mut names = Names::default();
    module(package, "", &mut names)?;
    let classes = classes(package)?;
    for (name, class) in classes.iter().filter(|(name, _)| names.all.contains(*name)) {
        names.parts.extend(class.methods.iter().map(|method| format!("{name}.{method}")));
    }
    for handle in HANDLES {
        methods(handle, handle, &classes, &mut names)?;
    }
    for file in files::below(package, &["py", "pyi"], |_| true)? {
        names.told.extend(told(&fs::read_to_string(&file)?));
    }
    Ok(names)
}

/// The fields and properties of classes, and what a gate and such classes are made of.
fn told(text: &str) -> Vec<String> {
    let mut told = Vec::new();
    for class in text.split("\nclass ").skip(1) {
        let name = class.split(['(', ':']).next().unwrap_or_default();
        if name != HANDLES[0] && !TOLD.contains(&name) {
            continue;
        }
        let (mut is_property, mut is_made) = (false, false);
        for line in class.lines().skip(1).take_while(|line| line.is_empty() || line.starts_with(' ')) {
            let line = line.strip_prefix("    ").unwrap_or_default();
            let method = line.strip_prefix("def ").and_then(|line| line.split('(').next());
            is_made =
                method.map_or(is_made, |method| matches!(method, "__init__" | "__new__")) && !line.starts_with(')');
            told.extend(method.filter(|_| is_property));
            is_property = line == "@property";
            let field = if is_made { line.strip_prefix("    ").unwrap_or_default() } else { line };
            told.extend(field.split_once(": ").map(|(field, _)| field));
        }
    }
    let is_name = |name: &&str| {
        name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(|c| c == '_' || c.is_alphanumeric())
    };
    told.into_iter().filter(is_name).map(str::to_owned).collect()
}

/// Reads the modules of a folder. One whose name begins with `_` is not public.
fn module(folder: &Path, path: &str, names: &mut Names) -> Result<()> {
    for file in fs::read_dir(folder)? {
        let file = file?.path();
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let is_public = !stem.starts_with('_');
        if stem == "__init__" {
            list(&file, path, names)?;
        } else if is_public && file.join("__init__.py").exists() {
            names.all.insert(format!("{path}{stem}"));
            module(&file, &format!("{path}{stem}."), names)?;
        } else if is_public && file.extension().is_some_and(|extension| extension == "py") {
            names.all.insert(format!("{path}{stem}"));
            list(&file, &format!("{path}{stem}."), names)?;
        }
    }
    Ok(())
}

fn list(file: &Path, path: &str, names: &mut Names) -> Result<()> {
    let text = fs::read_to_string(file)?;
    let (_, list) = text.split_once("\n__all__ = [").with_context(|| format!("{}: no `__all__`", file.display()))?;
    let (list, _) = list.split_once(']').context("the list has an end")?;
    names.all.extend(list.split('"').skip(1).step_by(2).map(|name| format!("{path}{name}")));
    Ok(())
}

/// What a class is derived from, and its methods.
#[derive(Debug, Default)]
struct Class {
    bases: Vec<String>,
    methods: Vec<String>,
}

/// All classes but those for asyncio, whose methods are those of the classes for threads.
fn classes(package: &Path) -> Result<BTreeMap<String, Class>> {
    let mut classes = BTreeMap::new();
    for file in files::below(package, &["py"], |_| true)? {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        if !stem.trim_start_matches('_').starts_with("aio") {
            let text = fs::read_to_string(&file)?;
            classes.extend(text.split("\nclass ").skip(1).map(class));
        }
    }
    Ok(classes)
}

/// Reads the text from the name of a class on.
fn class(text: &str) -> (String, Class) {
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default().trim_end_matches([')', ':']);
    let (name, bases) = head.split_once('(').unwrap_or((head, ""));
    let bases = bases.split(',').map(|base| base.trim().to_owned()).collect();
    let body = lines.take_while(|line| line.is_empty() || line.starts_with([' ', ')', '#']));
    let names = body.filter_map(|line| line.strip_prefix("    def ").and_then(|line| line.split('(').next()));
    let methods = names.filter(|name| !name.starts_with('_')).map(str::to_owned).collect();
    (name.to_owned(), Class { bases, methods })
}

fn methods(handle: &str, class: &str, classes: &BTreeMap<String, Class>, names: &mut Names) -> Result<()> {
    // A base that is not found is shared by all handles, and has no public method.
    let Some(Class { bases, methods: own }) = classes.get(class) else {
        return if class == handle { Err(anyhow::anyhow!("{class} is not found")) } else { Ok(()) };
    };
    names.all.extend(own.iter().map(|method| format!("{handle}.{method}")));
    bases.iter().try_for_each(|base| methods(handle, base, classes, names))
}
