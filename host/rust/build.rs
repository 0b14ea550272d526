//! Finds the component and compiles it to the machine code that the crate embeds.

use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "src/runtime/compiler.rs"]
mod compiler;
#[path = "src/runtime/tunables.rs"]
mod tunables;

use wasmtime::{Config, Engine};

/// Names the file to use, in place of any other.
const GIVEN: &str = "TIDEGATE_COMPONENT";

fn main() {
    println!("cargo::rerun-if-env-changed={GIVEN}");
    println!("cargo::rerun-if-env-changed=CARGO_TARGET_DIR");
    println!("cargo::rerun-if-changed=src/runtime/compiler.rs");
    println!("cargo::rerun-if-changed=src/runtime/tunables.rs");
    if let Err(error) = embed() {
        println!("cargo::error={error}");
    }
}

fn embed() -> Result<(), String> {
    let component = find()?;
    println!("cargo::rerun-if-changed={}", component.display());
    println!("cargo::rustc-env=TIDEGATE_COMPONENT_FILE={}", component.display());
    let target = variable("TARGET")?;
    println!("cargo::rustc-env=TIDEGATE_TARGET={target}");
    let code = compile(&component, &target)?;
    let file = out_dir()?.join("tidegate.cwasm");
    fs::write(&file, code).map_err(|error| format!("{} cannot be written: {error}", file.display()))
}

/// Machine code for all processors of the target's kind, whatever this machine's can do.
fn compile(component: &Path, target: &str) -> Result<Vec<u8>, String> {
    let bytes = fs::read(component).map_err(|error| format!("{} cannot be read: {error}", component.display()))?;
    let mut config = Config::new();
    tunables::set(&mut config);
    compiler::set(&mut config);
    config.target(target).map_err(|error| no_compiler(target, &error))?;
    let engine = Engine::new(&config).map_err(|error| no_compiler(target, &error))?;
    let code = engine.precompile_component(&bytes);
    code.map_err(|error| format!("{} does not compile for {target}: {error:#}", component.display()))
}

fn no_compiler(target: &str, error: &wasmtime::Error) -> String {
    let advice = "processors of another kind than this machine's need the feature `cross-compile` of tidegate";
    format!("there is no compiler for {target}: {error:#}; {advice}")
}

fn find() -> Result<PathBuf, String> {
    if let Some(given) = env::var_os(GIVEN).map(PathBuf::from) {
        let found = given.canonicalize();
        return found.map_err(|error| format!("{GIVEN} is {}, which cannot be read: {error}", given.display()));
    }
    let crate_dir = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let packaged = crate_dir.join("component/tidegate.wasm");
    let root = crate_dir.join("../..");
    if !root.join("guest/component/Cargo.toml").is_file() {
        return existing(&packaged).ok_or_else(|| "this package lacks its component/tidegate.wasm".to_string());
    }
    built(&root)?.ok_or_else(|| {
        format!("the component is not built; run `cargo xtask component`, or set {GIVEN} to a component file")
    })
}

/// What `cargo xtask component` has built. Cargo does not tell a build script where the target
/// directory is, but it is around the folder for the script's output, unless that was moved away
/// from it.
fn built(root: &Path) -> Result<Option<PathBuf>, String> {
    let out_dir = out_dir()?;
    let around = out_dir.ancestors().map(Path::to_path_buf);
    let set = env::var_os("CARGO_TARGET_DIR").map(|dir| root.join(dir));
    let candidates = around.chain(set).chain([root.join("target")]);
    Ok(candidates.map(|dir| dir.join("component/tidegate.wasm")).find_map(|file| existing(&file)))
}

fn existing(file: &Path) -> Option<PathBuf> {
    if file.is_file() { file.canonicalize().ok() } else { None }
}

fn out_dir() -> Result<PathBuf, String> {
    variable("OUT_DIR").map(PathBuf::from)
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("cargo does not set {name}, or not to text"))
}
