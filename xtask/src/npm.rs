//! npm, in the folders of packages that stand on `host/typescript`.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::run::run;

/// A command of npm in a folder.
pub(crate) fn command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.args(arguments).current_dir(dir);
    // The result lines are read, and are the same everywhere without colours.
    command.env("NO_COLOR", "1").env_remove("FORCE_COLOR");
    command
}

/// Installs what a package depends on by its lock file, if that was not done since it was last
/// chosen.
///
/// Not by `npm ci`: the lock file also tells what `host/typescript` is developed with, which may
/// have changed, and a registry may lack the packages of other platforms.
pub(crate) fn install(dir: &Path) -> Result<()> {
    if is_installed(dir) {
        return Ok(());
    }
    run(command(dir, &["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"]))
}

/// Whether what a package depends on was installed after it was last chosen.
pub(crate) fn is_installed(dir: &Path) -> bool {
    let time = |file: &str| dir.join(file).metadata().and_then(|data| data.modified()).ok();
    time("node_modules/.package-lock.json") >= time("package-lock.json")
}
