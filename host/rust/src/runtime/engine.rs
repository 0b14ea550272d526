//! The engine and the component in it.

#[cfg(feature = "compile")]
use std::path::Path;

#[cfg(feature = "compile")]
use wasmtime::Module;
#[cfg(feature = "compile")]
use wasmtime::component::Component;
use wasmtime::{Config, Engine};

use super::guest::Loaded;
use super::{ComponentSource, LoadError, RuntimeOptions, code, tunables};
#[cfg(feature = "compile")]
use super::{module, world};

/// An engine, and the component as the options name it.
pub(super) fn load(options: &RuntimeOptions) -> Result<(Engine, Loaded), LoadError> {
    let mut config = Config::new();
    tunables::set(&mut config);
    match &options.component {
        ComponentSource::BuiltIn => {
            let engine = Engine::new(&config).map_err(|error| unable(&error))?;
            let module = code::module(&engine).map_err(|error| unable(&error))?;
            Ok((engine, Loaded::Module(module)))
        }
        #[cfg(feature = "compile")]
        ComponentSource::Bytes(bytes) => compiled(config, bytes, &options.cache),
        #[cfg(feature = "compile")]
        ComponentSource::File(path) => compiled(config, &read(path)?, &options.cache),
    }
}

/// The bytes of a component's file.
#[cfg(feature = "compile")]
pub(super) fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    let bytes = std::fs::read(path);
    bytes.map_err(|error| LoadError::Unreadable { path: path.to_owned(), reason: error.to_string() })
}

fn unable(error: &wasmtime::Error) -> LoadError {
    LoadError::Engine(format!("{error:#}"))
}

/// A component that someone brought along, compiled here and now or taken from the cache.
#[cfg(feature = "compile")]
fn compiled(mut config: Config, bytes: &[u8], cache: &super::CodeCache) -> Result<(Engine, Loaded), LoadError> {
    super::compiler::set(&mut config);
    config.cache(open_cache(cache));
    let engine = Engine::new(&config).map_err(|error| unable(&error))?;
    if let Some(core) = module::of(bytes) {
        let core = Module::from_binary(&engine, core);
        let core = core.map_err(|error| LoadError::NotAComponent(format!("{error:#}")))?;
        return Ok((engine, Loaded::Module(core)));
    }
    let component = Component::from_binary(&engine, bytes);
    let component = component.map_err(|error| LoadError::NotAComponent(format!("{error:#}")))?;
    world::check(&engine, &component)?;
    Ok((engine, Loaded::Component(component)))
}

/// `None`: there is no cache, or it cannot be used. The component is then compiled, which takes
/// half a second.
#[cfg(feature = "compile")]
fn open_cache(cache: &super::CodeCache) -> Option<wasmtime::Cache> {
    use super::CodeCache;

    let mut config = wasmtime::CacheConfig::new();
    match cache {
        CodeCache::User => {}
        CodeCache::Directory(directory) => {
            config.with_directory(directory);
        }
        CodeCache::Off => return None,
    }
    let cache = wasmtime::Cache::new(config);
    cache.inspect_err(|error| tracing::debug!("compiled code is not kept: {error:#}")).ok()
}

/// What the build script compiles with.
#[cfg(all(test, feature = "compile"))]
pub(super) fn compiler_for(target: &str) -> Engine {
    let mut config = Config::new();
    tunables::set(&mut config);
    super::compiler::set(&mut config);
    config.target(target).expect("the script has compiled for it");
    Engine::new(&config).expect("the script has made one")
}
