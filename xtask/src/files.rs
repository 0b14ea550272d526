//! Folders: emptied and copied.

use std::fs;
use std::path::Path;

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
}
