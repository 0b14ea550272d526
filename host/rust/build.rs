//! Finds the component, compiles its core module to the machine code that the crate embeds, and
//! makes the glue between that module and Rust.

use std::path::{Path, PathBuf};
use std::{env, fs};

#[path = "src/runtime/compiler.rs"]
mod compiler;
mod glue;
#[path = "src/runtime/module/inside.rs"]
mod inside;
#[path = "src/runtime/tunables.rs"]
mod tunables;

use wasmtime::{Config, Engine};

use self::glue::Contract;

/// Names the file to use, in place of any other.
const GIVEN: &str = "TIDEGATE_COMPONENT";

fn main() {
    println!("cargo::rerun-if-env-changed={GIVEN}");
    println!("cargo::rerun-if-env-changed=CARGO_TARGET_DIR");
    for source in ["glue", "wit", "src/runtime/compiler.rs", "src/runtime/tunables.rs", "src/runtime/module/inside.rs"]
    {
        println!("cargo::rerun-if-changed={source}");
    }
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
    let contract = Contract::read(Path::new("wit"))?;
    write("core.rs", contract.core()?.as_bytes())?;
    write("guest.rs", contract.guest()?.as_bytes())?;
    write("tidegate.cwasm", &compile(&contract, &component, &target)?)
}

fn write(name: &str, bytes: &[u8]) -> Result<(), String> {
    let file = out_dir()?.join(name);
    fs::write(&file, bytes).map_err(|error| format!("{} cannot be written: {error}", file.display()))
}

/// Machine code for all processors of the target's kind, whatever this machine's can do.
fn compile(contract: &Contract, component: &Path, target: &str) -> Result<Vec<u8>, String> {
    let bytes = fs::read(component).map_err(|error| format!("{} cannot be read: {error}", component.display()))?;
    let (imports, exports) = (contract.import_names(), contract.export_names());
    let module = inside::core_module(&bytes, &imports, &exports).ok_or_else(|| other_inside(component))?;
    let mut config = Config::new();
    tunables::set(&mut config);
    compiler::set(&mut config);
    config.target(target).map_err(|error| no_compiler(target, &error))?;
    let engine = Engine::new(&config).map_err(|error| no_compiler(target, &error))?;
    let code = engine.precompile_module(module);
    code.map_err(|error| format!("{} does not compile for {target}: {error:#}", component.display()))
}

fn other_inside(component: &Path) -> String {
    format!(
        "{} is not one core module of this version of the contract, as wit-component makes it. If it is of an earlier \
         version, run `cargo xtask component`. One of another shape goes to `Builder::component` or \
         `Builder::component_file`, with the feature `compile` of tidegate",
        component.display()
    )
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
