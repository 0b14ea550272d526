//! The commands, except for packaging.

use anyhow::{Result, ensure};

use crate::run::{cargo, run, run_tests, step};
use crate::test_counts::TestCounts;
use crate::workspace::THE_REST;
use crate::{
    component, conformance, demos, examples, fuzz, install, package, python, servers, site, typescript, workspace,
};

/// Builds the component and gets what the tests need.
pub(crate) fn setup() -> Result<()> {
    component()?;
    install::redis()?;
    python::setup()?;
    servers::get()?;
    typescript::setup()
}

/// Builds the component.
pub(crate) fn component() -> Result<()> {
    let file = component::build()?;
    println!("component: {} ({} bytes)", file.display(), file.metadata()?.len());
    Ok(())
}

/// Runs all checks and tests, up to the first step that fails; quickly, those of the policies and
/// of each package alone.
pub(crate) fn test(quickly: bool) -> Result<()> {
    counted(if quickly { quick_steps } else { all_steps })
}

/// Runs those of the example in TypeScript and Python.
pub(crate) fn test_demos() -> Result<()> {
    counted(demos::test)
}

/// Runs those of the Python package.
pub(crate) fn test_python() -> Result<()> {
    counted(|counts| {
        step("setup", setup)?;
        python::test(counts)
    })
}

/// Runs those of the stores on the servers that packages carry.
pub(crate) fn test_servers() -> Result<()> {
    counted(|counts| {
        step("setup", setup)?;
        python::test(counts)?;
        step("TypeScript", typescript::build)?;
        servers::test(counts)
    })
}

/// The last line says what the tests came to.
fn counted(steps: impl FnOnce(&mut TestCounts) -> Result<()>) -> Result<()> {
    let mut counts = TestCounts::default();
    let done = steps(&mut counts);
    if let Err(error) = &done {
        eprintln!("\nerror: {error:#}");
    }
    println!("\n{} passed, {} failed", counts.passed, counts.failed);
    if done.is_err() {
        // The error has been shown, and nothing may come after the last line.
        std::process::exit(1);
    }
    ensure!(counts.passed > 0, "no test ran");
    Ok(())
}

/// What a developer runs between edits.
fn quick_steps(counts: &mut TestCounts) -> Result<()> {
    step("setup", setup)?;
    step("format", || run(cargo(["fmt", "--all", "--check"])))?;
    let policies = ["test", "--locked", "--package", "tidegate-policy"];
    step("tests of the policies", || run_tests(cargo(policies), counts))?;
    let names = workspace::tests_of("host/rust")?;
    let tests = names.iter().flat_map(|name| ["--test", name]);
    let host = ["test", "--locked", "--release", "--lib"].into_iter().chain(THE_REST).chain(tests);
    step("tests in Rust", || run_tests(cargo(host), counts))?;
    step("tests in Python", || python::test_quickly(counts))?;
    step("tests in TypeScript", || typescript::test_quickly(counts))
}

/// What links wasmtime is checked, documented and tested in the one release profile, so that
/// wasmtime is compiled once and its build scripts and macros are shared. The policies are tested
/// with overflow checks, in the dev profile.
fn all_steps(counts: &mut TestCounts) -> Result<()> {
    step("setup", setup)?;
    step("format", || run(cargo(["fmt", "--all", "--check"])))?;
    step("clippy", || {
        run(cargo(["clippy", "--locked", "--release", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    })?;
    let test = ["test", "--locked", "--no-fail-fast"];
    step("tests of xtask", || run_tests(cargo(test.iter().chain(&["--package", "xtask"])), counts))?;
    step("tests of the policies", || run_tests(cargo(test.iter().chain(&["--package", "tidegate-policy"])), counts))?;
    step("hostile input", || fuzz::test(counts))?;
    python::test(counts)?;
    step("TypeScript", || typescript::test(counts))?;
    // After both, because workers in Node and Python are among the processes of the fleet tests.
    let rest = || cargo(test.iter().chain(&["--release"]).chain(&THE_REST));
    step("tests of the rest", || run_tests(rest(), counts))?;
    servers::test(counts)?;
    step("conformance", || conformance::test(counts))?;
    demos::test(counts)?;
    let wheel = python::wheel()?;
    examples::temporal(&wheel, counts)?;
    examples::http_service(&wheel, counts)?;
    examples::cases(counts)?;
    package::test(&wheel, counts)?;
    site::build(&wheel)
}
