//! Builds, checks and tests the Python package, as a wheel installed into a fresh virtual
//! environment.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::beside::Beside;
use crate::files::fresh;
use crate::run::{run, run_tests, step};
use crate::test_counts::TestCounts;
use crate::{component, install, pages, paths};

/// Says yes if this Python is new enough and can make virtual environments.
const IS_FIT: &str = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))";

/// A Python 3.10 or later with the means for virtual environments.
pub(crate) fn setup() -> Result<()> {
    if is_fit() {
        return Ok(());
    }
    let advice = "install Python 3.10 or later with venv, as python3 (Debian: `apt-get install python3-venv`)";
    install::apt_get(&["python3", "python3-venv"]).context(advice)?;
    ensure!(is_fit(), "python3 is still older than 3.10 or lacks venv; {advice}");
    Ok(())
}

fn is_fit() -> bool {
    let output = Command::new("python3").args(["-c", IS_FIT]).output();
    output.is_ok_and(|output| output.status.success())
}

/// Checks and tests the package.
pub(crate) fn test(counts: &mut TestCounts) -> Result<()> {
    let mut environment = None;
    step("python: environment", || {
        environment = Some(Environment::fresh("test")?);
        Ok(())
    })?;
    let environment = environment.context("the step before has made it")?;
    step("python: style", || {
        run(environment.module("ruff", &["format", "--check", "."]))?;
        run(environment.module("ruff", &["check", "."]))
    })?;
    step("pages: style", || format_pages(&environment, &["--check"]))?;
    let mut wheel = None;
    step("python: wheel", || {
        let built = wheel.insert(environment.build_wheel()?);
        run(environment.module("pip", &["install", "--quiet", "--no-deps"]).with(built))
    })?;
    let wheel = wheel.context("the step before has built it")?;
    step("python: tests", || run_tests(environment.tests(&wheel)?, counts))?;
    step("python: types", || {
        run(environment.module("mypy", &["--package", "tidegate", "--package", "tests", "--package", "tools"]))?;
        run(environment.module("mypy.stubtest", &["tidegate._tidegate"]))?;
        run(environment.module("pyright", &["python", "tests", "tools", "--pythonpath"]).with(&environment.python()))
    })
}

/// Tests the package in the environment of the last time.
pub(crate) fn test_quickly(counts: &mut TestCounts) -> Result<()> {
    let environment = tested()?;
    let wheel = environment.build_wheel()?;
    run(environment.module("pip", &["install", "--quiet", "--no-deps", "--force-reinstall"]).with(&wheel))?;
    run_tests(environment.tests(&wheel)?, counts)
}

/// Holds the pages to their style; with `fix`, gives it to them.
pub(crate) fn pages(fix: bool) -> Result<()> {
    format_pages(&tools()?, if fix { &[] } else { &["--check"] })
}

fn format_pages(environment: &Environment, options: &[&str]) -> Result<()> {
    let mut command = environment.module("mdformat", options);
    command.args(pages::all(paths::root())?);
    run(command)
}

/// Builds the wheel into `<target>/python/wheels`; its file.
pub(crate) fn wheel() -> Result<PathBuf> {
    component::build()?;
    tools()?.build_wheel()
}

/// Makes a reference of the package in a wheel.
pub(crate) fn docs(wheel: &Path, to: &Path) -> Result<()> {
    let tools = tools()?;
    run(tools.module("pip", &["install", "--quiet", "--no-deps", "--force-reinstall"]).with(wheel))?;
    run(tools.module("pdoc", &["tidegate", "--template-directory", "docs", "--output-directory"]).with(to))
}

/// The environment in which the package was tested last, with that package in it.
pub(crate) fn tested() -> Result<Environment> {
    Environment::kept("test")
}

/// An environment with pip and the other tools.
pub(crate) fn tools() -> Result<Environment> {
    setup()?;
    Environment::kept("package")
}

/// A virtual environment with the tools of `requirements-test.txt`.
pub(crate) struct Environment(PathBuf);

impl Environment {
    fn fresh(name: &str) -> Result<Self> {
        let environment = Self(python_dir()?.join(name));
        let mut create = Command::new("python3");
        create.args(["-m", "venv", "--clear"]).arg(&environment.0);
        run(create)?;
        environment.with_tools()
    }

    /// One that is kept from run to run.
    pub(crate) fn kept(name: &str) -> Result<Self> {
        let environment = Self(python_dir()?.join(name));
        if environment.python().is_file() { environment.with_tools() } else { Self::fresh(name) }
    }

    fn with_tools(self) -> Result<Self> {
        run(self.module("pip", &["install", "--quiet", "--requirement", "requirements-test.txt"]))?;
        Ok(self)
    }

    pub(crate) fn python(&self) -> PathBuf {
        let (folder, file) = if cfg!(windows) { ("Scripts", "python.exe") } else { ("bin", "python") };
        self.0.join(folder).join(file)
    }

    /// A module run as a program, in the package's folder.
    pub(crate) fn module(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.python());
        command.args(["-m", name]).args(arguments).current_dir(package_dir());
        command.env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        command
    }

    /// The tests of the package, whose wheel is installed.
    fn tests(&self, wheel: &Path) -> Result<Command> {
        let mut tests = self.module("pytest", &[]);
        tests.env("TIDEGATE_COMPONENT", paths::component()?).env("TIDEGATE_WHEEL", wheel);
        Ok(tests)
    }

    /// Builds the wheel among what cargo has built already: see `host/python/Cargo.toml`.
    pub(crate) fn build_wheel(&self) -> Result<PathBuf> {
        let wheels = python_dir()?.join("wheels");
        let _licences = Beside::licences(&package_dir())?;
        // An older wheel would be taken for this one.
        fresh(&wheels)?;
        let mut build = self.module("maturin", &["build", "--release", "--locked", "--interpreter"]);
        build.arg(self.python()).arg("--out").arg(&wheels).env("CARGO", paths::cargo());
        // See `run::cargo`.
        build.env_remove("CARGO_MANIFEST_DIR");
        run(build)?;
        let mut files = fs::read_dir(&wheels)?.collect::<std::io::Result<Vec<_>>>()?;
        ensure!(files.len() == 1, "{} wheels in {}", files.len(), wheels.display());
        Ok(files.remove(0).path())
    }
}

/// One more argument.
trait With {
    fn with(self, argument: &(impl AsRef<OsStr> + ?Sized)) -> Self;
}

impl With for Command {
    fn with(mut self, argument: &(impl AsRef<OsStr> + ?Sized)) -> Self {
        self.arg(argument.as_ref());
        self
    }
}

fn package_dir() -> PathBuf {
    paths::root().join(Path::new("host/python"))
}

fn python_dir() -> Result<PathBuf> {
    let dir = paths::target_dir()?.join("python");
    fs::create_dir_all(&dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    Ok(dir)
}
