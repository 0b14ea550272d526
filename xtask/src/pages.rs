//! The pages of the repository: its Markdown files.

use std::path::{Path, PathBuf};

use anyhow::Result;

/// Folders that hold what nobody here wrote, beside those whose names begin with a dot.
const SKIPPED: [&str; 2] = ["target", "node_modules"];

/// All Markdown files under `root`, in order.
pub(crate) fn all(root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    collect(root, &mut files)?;
    Ok(files)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let mut entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name());
        if entry.file_type()?.is_dir() {
            let name = name.to_string_lossy();
            if !name.starts_with('.') && !SKIPPED.contains(&&*name) {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
    Ok(())
}
