//! Wheels for more systems than the one that builds: for Linux with an old glibc, and for Linux
//! with musl.
//!
//! zig, a Python package, brings the C libraries of both and links against them. Rust's standard
//! library for musl comes from rustup, or is compiled along by Debian's Rust.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::beside::Beside;
use crate::files::fresh;
use crate::python::{self, Environment};
use crate::run::{run, step};
use crate::toolchain::Musl;
use crate::{component, paths};

/// zig as a Python package.
const ZIG: &str = "ziglang==0.17.1";

/// What a wheel is for.
struct Kind {
    name: &'static str,
    target: &'static str,
    /// What maturin is told of it.
    arguments: &'static [&'static str],
}

const OLD_GLIBC: Kind = Kind {
    name: "wheel for glibc 2.17 and later",
    target: "x86_64-unknown-linux-gnu",
    arguments: &["--compatibility", "manylinux2014"],
};
const MUSL: Kind = Kind { name: "wheel for musl", target: "x86_64-unknown-linux-musl", arguments: &[] };

/// Makes them; their files.
pub(super) fn package() -> Result<Vec<PathBuf>> {
    ensure!(cfg!(all(target_os = "linux", target_arch = "x86_64")), "these wheels are made on Linux on x86-64");
    component::build()?;
    let tools = python::tools()?;
    run(tools.module("pip", &["install", "--quiet", ZIG]))?;
    let mut wheels = Vec::new();
    step(OLD_GLIBC.name, || {
        wheels.push(build(&tools, &OLD_GLIBC, |_| ())?);
        Ok(())
    })?;
    step(MUSL.name, || {
        let musl = Musl::find()?;
        wheels.push(build(&tools, &MUSL, |command| musl.set(command))?);
        Ok(())
    })?;
    Ok(wheels)
}

fn build(tools: &Environment, kind: &Kind, set: impl FnOnce(&mut Command)) -> Result<PathBuf> {
    let out = paths::target_dir()?.join("python/wheels-elsewhere").join(kind.target);
    fresh(&out)?;
    let _licences = Beside::licences(&paths::root().join("host/python"))?;
    let mut build = tools.module("maturin", &["build", "--release", "--locked", "--zig", "--target", kind.target]);
    build.args(kind.arguments).arg("--interpreter").arg(tools.python()).arg("--out").arg(&out);
    // maturin finds zig beside the Python that it is of.
    build.env("PATH", with_first(tools.python().parent().context("a program lies in a folder")?)?);
    build.env("CARGO", paths::cargo()).env_remove("CARGO_MANIFEST_DIR");
    set(&mut build);
    run(build)?;
    let entry = std::fs::read_dir(&out)?.next().context("maturin has made no wheel")?;
    Ok(entry?.path())
}

fn with_first(folder: &Path) -> Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_path_buf()).chain(std::env::split_paths(&path));
    std::env::join_paths(folders).context("a folder in PATH cannot be written there")
}
