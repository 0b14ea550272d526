//! Files laid beside a package while it is packed, and taken away again: one left there would be a
//! stale one soon.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::paths;

/// The files; they go with it.
#[derive(Default)]
pub(crate) struct Beside {
    files: Vec<PathBuf>,
}

impl Beside {
    /// The licences of the repository, in the folder of a package.
    pub(crate) fn licences(dir: &Path) -> Result<Self> {
        let mut beside = Self::default();
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            beside.copy(&paths::root().join(licence), dir.join(licence))?;
        }
        Ok(beside)
    }

    pub(crate) fn copy(&mut self, from: &Path, to: PathBuf) -> Result<()> {
        let dir = to.parent().context("a file lies in a folder")?;
        fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
        fs::copy(from, &to).with_context(|| format!("{} cannot be copied to {}", from.display(), to.display()))?;
        self.files.push(to);
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        for file in &self.files {
            if let Err(error) = fs::remove_file(file) {
                eprintln!("warning: {} should go but cannot: {error}", file.display());
            }
            // Goes only if it is empty now, which a package's own folder is not.
            let _ = file.parent().map(fs::remove_dir);
        }
    }
}
