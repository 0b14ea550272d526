//! Finds a Rust toolchain that can build the guest.

mod debian;
mod musl;
mod rustup;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

pub(crate) use self::musl::Musl;
use crate::paths;

/// What the guest is compiled for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// What goes with a build whatever the caller has set: where cargo and rustup keep things, the
/// network and the looks.
const KEPT_VARIABLES: &[&str] = &["CARGO_HOME", "RUSTUP_HOME", "RUST_BACKTRACE", "CARGO_BUILD_JOBS"];
const KEPT_PREFIXES: &[&str] = &["CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTR", "CARGO_SOURCE_", "CARGO_TERM_"];

/// A Rust toolchain that can build the guest.
#[derive(Debug)]
pub(crate) enum Toolchain {
    /// The one that runs us; it has the target's standard library.
    Active,
    /// Debian's own, which builds the standard library from its sources.
    Debian {
        /// The linker for WebAssembly.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// The first one that can do it. `memory` is a folder to remember in what has failed.
    pub(crate) fn find(memory: &Path) -> Result<Self> {
        if has_target() {
            return Ok(Self::Active);
        }
        let no_rustup = match rustup::add_target(memory) {
            Ok(()) if has_target() => return Ok(Self::Active),
            Ok(()) => "it added the target to another toolchain than the active one".to_string(),
            Err(error) => format!("{error:#}"),
        };
        match debian::find_or_install() {
            Ok(linker) => Ok(Self::Debian { linker }),
            Err(error) => bail!("{}", nothing_can(&no_rustup, &format!("{error:#}"))),
        }
    }

    /// What it is called in messages.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Active => "the active toolchain",
            Self::Debian { .. } => "Debian's toolchain",
        }
    }

    /// A `cargo build` that sees nothing of the build that runs us, nor of flags that are meant for
    /// the host.
    pub(crate) fn cargo_build(&self) -> Command {
        match self {
            Self::Active => {
                let mut command = cleaned(paths::cargo());
                if let Some(active) = std::env::var_os("RUSTUP_TOOLCHAIN") {
                    command.env("RUSTUP_TOOLCHAIN", active);
                }
                command.env("RUSTC", active_rustc()).arg("build");
                command
            }
            Self::Debian { linker } => debian::cargo_build(linker),
        }
    }
}

/// A command without the variables of cargo, rustup and rustc, which this process has inherited
/// from the cargo that runs it.
fn cleaned(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let is_theirs = text.starts_with("CARGO") || text.starts_with("RUST");
        let is_kept = KEPT_VARIABLES.contains(&&*text) || KEPT_PREFIXES.iter().any(|prefix| text.starts_with(prefix));
        if is_theirs && !is_kept {
            command.env_remove(&name);
        }
    }
    // Set, even to nothing, it goes before flags from configuration files, which are meant for the
    // host too.
    command.env("CARGO_ENCODED_RUSTFLAGS", "");
    command
}

/// The compiler that belongs to the cargo that runs us.
fn active_rustc() -> PathBuf {
    let beside = paths::cargo().with_file_name(format!("rustc{}", std::env::consts::EXE_SUFFIX));
    if beside.is_file() { beside } else { PathBuf::from("rustc") }
}

/// Whether the active toolchain has the standard library of the guest's target.
fn has_target() -> bool {
    has_library_for(TARGET)
}

fn has_library_for(target: &str) -> bool {
    let output = Command::new(active_rustc()).args(["--print", "target-libdir", "--target", target]).output();
    output.is_ok_and(|output| {
        let dir = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
        output.status.success() && has_core(&dir)
    })
}

fn has_core(dir: &Path) -> bool {
    let Ok(entries) = dir.read_dir() else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
}

fn nothing_can(no_rustup: &str, no_debian: &str) -> String {
    format!(
        "no Rust toolchain here can build the component. Do one of these, then run `cargo xtask component`:\n\
         \x20 rustup target add {TARGET}\n\
         \x20 apt-get install {}    (Debian)\n\
         The first did not work: {no_rustup}.\n\
         The second did not work: {no_debian}.",
        debian::PACKAGES.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_of_the_guest_inherits_no_flags_meant_for_the_host() {
        // Cargo sets CARGO_MANIFEST_DIR for every test, as it sets RUSTUP_TOOLCHAIN and the like
        // under rustup.
        let command = cleaned("cargo");
        let changes: Vec<_> = command.get_envs().collect();
        assert!(changes.contains(&(OsStr::new("CARGO_MANIFEST_DIR"), None)), "{changes:?}");
        assert!(changes.contains(&(OsStr::new("CARGO_ENCODED_RUSTFLAGS"), Some(OsStr::new("")))), "{changes:?}");
    }

    #[test]
    fn the_error_names_both_ways_out_and_why_each_failed() {
        let text = nothing_can("no network", "there is no apt-get here");
        for part in
            ["rustup target add wasm32-unknown-unknown", "apt-get install rustc-web", "no network", "no apt-get"]
        {
            assert!(text.contains(part), "{part} is missing in: {text}");
        }
    }
}
