//! What a layer may not name.

use std::path::Path;

use anyhow::Result;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;

use super::{is_for_tests, parsed, rust_files};

/// What the names of strategies, of their calls and of their answers have in them.
const OF_STRATEGIES: [&str; 10] =
    ["limiter", "breaker", "circuit", "bulkhead", "acquire", "peek", "refund", "succeeded", "cancelled", "decision"];

/// The names in the code of a folder or file that are a strategy's, one line each.
fn strategies_named(path: &Path) -> Result<Vec<String>> {
    let files = if path.is_dir() { rust_files(path)? } else { vec![path.to_owned()] };
    let mut lines = Vec::new();
    for file in files {
        let items = parsed(&file)?.items.into_iter().filter(|item| !is_test_module(item));
        let mut names = Vec::new();
        items.for_each(|item| collect(item.into_token_stream(), &mut names));
        let told = names.iter().filter(|name| is_of_strategy(name));
        lines.extend(told.map(|name| format!("{} names {name}", file.display())));
    }
    Ok(lines)
}

fn is_test_module(item: &syn::Item) -> bool {
    matches!(item, syn::Item::Mod(module) if is_for_tests(&module.attrs))
}

fn is_of_strategy(name: &str) -> bool {
    let name = name.to_lowercase();
    OF_STRATEGIES.iter().any(|word| name.contains(word))
}

fn collect(tokens: TokenStream, names: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(name) => names.push(name.to_string()),
            TokenTree::Group(group) => collect(group.stream(), names),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::strategies_named;
    use crate::paths;

    #[test]
    fn ledger_memory_and_what_carries_calls_name_no_strategy() {
        let src = paths::root().join("host/rust/src");
        let files = ["call.rs", "core.rs", "strategy.rs", "background.rs", "gate.rs", "stats.rs"];
        for layer in ["ledger", "transaction", "store"].into_iter().chain(files) {
            let found = strategies_named(&src.join(layer)).expect("the sources parse");
            assert!(found.is_empty(), "{}", found.join("\n"));
        }
    }

    #[test]
    fn what_all_fleets_of_the_simulation_share_names_no_strategy() {
        let src = paths::root().join("tests/simulation/src");
        let shared = ["actor", "generate", "hiccups", "jumps", "node", "record", "run", "scenario", "world"];
        let files = shared.map(|name| format!("{name}.rs"));
        for path in files.iter().map(String::as_str).chain(["checks"]) {
            let found = strategies_named(&src.join(path)).expect("the sources parse");
            assert!(found.is_empty(), "{}", found.join("\n"));
        }
    }

    #[test]
    fn a_strategy_that_is_named_is_found() {
        let src = paths::root().join("host/rust/src/strategies/rate_limiter/request.rs");
        assert!(!strategies_named(&src).expect("it parses").is_empty());
    }
}
