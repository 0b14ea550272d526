//! The example in TypeScript, on the package as it is now.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::run::run;
use crate::{component, paths};

/// Builds the example and the package below it: the file of the program.
pub(crate) fn build() -> Result<PathBuf> {
    build_package()?;
    install(&dir())?;
    run(npm(&dir(), &["run", "--silent", "build"]))?;
    Ok(dir().join("dist/main.js"))
}

/// The example's folder.
pub(crate) fn dir() -> PathBuf {
    paths::root().join("examples/resilient-api-calls/typescript")
}

/// A command of npm in a folder.
pub(crate) fn npm(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command.args(arguments).current_dir(dir);
    // The result lines are read, and are the same everywhere without colours.
    command.env("NO_COLOR", "1").env_remove("FORCE_COLOR");
    command
}

fn build_package() -> Result<()> {
    let component = component::build()?;
    let package = paths::root().join("host/typescript");
    install(&package)?;
    let mut generate = npm(&package, &["run", "--silent", "generate"]);
    generate.env("TIDEGATE_COMPONENT", component);
    run(generate)?;
    run(npm(&package, &["run", "--silent", "build"]))
}

/// Installs what a package depends on, unless that is done. Not by `npm ci`: the example's lock file also tells what the package
/// below it is developed with, and that may have changed.
fn install(dir: &Path) -> Result<()> {
    if is_older(&dir.join("node_modules/.package-lock.json"), &dir.join("package-lock.json")) {
        run(npm(dir, &["install", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    }
    Ok(())
}

/// Whether a file is absent or was made before another.
fn is_older(file: &Path, other: &Path) -> bool {
    let time = |path: &Path| path.metadata().and_then(|data| data.modified()).ok();
    time(file) < time(other)
}
