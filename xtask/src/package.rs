//! Packages the crate and the npm package together with what they cannot be built without outside this repository.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::run::{cargo, run};
use crate::{component, paths, typescript};

/// Packages the crate `tidegate` and the npm package.
pub(crate) fn package(arguments: &[String]) -> Result<()> {
    let component = component::build()?;
    package_crate(&component, arguments)?;
    typescript::package()
}

fn package_crate(component: &Path, arguments: &[String]) -> Result<()> {
    let root = paths::root();
    let crate_dir = root.join("host/rust");
    let mut beside = Beside::default();
    beside.copy(component, crate_dir.join("component/tidegate.wasm"))?;
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        beside.copy(&root.join(licence), crate_dir.join(licence))?;
    }
    let selection = ["--locked", "--package", "tidegate", "--allow-dirty"];
    check_list(cargo(["package"]).args(selection).arg("--list"))?;
    let mut command = cargo(["package"]);
    command.args(selection).args(arguments);
    if arguments.is_empty() {
        command.arg("--no-verify");
    }
    run(command)
}

fn check_list(list: &mut std::process::Command) -> Result<()> {
    let output = list.output().context("cargo cannot be started")?;
    let files = String::from_utf8_lossy(&output.stdout).replace('\\', "/");
    for needed in ["component/tidegate.wasm", "wit/world.wit", "LICENSE-MIT"] {
        ensure!(files.lines().any(|file| file == needed), "{needed} would not be in the package");
    }
    Ok(())
}

/// Files laid beside the crate while it is packaged, and taken away again: a component left there would be a stale one soon.
#[derive(Default)]
struct Beside {
    files: Vec<PathBuf>,
}

impl Beside {
    fn copy(&mut self, from: &Path, to: PathBuf) -> Result<()> {
        let dir = to.parent().context("a file lies in a folder")?;
        fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
        fs::copy(from, &to).with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))?;
        self.files.push(to);
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        for file in &self.files {
            if let Err(error) = fs::remove_file(file) {
                eprintln!("warning: {} should go but cannot: {error}", file.display());
            }
            // Goes only if it is empty now, which the crate's own folder is not.
            let _ = file.parent().map(fs::remove_dir);
        }
    }
}
