//! Finds the compiled component, which the crate embeds.

use std::env;
use std::path::{Path, PathBuf};

/// Names the file to use, in place of any other.
const GIVEN: &str = "TIDEGATE_COMPONENT";

fn main() {
    println!("cargo::rerun-if-env-changed={GIVEN}");
    println!("cargo::rerun-if-env-changed=CARGO_TARGET_DIR");
    match find() {
        Ok(component) => {
            println!("cargo::rerun-if-changed={}", component.display());
            println!("cargo::rustc-env=TIDEGATE_COMPONENT_FILE={}", component.display());
        }
        Err(error) => println!("cargo::error={error}"),
    }
}

fn find() -> Result<PathBuf, String> {
    if let Some(given) = env::var_os(GIVEN).map(PathBuf::from) {
        let found = given.canonicalize();
        return found.map_err(|error| format!("{GIVEN} is {}, which cannot be read: {error}", given.display()));
    }
    let crate_dir = variable("CARGO_MANIFEST_DIR")?;
    let packaged = crate_dir.join("component/tidegate.wasm");
    let root = crate_dir.join("../..");
    if !root.join("guest/component/Cargo.toml").is_file() {
        return existing(&packaged).ok_or_else(|| "this package lacks its component/tidegate.wasm".to_string());
    }
    built(&root)?.ok_or_else(|| {
        format!("the component is not built; run `cargo xtask component`, or set {GIVEN} to a component file")
    })
}

/// What `cargo xtask component` has built. Cargo does not tell a build script where the target directory is, but it is
/// around the folder for the script's output, unless that was moved away from it.
fn built(root: &Path) -> Result<Option<PathBuf>, String> {
    let out_dir = variable("OUT_DIR")?;
    let around = out_dir.ancestors().map(Path::to_path_buf);
    let set = env::var_os("CARGO_TARGET_DIR").map(|dir| root.join(dir));
    let candidates = around.chain(set).chain([root.join("target")]);
    Ok(candidates.map(|dir| dir.join("component/tidegate.wasm")).find_map(|file| existing(&file)))
}

fn existing(file: &Path) -> Option<PathBuf> {
    if file.is_file() { file.canonicalize().ok() } else { None }
}

fn variable(name: &str) -> Result<PathBuf, String> {
    env::var_os(name).map(PathBuf::from).ok_or_else(|| format!("cargo does not set {name}"))
}
