//! The TypeScript package, `host/typescript`: what it is made of, made, checked, tested and packed
//! with npm.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::install;
use crate::npm;
use crate::paths;
use crate::run::{run, run_tests};
use crate::test_counts::TestCounts;

/// The oldest Node that the package runs on, and that its tools run on.
const OLDEST: u32 = 20;

/// The later versions that its tests run on as well; the package test installs them, as npm carries
/// them.
const LATER: [u32; 2] = [22, 24];

/// Finds or installs Node and npm, and installs what the package is developed with.
pub(crate) fn setup() -> Result<()> {
    ensure_node()?;
    npm::install(&package_dir())
}

/// Makes what the package ships: the component as JavaScript, and its own sources compiled.
pub(crate) fn build() -> Result<()> {
    run(in_npm(&["run", "--silent", "generate"])?)?;
    run(in_npm(&["run", "--silent", "build"])?)
}

/// Checks and tests the package: its sources, then the packed file in an empty project, then its
/// sources on later versions of Node.
pub(crate) fn test(counts: &mut TestCounts) -> Result<()> {
    setup()?;
    build()?;
    run(in_npm(&["run", "--silent", "lint"])?)?;
    run_tests(in_npm(&["run", "--silent", "test"])?, counts)?;
    install::chromium()?;
    install::openssl()?;
    run_tests(in_npm(&["run", "--silent", "test:pack"])?, counts)?;
    LATER.iter().try_for_each(|version| run_tests(test_on(*version)?, counts))
}

/// Tests the sources of the package, on the Node that is installed.
pub(crate) fn test_quickly(counts: &mut TestCounts) -> Result<()> {
    run(in_npm(&["run", "--silent", "generate"])?)?;
    run_tests(in_npm(&["run", "--silent", "test"])?, counts)
}

/// Packs the package into the target directory; its file.
pub(crate) fn package() -> Result<PathBuf> {
    setup()?;
    build()?;
    let to = paths::target_dir()?.join("package");
    std::fs::create_dir_all(&to)?;
    let mut pack = in_npm(&["pack", "--silent", "--pack-destination"])?;
    let output = pack.arg(&to).output().context("npm cannot be started")?;
    ensure!(output.status.success(), "npm pack: {}", install::last_line(&output.stderr));
    Ok(to.join(String::from_utf8_lossy(&output.stdout).trim()))
}

/// Makes a reference of its sources, which are built.
pub(crate) fn docs(to: &Path) -> Result<()> {
    let mut docs = in_npm(&["run", "--silent", "docs", "--", "--out"])?;
    docs.arg(to);
    run(docs)
}

fn package_dir() -> PathBuf {
    paths::root().join("host/typescript")
}

/// A command of npm in the package, which is told where the component is.
fn in_npm(arguments: &[&str]) -> Result<Command> {
    told(npm::command(&package_dir(), arguments))
}

/// Some of the tests of the sources.
pub(crate) fn vitest(files: &[&str]) -> Result<Command> {
    let mut command = Command::new("node");
    command.args(["node_modules/vitest/vitest.mjs", "run"]).args(files).current_dir(package_dir());
    told(command)
}

/// The tests of the sources on a later version of Node.
fn test_on(version: u32) -> Result<Command> {
    let nodes = nodes_dir()?.join(version.to_string()).join("node_modules");
    let is_node = |path: &PathBuf| path.is_file();
    let programs = std::fs::read_dir(&nodes)?.flatten().map(|package| package.path().join("bin/node"));
    let node =
        { programs }.find(is_node).with_context(|| format!("there is no Node {version} in {}", nodes.display()))?;
    let mut command = Command::new(node);
    command.args(["node_modules/vitest/vitest.mjs", "run"]).current_dir(package_dir());
    told(command)
}

fn told(mut command: Command) -> Result<Command> {
    // The result lines are read, and are the same everywhere without colours.
    command.env("NO_COLOR", "1").env_remove("FORCE_COLOR");
    command.env("TIDEGATE_COMPONENT", paths::component()?).env("TIDEGATE_NODES", nodes_dir()?);
    Ok(command)
}

/// Where the versions of Node are that the tests install.
fn nodes_dir() -> Result<PathBuf> {
    Ok(paths::target_dir()?.join("node"))
}

fn ensure_node() -> Result<()> {
    let advice = format!("install Node {OLDEST} or later with npm (Debian: `apt-get install nodejs npm`)");
    if ["node", "npm"].iter().any(|name| paths::program(name).is_none()) {
        install::apt_get(&["nodejs", "npm"]).with_context(|| advice.clone())?;
    }
    let output = Command::new("node").arg("--version").output().with_context(|| advice.clone())?;
    let version = String::from_utf8_lossy(&output.stdout);
    let is_enough = major(&version).is_some_and(|major| major >= OLDEST);
    ensure!(is_enough, "node is {}; {advice}", version.trim());
    Ok(())
}

/// The first number of a version such as `v20.20.2`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn reads_the_version_that_node_tells() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("20.20.2"), None);
        assert_eq!(major(""), None);
    }
}
