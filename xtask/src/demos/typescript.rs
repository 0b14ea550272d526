//! The example in TypeScript, on the package as it is now.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::run::run;
use crate::{component, paths, typescript};

/// Builds the example and the package below it: the file of the program.
pub(crate) fn build() -> Result<PathBuf> {
    component::build()?;
    if !is_installed(&paths::root().join("host/typescript")) {
        typescript::setup()?;
    }
    typescript::build()?;
    if !is_installed(&dir()) {
        // Not `npm ci`: the lock file also tells what the package below is developed with, and that may have changed.
        run(npm(&dir(), &["install", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    }
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

/// Whether what a package depends on was installed after it was last chosen.
fn is_installed(dir: &Path) -> bool {
    let time = |file: &str| dir.join(file).metadata().and_then(|data| data.modified()).ok();
    time("node_modules/.package-lock.json") >= time("package-lock.json")
}
