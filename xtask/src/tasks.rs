//! The commands, except for packaging.

use anyhow::{Context, Result, ensure};

use crate::run::{Steps, cargo, run};
use crate::{component, install};

/// Builds the component and gets what the tests need.
pub(crate) fn setup() -> Result<()> {
    component()?;
    install::redis()
}

/// Builds the component.
pub(crate) fn component() -> Result<()> {
    let file = component::build()?;
    println!("{}", file.display());
    Ok(())
}

/// Runs the example.
pub(crate) fn demo(arguments: &[String]) -> Result<()> {
    component::build()?;
    let mut command = cargo(["run", "--locked", "--release", "--package", "resilient-api-calls", "--"]);
    command.args(arguments);
    run(command)
}

/// Runs the benchmarks.
pub(crate) fn bench(arguments: &[String]) -> Result<()> {
    component::build()?;
    install::redis()?;
    let mut command = cargo(["bench", "--locked", "--package", "tidegate-benches"]);
    command.args(arguments);
    run(command)
}

/// Runs all checks and tests. The last line says what the tests came to, whether or not a step failed.
pub(crate) fn test() -> Result<()> {
    let mut steps = Steps::default();
    let done = all_steps(&mut steps);
    let counts = steps.counts();
    if let Err(error) = &done {
        println!("\n{error:#}");
    }
    println!("\n{} passed, {} failed", counts.passed, counts.failed);
    done.context("not all is well")?;
    ensure!(counts.passed > 0, "no test ran");
    Ok(())
}

/// What links wasmtime is checked, documented and tested in the one release profile, so that wasmtime is compiled once and
/// its build scripts and macros are shared. The policies are tested with overflow checks, in the dev profile.
fn all_steps(steps: &mut Steps) -> Result<()> {
    steps.step("setup", setup)?;
    steps.command("format", cargo(["fmt", "--all", "--check"]))?;
    let clippy = ["clippy", "--locked", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"];
    steps.command("clippy", cargo(clippy))?;
    steps.tests("tests of xtask", cargo(["test", "--locked", "--no-fail-fast", "--package", "xtask"]))?;
    steps.tests("tests of the policies", cargo(["test", "--locked", "--no-fail-fast", "--package", "tidegate-policy"]))?;
    let rest = ["test", "--locked", "--no-fail-fast", "--release", "--workspace"];
    let mut rest = cargo(rest);
    rest.args(["--exclude", "tidegate-policy", "--exclude", "xtask"]);
    steps.tests("tests of the hosts", rest)?;
    let mut doc = cargo(["doc", "--locked", "--release", "--workspace", "--no-deps"]);
    doc.env("RUSTDOCFLAGS", "-D warnings");
    steps.command("documentation", doc)
}
