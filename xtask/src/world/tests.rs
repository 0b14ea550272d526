use std::fs;

use wasm_encoder::{CodeSection, EntityType, FunctionSection, ImportSection, Module, TypeSection, ValType};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::check;
use crate::paths;

/// A world with an import that ours must not have, and with none of our exports.
const STRANGER: &str = "
    package wasi:random@0.2.4;
    interface random { get-random-u64: func() -> u64; }
    world stranger { import random; }
";

/// A component that imports a source of randomness.
fn stranger() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], [ValType::I64]);
    let mut imports = ImportSection::new();
    imports.import("wasi:random/random@0.2.4", "get-random-u64", EntityType::Function(0));
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&FunctionSection::new()).section(&CodeSection::new());

    let mut resolve = Resolve::default();
    let package = resolve.push_str("stranger.wit", STRANGER).unwrap();
    let world = resolve.select_world(&[package], None).unwrap();
    let mut module = module.finish();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

fn built() -> Vec<u8> {
    let file = paths::component().unwrap();
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask component`", file.display()))
}

#[test]
fn the_component_imports_a_clock_and_cells_and_exports_every_strategy() {
    check(&built()).unwrap();
}

#[test]
fn a_component_with_another_import_is_refused_by_name() {
    let refusal = check(&stranger()).unwrap_err().to_string();
    assert!(refusal.contains("it imports wasi:random/random@0.2.4"), "{refusal}");
}

#[test]
fn a_component_without_an_export_is_refused_by_name() {
    let refusal = check(&stranger()).unwrap_err().to_string();
    for missing in ["tidegate:policy/rate-limiter", "tidegate:policy/circuit-breaker", "tidegate:policy/nodes"] {
        assert!(refusal.contains(&format!("it does not export {missing}")), "{refusal}");
    }
}

#[test]
fn the_component_keeps_within_its_size_budget() {
    let file = paths::root().join("guest/component/size-budget.txt");
    let text = fs::read_to_string(&file).unwrap();
    let budget: usize = text.lines().find(|line| !line.starts_with('#')).unwrap().parse().unwrap();
    let size = built().len();
    assert!(size <= budget, "the component has {size} bytes, more than the {budget} that {} allows", file.display());
}
