//! Every seed, whole and cut short, and every input that ever broke something.

#[path = "../examples/seeds/main.rs"]
#[expect(dead_code, reason = "the program that writes them to files does more")]
mod seeds;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use tidegate_fuzz::target;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a folder, in order; none where there is no such folder.
fn inputs(folder: &str, target: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root().join(folder).join(target)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be read").path()).collect();
    paths.sort();
    paths
}

/// Runs a target and says which input it was that broke it.
fn run(name: &str, target: fn(&[u8]), input: &[u8], from: &str) {
    let holds = catch_unwind(AssertUnwindSafe(|| target(input))).is_ok();
    assert!(holds, "{name} fails on the first {} bytes of {from}: {}", input.len(), input.escape_ascii());
}

fn replay(name: &str) {
    let (_, target) = target::ALL.iter().find(|(known, _)| *known == name).expect("there is such a target");
    let all = seeds::all().expect("the cases can be read");
    let seeds = &all[name];
    assert!(seeds.len() >= 9, "{name} has {} seeds", seeds.len());
    for (number, seed) in seeds.iter().enumerate() {
        for length in 0..=seed.len() {
            run(name, *target, &seed[..length], &format!("seed {number}"));
        }
    }
    for path in inputs("regressions", name) {
        let shown = path.strip_prefix(root()).unwrap_or(&path).display();
        run(name, *target, &fs::read(&path).expect("it can be read"), &format!("fuzz/{shown}"));
    }
}

macro_rules! hold {
    ($($test:ident: $target:literal,)+) => {
        $(#[test]
        fn $test() {
            replay($target);
        })+

        const TESTED: &[&str] = &[$($target),+];
    };
}

hold! {
    seeds_and_regressions_of_breaker_hold: "breaker",
    seeds_and_regressions_of_breaker_node_hold: "breaker_node",
    seeds_and_regressions_of_key_hold: "key",
    seeds_and_regressions_of_limiter_hold: "limiter",
    seeds_and_regressions_of_limiter_node_hold: "limiter_node",
    seeds_and_regressions_of_output_hold: "output",
    seeds_and_regressions_of_pattern_hold: "pattern",
    seeds_and_regressions_of_reply_hold: "reply",
    seeds_and_regressions_of_settings_hold: "settings",
}

#[test]
fn every_target_is_tested_and_has_a_program() {
    let names: Vec<&str> = target::ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, TESTED);
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("it can be read");
    for name in &names {
        let program = fs::read_to_string(root().join(format!("fuzz_targets/{name}.rs"))).expect("it has a program");
        assert!(program.contains(&format!("target::{name}(data)")), "{program}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is not in the manifest");
    }
    let seeds = seeds::all().expect("the cases can be read");
    assert!(seeds.keys().all(|target| names.contains(target)), "{:?}", seeds.keys());
    for entry in fs::read_dir(root().join("regressions")).expect("it is there") {
        let target = entry.expect("it can be read").file_name();
        assert!(names.iter().any(|name| target == **name), "{} is of no target", target.display());
    }
}
