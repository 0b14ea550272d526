//! The example in TypeScript, on the package as it is now.

use std::path::PathBuf;

use anyhow::Result;

use crate::run::run;
use crate::{component, npm, paths, typescript};

/// Builds the example and the package below it: the file of the program.
pub(crate) fn build() -> Result<PathBuf> {
    component::build()?;
    if !npm::is_installed(&paths::root().join("host/typescript")) {
        typescript::setup()?;
    }
    typescript::build()?;
    npm::install(&dir())?;
    run(npm::command(&dir(), &["run", "--silent", "build"]))?;
    Ok(dir().join("dist/main.js"))
}

/// The example's folder.
pub(crate) fn dir() -> PathBuf {
    paths::root().join("examples/resilient-api-calls/typescript")
}
