//! Arms of matches that would swallow a request or an answer that is yet to come.

use std::path::Path;

use anyhow::Result;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{ExprMatch, ItemImpl, Pat, Type};

use super::{is_for_tests, parsed, rust_files};

/// The enums that a new strategy or call adds to.
const CLOSED: [&str; 5] = ["Request", "Answer", "AnyCall", "End", "Step"];

/// Matches over requests or answers with an arm for all others, one line each.
fn swallowing(src: &Path) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for file in rust_files(src)? {
        let mut reader = Reader::default();
        reader.visit_file(&parsed(&file)?);
        lines.extend(reader.lines.iter().map(|line| format!("{}:{line}", file.display())));
    }
    Ok(lines)
}

#[derive(Default)]
struct Reader {
    /// Of which type the methods are.
    of: Option<String>,
    lines: Vec<usize>,
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        if is_for_tests(&item.attrs) {
            return;
        }
        let Type::Path(of) = &*item.self_ty else { return visit::visit_item_impl(self, item) };
        let before = self.of.replace(of.path.segments.last().map(|part| part.ident.to_string()).unwrap_or_default());
        visit::visit_item_impl(self, item);
        self.of = before;
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_expr_match(&mut self, expression: &'ast ExprMatch) {
        let names_closed = expression.arms.iter().any(|arm| self.names_closed(&arm.pat));
        for arm in expression.arms.iter().filter(|arm| names_closed && takes_all(&arm.pat)) {
            self.lines.push(arm.pat.span().start().line);
        }
        visit::visit_expr_match(self, expression);
    }
}

impl Reader {
    /// Whether a pattern names a variant of one of these enums.
    fn names_closed(&self, pattern: &Pat) -> bool {
        let path = match pattern {
            Pat::Path(pattern) => &pattern.path,
            Pat::Struct(pattern) => &pattern.path,
            Pat::TupleStruct(pattern) => &pattern.path,
            Pat::Or(pattern) => return pattern.cases.iter().any(|case| self.names_closed(case)),
            Pat::Reference(pattern) => return self.names_closed(&pattern.pat),
            Pat::Paren(pattern) => return self.names_closed(&pattern.pat),
            _ => return false,
        };
        let mut parts = path.segments.iter().rev().skip(1);
        parts.next().is_some_and(|part| {
            let name = if part.ident == "Self" { self.of.clone().unwrap_or_default() } else { part.ident.to_string() };
            CLOSED.contains(&name.as_str())
        })
    }
}

/// Whether a pattern takes whatever is left.
fn takes_all(pattern: &Pat) -> bool {
    match pattern {
        Pat::Wild(_) => true,
        Pat::Ident(name) => name.subpat.is_none() && name.ident.to_string().starts_with(char::is_lowercase),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::swallowing;
    use crate::paths;

    #[test]
    fn no_arm_swallows_a_request_or_an_answer() {
        for src in ["host/rust/src", "host/python/src", "guest/component/src", "guest/policy/src"] {
            let found = swallowing(&paths::root().join(src)).expect("the sources parse");
            assert!(found.is_empty(), "{}", found.join("\n"));
        }
    }

    #[test]
    fn an_arm_for_all_others_is_found_also_where_the_enum_is_called_self() {
        let src = paths::root().join("target/arms-test");
        fs::create_dir_all(&src).expect("it is made");
        let text = "fn f(r: &R) { match r { Request::A => 1, _ => 2 }; match r { Other::A => 1, _ => 2 }; }\n\
                    impl Answer { fn g(self) { match self { Self::A => 1, other => 2 }; } }";
        fs::write(src.join("lib.rs"), text).expect("it is written");
        let found = swallowing(&src).expect("it parses");
        assert_eq!(found.len(), 2, "{found:?}");
        fs::remove_dir_all(&src).expect("it is removed");
    }
}
