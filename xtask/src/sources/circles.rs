//! Modules that import each other in a circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;

use super::modules::{Module, imports};

/// The imports that are part of a circle, one line each.
fn circles(src: &Path) -> Result<Vec<String>> {
    let imports = imports(src)?;
    let mut lines = Vec::new();
    for (module, imported) in &imports {
        let back = imported.iter().filter(|from| reaches(from, module, &imports));
        lines.extend(back.map(|from| format!("{} imports {}, and is imported by it", shown(module), shown(from))));
    }
    Ok(lines)
}

fn shown(module: &Module) -> String {
    if module.is_empty() { "the root".to_owned() } else { module.join("::") }
}

fn reaches(from: &Module, to: &Module, imports: &BTreeMap<Module, BTreeSet<Module>>) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(module) = next.pop() {
        if module == to {
            return true;
        }
        if seen.insert(module) {
            next.extend(imports.get(module).into_iter().flatten());
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::circles;
    use crate::paths;

    #[test]
    fn no_modules_of_a_crate_import_each_other_in_a_circle() {
        let crates = ["guest/policy/src", "guest/component/src", "host/rust/src", "host/python/src", "xtask/src"];
        let found = crates.map(|src| circles(&paths::root().join(src)).expect("the sources parse").join("\n"));
        assert!(found.iter().all(String::is_empty), "{}", found.join("\n"));
    }

    #[test]
    fn a_circle_is_found_through_what_is_given_on_and_through_macros() {
        let src = paths::root().join("target/sources-test");
        let _ = fs::remove_dir_all(&src);
        fs::create_dir_all(src.join("b")).expect("it is made");
        let write = |file: &str, text: &str| fs::write(src.join(file), text).expect("it is written");
        write("lib.rs", "mod a;\nmod b;\nmod c;\nmod d;");
        write("a.rs", "use crate::b::Inner;");
        write("b/mod.rs", "mod inner;\npub use self::inner::Inner;");
        write("b/inner.rs", "list! { crate::c::C }\npub struct Inner;");
        write("c.rs", "fn c() { super::a::a(); }\n#[cfg(test)]\nmod tests { use crate::d::D; }");
        write("d.rs", "use crate::c::C;");
        let found = circles(&src).expect("they parse");
        assert_eq!(
            found,
            [
                "a imports b::inner, and is imported by it",
                "b::inner imports c, and is imported by it",
                "c imports a, and is imported by it"
            ]
        );
        fs::remove_dir_all(&src).expect("it is removed");
    }
}
