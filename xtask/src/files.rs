//! Folders: emptied, copied, and what is in them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Makes a folder with nothing in it, whatever was there.
pub(crate) fn fresh(dir: &Path) -> Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("{} cannot be removed", dir.display()))?;
    }
    fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))
}

/// Copies a folder with all that is in it, in place of what was there.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fresh(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let copy = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &copy)?;
        } else {
            fs::copy(entry.path(), copy)?;
        }
    }
    Ok(())
}

/// All files under `folder` with one of these extensions, in order. `enters` says of the name of a
/// folder whether it is looked into.
pub(crate) fn below(folder: &Path, extensions: &[&str], enters: impl Fn(&str) -> bool + Copy) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if enters(&entry.file_name().to_string_lossy()) {
                files.extend(below(&path, extensions, enters)?);
            }
        } else if path.extension().is_some_and(|extension| extensions.iter().any(|known| extension == *known)) {
            files.push(path);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_what_the_folder_has_and_nothing_of_before() {
        let place = std::env::temp_dir().join(format!("tidegate-xtask-files-{}", std::process::id()));
        let (from, to) = (place.join("from"), place.join("to"));
        for file in [from.join("inner/file"), to.join("old/file")] {
            fresh(file.parent().expect("it lies in a folder")).expect("it can be made");
            fs::write(file, "text").expect("it can be written");
        }
        copy_folder(&from, &to).expect("it can be copied");
        assert_eq!(fs::read_to_string(to.join("inner/file")).expect("it was copied"), "text");
        assert!(!to.join("old").exists());
        fs::remove_dir_all(place).expect("it can be removed");
    }

    #[test]
    fn files_are_found_by_extension_in_the_folders_that_are_entered() {
        let place = std::env::temp_dir().join(format!("tidegate-xtask-below-{}", std::process::id()));
        for file in ["b/2.md", "a/1.md", "a/1.rs", "left/3.md", "0.md"] {
            let file = place.join(file);
            fs::create_dir_all(file.parent().expect("it lies in a folder")).expect("it can be made");
            fs::write(file, "").expect("it can be written");
        }
        let found = below(&place, &["md", "txt"], |folder| folder != "left").expect("it can be read");
        assert_eq!(found, ["0.md", "a/1.md", "b/2.md"].map(|file| place.join(file)));
        fs::remove_dir_all(place).expect("it can be removed");
    }
}
