//! The packages of all languages, as they would be published, and what holds of them.

mod rust;
mod wheels;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::run::step;
use crate::test_counts::TestCounts;
use crate::{paths, python, typescript};

/// The most that a package may have, in bytes.
const BUDGETS: [(&str, u64); 3] = [("crate", 600_000), ("tgz", 650_000), ("whl", 9_000_000)];

/// Makes the crate, the npm tarball and the wheel, and lays them together.
pub(crate) fn package(arguments: &[String]) -> Result<()> {
    gather(&[rust::package(arguments)?, typescript::package()?, python::wheel()?])
}

/// Makes wheels for other systems and lays them beside these.
pub(crate) fn wheels() -> Result<()> {
    gather(&wheels::package()?)
}

/// Makes the crate and the tarball, takes the wheel that is there, and tries the crate in a
/// service.
pub(crate) fn test(wheel: &Path, counts: &mut TestCounts) -> Result<()> {
    step("packages", || {
        let packed = rust::package(&[])?;
        gather(&[packed.clone(), typescript::package()?, wheel.to_path_buf()])?;
        rust::test(&packed, counts)
    })
}

/// Copies packages into one folder, says what they weigh, and holds them to their budgets.
fn gather(packages: &[PathBuf]) -> Result<()> {
    let dir = paths::target_dir()?.join("packages");
    fs::create_dir_all(&dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    for package in packages {
        let name = package.file_name().context("a package has a name")?;
        let bytes = fs::copy(package, dir.join(name)).with_context(|| format!("there is no {}", package.display()))?;
        println!("{}: {bytes} bytes", dir.join(name).display());
        let kind = package.extension().unwrap_or_default();
        let (_, most) = BUDGETS.into_iter().find(|(each, _)| *each == kind).context("it has no budget")?;
        ensure!(bytes <= most, "{} is larger than {most} bytes", package.display());
    }
    Ok(())
}
