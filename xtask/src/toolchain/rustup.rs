//! Adds the guest's target to the active toolchain.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::TARGET;
use crate::{install, paths};

/// Rustup is not asked again for so long after it failed: without a network that would slow down
/// every build.
const ASK_AGAIN_AFTER: Duration = Duration::from_hours(24);

/// Adds the target, quietly. A failure is noted in a file in `memory`.
pub(super) fn add_target(memory: &Path) -> Result<()> {
    ensure!(paths::program("rustup").is_some(), "there is no rustup here");
    // Whoever says so wants rustup to install nothing by itself.
    ensure!(
        std::env::var_os("RUSTUP_AUTO_INSTALL").is_none_or(|value| value != "0"),
        "RUSTUP_AUTO_INSTALL=0 forbids it"
    );
    let note = memory.join("rustup-failed.txt");
    if let Some(failure) = recent(&note) {
        bail!("{failure} (remembered for a day in {})", note.display());
    }
    let output = Command::new("rustup").args(["target", "add", TARGET]).output().context("rustup cannot be started")?;
    if output.status.success() {
        println!("added the target {TARGET} with rustup");
        return Ok(());
    }
    let failure = install::last_line(&output.stderr);
    // Where the note cannot be written, rustup is asked again next time; nothing else depends on
    // it.
    let _ = fs::write(&note, &failure);
    bail!("{failure}");
}

fn recent(note: &Path) -> Option<String> {
    let age = note.metadata().ok()?.modified().ok()?.elapsed().ok()?;
    if age < ASK_AGAIN_AFTER { fs::read_to_string(note).ok() } else { None }
}
