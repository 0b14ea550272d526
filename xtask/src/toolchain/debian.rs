//! Debian's own Rust, which comes with the sources of its standard library.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::cleaned;
use crate::{install, paths};

/// What it takes. The `-web` packages are the ones that Debian keeps recent, for its browsers.
pub(super) const PACKAGES: &[&str] = &["rustc-web", "cargo-web", "rust-web-src", "lld-22"];

const CARGO: &str = "/usr/bin/cargo";
const RUSTC: &str = "/usr/bin/rustc";
const LINKER: &str = "wasm-ld-22";

/// Debian's linker for WebAssembly, where its toolchain is there and recent enough, or could be
/// installed.
pub(super) fn find_or_install() -> Result<PathBuf> {
    if let Ok(linker) = find() {
        return Ok(linker);
    }
    install::apt_get(PACKAGES)?;
    find()
}

fn find() -> Result<PathBuf> {
    ensure!(Path::new(CARGO).is_file(), "there is no {CARGO}");
    let version = ask_rustc("--version")?;
    let needed = env!("CARGO_PKG_RUST_VERSION");
    ensure!(minor(&version) >= minor(needed), "{RUSTC} is older than {needed}: {version}");
    let sources = PathBuf::from(ask_rustc("--print=sysroot")?).join("lib/rustlib/src/rust/library/Cargo.lock");
    ensure!(sources.is_file(), "{} is missing", sources.display());
    paths::program(LINKER).with_context(|| format!("there is no {LINKER}"))
}

fn ask_rustc(question: &str) -> Result<String> {
    let output = debian(RUSTC).arg(question).output().with_context(|| format!("{RUSTC} cannot be started"))?;
    ensure!(output.status.success(), "{RUSTC} {question}: {}", install::last_line(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// The middle number of the first version in a text: 96 of `rustc 1.96.0 (ac68faa20 2026-05-25)`.
fn minor(text: &str) -> Option<u32> {
    text.split_whitespace().find_map(|word| word.strip_prefix("1.")?.split('.').next()?.parse().ok())
}

/// A `cargo build` that also builds what the guest uses of the standard library. The bootstrap flag
/// lets this released compiler do so; nothing in the guest's own code is unstable.
pub(super) fn cargo_build(linker: &Path) -> Command {
    let mut command = debian(CARGO);
    set(&mut command);
    command.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    command.args(["build", "-Zbuild-std=core,alloc,panic_abort"]);
    command
}

/// Has a command that calls cargo go by Debian's, which may then build what is not stable yet.
pub(super) fn set(command: &mut Command) {
    command.env("CARGO", CARGO).env("RUSTC", RUSTC).env("RUSTC_BOOTSTRAP", "1").env_remove("LD_LIBRARY_PATH");
}

/// A program of Debian's toolchain, without the libraries of the toolchain that runs us.
fn debian(program: &str) -> Command {
    let mut command = cleaned(program);
    command.env_remove("LD_LIBRARY_PATH");
    command
}

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn reads_versions_as_rustc_and_cargo_toml_write_them() {
        assert_eq!(minor("rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"), Some(96));
        assert_eq!(minor("1.95"), Some(95));
        assert_eq!(minor("rustc, of some kind"), None);
    }
}
