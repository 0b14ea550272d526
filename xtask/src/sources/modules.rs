//! The modules of a crate, and what each imports.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;
use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Item, ItemUse, UseTree, Visibility};

use super::{is_for_tests, parsed, rust_files};

/// The path of a module from the root of its crate.
pub(super) type Module = Vec<String>;

/// What a module says of others.
#[derive(Debug, Default)]
struct Said {
    /// Paths that begin with `crate`, `super` or `self`.
    paths: Vec<Vec<String>>,
    /// Names that it gives on, and where they are from.
    given_on: Vec<(String, Vec<String>)>,
}

/// For each module of a crate the modules that it imports something of. What a module gives on by
/// `pub use` is imported from where it is defined.
pub(super) fn imports(src: &Path) -> Result<BTreeMap<Module, BTreeSet<Module>>> {
    let mut said = BTreeMap::new();
    for file in rust_files(src)? {
        let module = module_of(file.strip_prefix(src)?);
        let mut reader = Reader::default();
        reader.visit_file(&parsed(&file)?);
        said.insert(module, reader.said);
    }
    let names = given_on(&said);
    let imports = said.iter().map(|(module, said_here)| {
        let found = said_here.paths.iter().filter_map(|path| resolve(module, path, &said, &names));
        (module.clone(), found.filter(|found| found != module).collect())
    });
    Ok(imports.collect())
}

fn module_of(file: &Path) -> Module {
    let mut parts: Module = file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        parts.pop();
    }
    parts
}

type Names = BTreeMap<(Module, String), (Module, String)>;

fn given_on(said: &BTreeMap<Module, Said>) -> Names {
    let mut names = Names::new();
    for (module, said_here) in said {
        for (name, path) in &said_here.given_on {
            if let Some((from, Some(original))) = nearest(module, path, said) {
                names.insert((module.clone(), name.clone()), (from, original));
            }
        }
    }
    names
}

/// The module that a path leads to, and the name in it.
fn nearest(module: &Module, path: &[String], said: &BTreeMap<Module, Said>) -> Option<(Module, Option<String>)> {
    let (first, mut rest) = path.split_first()?;
    let mut at = match first.as_str() {
        "crate" => Module::new(),
        "self" => module.clone(),
        "super" => module[..module.len().checked_sub(1)?].to_vec(),
        _ => return None,
    };
    while rest.first().is_some_and(|part| part == "super") {
        at.pop()?;
        rest = &rest[1..];
    }
    while let Some((part, after)) = rest.split_first() {
        let deeper = [at.as_slice(), std::slice::from_ref(part)].concat();
        if !said.contains_key(&deeper) {
            break;
        }
        (at, rest) = (deeper, after);
    }
    Some((at, rest.first().cloned()))
}

fn resolve(module: &Module, path: &[String], said: &BTreeMap<Module, Said>, names: &Names) -> Option<Module> {
    let (mut at, mut name) = nearest(module, path, said)?;
    // A name may be given on from module to module.
    for _ in 0..said.len() {
        let Some(given) = name.clone().and_then(|name| names.get(&(at.clone(), name))) else { break };
        (at, name) = (given.0.clone(), Some(given.1.clone()));
    }
    said.contains_key(&at).then_some(at)
}

#[derive(Default)]
struct Reader {
    said: Said,
}

impl Reader {
    fn tree(&mut self, tree: &UseTree, path: &mut Vec<String>, is_given_on: bool) {
        match tree {
            UseTree::Path(part) => {
                path.push(part.ident.to_string());
                self.tree(&part.tree, path, is_given_on);
                path.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree, path, is_given_on)),
            UseTree::Name(name) => self.named(&name.ident.to_string(), None, path, is_given_on),
            UseTree::Rename(renamed) => {
                self.named(&renamed.ident.to_string(), Some(renamed.rename.to_string()), path, is_given_on);
            }
            UseTree::Glob(_) => self.said.paths.push(path.clone()),
        }
    }

    fn named(&mut self, name: &str, rename: Option<String>, path: &[String], is_given_on: bool) {
        let mut whole = path.to_vec();
        if name != "self" {
            whole.push(name.to_owned());
        }
        if is_given_on {
            let given = rename.or_else(|| whole.last().cloned()).unwrap_or_default();
            self.said.given_on.push((given, whole));
        } else {
            self.said.paths.push(whole);
        }
    }

    /// Paths in what is given to a macro, which the parser does not look into.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        for token in tokens {
            match token {
                TokenTree::Ident(name) if path.is_empty() || path.last().is_some_and(|last| last == "::") => {
                    path.retain(|part| part != "::");
                    path.push(name.to_string());
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' && !path.is_empty() => {
                    if path.last().is_some_and(|last| last != "::") {
                        path.push("::".to_owned());
                    }
                }
                TokenTree::Group(group) => {
                    self.found(&mut path);
                    self.tokens(group.stream());
                }
                TokenTree::Ident(name) => {
                    self.found(&mut path);
                    path.push(name.to_string());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => self.found(&mut path),
            }
        }
        self.found(&mut path);
    }

    fn found(&mut self, path: &mut Vec<String>) {
        path.retain(|part| part != "::");
        // Alone it is a visibility.
        let is_path = path.len() > 1 && ["crate", "super", "self"].contains(&path[0].as_str());
        if is_path {
            self.said.paths.push(std::mem::take(path));
        }
        path.clear();
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Const(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_for_tests(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let is_given_on = !matches!(item.vis, Visibility::Inherited);
        self.tree(&item.tree, &mut Vec::new(), is_given_on);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        if parts.len() > 1 && ["crate", "super", "self"].contains(&parts[0].as_str()) {
            self.said.paths.push(parts);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, macro_call: &'ast syn::Macro) {
        self.tokens(macro_call.tokens.clone());
        visit::visit_macro(self, macro_call);
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}
