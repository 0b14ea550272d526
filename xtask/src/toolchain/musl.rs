//! A Rust toolchain that can build for musl.

use std::process::Command;

use anyhow::{Context, Result};

use super::{debian, has_library_for};

const TARGET: &str = "x86_64-unknown-linux-musl";

/// Where the standard library for musl comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Musl {
    /// The active toolchain has it.
    Active,
    /// Debian's own Rust compiles it along.
    Debian,
}

impl Musl {
    /// The first that is there.
    pub(crate) fn find() -> Result<Self> {
        if has_library_for(TARGET) {
            return Ok(Self::Active);
        }
        let advice =
            format!("no Rust here builds for musl: `rustup target add {TARGET}`, or install Debian's: apt-get install");
        let packages = debian::PACKAGES.join(" ");
        debian::find_or_install().map(|_| Self::Debian).with_context(|| format!("{advice} {packages}"))
    }

    /// Has a command that calls cargo go by it.
    pub(crate) fn set(self, command: &mut Command) {
        // A Python module is loaded by a program that has musl already.
        command.env("RUSTFLAGS", "-C target-feature=-crt-static").env_remove("CARGO_ENCODED_RUSTFLAGS");
        if self == Self::Debian {
            debian::set(command);
            command.env("CARGO_UNSTABLE_BUILD_STD", "std,panic_unwind");
        }
    }
}
