//! The crate, packed together with what it cannot be built without outside this repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::beside::Beside;
use crate::files::{copy_folder, fresh};
use crate::run::{cargo, run, run_tests};
use crate::test_counts::TestCounts;
use crate::{component, paths};

/// What must be among its files.
const NEEDED: [&str; 6] =
    ["README.md", "LICENSE-APACHE", "LICENSE-MIT", "component/tidegate.wasm", "src/store/commit.lua", "wit/world.wit"];

/// Packs the crate; its file. Cargo is told these arguments, and without any not to build what it
/// has packed.
pub(super) fn package(arguments: &[String]) -> Result<PathBuf> {
    let root = paths::root();
    let crate_dir = root.join("host/rust");
    let mut beside = Beside::licences(&crate_dir)?;
    beside.copy(&component::build()?, crate_dir.join("component/tidegate.wasm"))?;
    let selection = ["--locked", "--package", "tidegate", "--allow-dirty"];
    check_list(cargo(["package"]).args(selection).arg("--list"))?;
    let mut command = cargo(["package", "--quiet"]);
    command.args(selection).args(arguments);
    if arguments.is_empty() {
        command.arg("--no-verify");
    }
    run(command)?;
    Ok(paths::target_dir()?.join("package").join(format!("tidegate-{}.crate", env!("CARGO_PKG_VERSION"))))
}

fn check_list(list: &mut Command) -> Result<()> {
    let output = list.output().context("cargo cannot be started")?;
    let files = String::from_utf8_lossy(&output.stdout).replace('\\', "/");
    for needed in NEEDED {
        ensure!(files.lines().any(|file| file == needed), "{needed} would not be in the crate");
    }
    Ok(())
}

/// Tries the packed crate in a service: unpacked, with a copy of the service beside it, built from
/// the start as its user would.
pub(super) fn test(file: &Path, counts: &mut TestCounts) -> Result<()> {
    let place = paths::target_dir()?.join("packages");
    let (unpacked, service) = (place.join("tidegate"), place.join("axum"));
    unpack(file, &unpacked)?;
    copy_folder(&paths::root().join("tests/packages/axum"), &service)?;
    // The versions that this repository is tested with; what it does not have is added to the copy.
    fs::copy(paths::root().join("Cargo.lock"), service.join("Cargo.lock"))?;
    let mut tests = cargo(["test", "--", "--nocapture"]);
    tests.current_dir(&service).env("CARGO_TARGET_DIR", place.join("target"));
    // The crate is built here with the features that users have, which nothing else in this
    // repository chooses.
    tests.env("RUSTFLAGS", "-D warnings");
    // What names a component would have it used in place of the one in the package.
    tests.env_remove("TIDEGATE_COMPONENT");
    run_tests(tests, counts)
}

/// The files are as of now: those of a package have one time for ever, by which cargo would take
/// them for what it has built of an earlier one.
fn unpack(file: &Path, to: &Path) -> Result<()> {
    fresh(to)?;
    let mut tar = Command::new("tar");
    tar.args(["--strip-components=1", "-xzmf"]).arg(file).arg("-C").arg(to);
    run(tar)
}
