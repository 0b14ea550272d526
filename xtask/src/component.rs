//! Builds the guest and makes it a component.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use wit_component::ComponentEncoder;

use crate::toolchain::{TARGET, Toolchain};
use crate::{paths, world};

/// Builds the component where anything has changed, and returns its file.
pub(crate) fn build() -> Result<PathBuf> {
    let dir = paths::component_dir()?;
    fs::create_dir_all(&dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    let module = build_module(&Toolchain::find(&dir)?, &dir)?;
    let component = paths::component()?;
    if !is_newer(&component, &module) {
        encode(&module, &component)?;
    }
    Ok(component)
}

/// Compiles the guest to a core module. Whether there is anything to compile is cargo's to know.
fn build_module(toolchain: &Toolchain, dir: &Path) -> Result<PathBuf> {
    let mut command = toolchain.cargo_build();
    command.args(["--locked", "--package", "tidegate-component", "--profile", "guest", "--target", TARGET]);
    command.arg("--target-dir").arg(dir).current_dir(paths::root());
    let status = command.status().context("cargo cannot be started")?;
    ensure!(status.success(), "the guest does not build with {}", toolchain.name());
    Ok(dir.join(TARGET).join("guest/tidegate_component.wasm"))
}

/// Makes a component of the core module, by the world that its bindings have left in it.
pub(crate) fn encode(module: &Path, component: &Path) -> Result<()> {
    let core = fs::read(module).with_context(|| format!("{} cannot be read", module.display()))?;
    let bytes = ComponentEncoder::default().validate(true).module(&core)?.encode()?;
    world::check(&bytes)?;
    // In two steps, so that nobody ever sees half a component.
    let half = component.with_extension("wasm.new");
    fs::write(&half, &bytes).with_context(|| format!("{} cannot be written", half.display()))?;
    fs::rename(&half, component).with_context(|| format!("{} cannot be written", component.display()))
}

fn is_newer(file: &Path, than: &Path) -> bool {
    let modified = |path: &Path| path.metadata().and_then(|metadata| metadata.modified());
    matches!((modified(file), modified(than)), (Ok(file), Ok(than)) if file >= than)
}
