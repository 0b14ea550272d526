//! The engine and the compiled component.

use wasmtime::component::Component;
use wasmtime::{Cache, CacheConfig, Config, Engine, OptLevel};

use super::{CodeCache, ComponentSource, LoadError};

/// The component that was built for this crate.
const BUILT_IN: &[u8] = include_bytes!(env!("TIDEGATE_COMPONENT_FILE"));

pub(super) fn engine(cache: &CodeCache) -> Result<Engine, LoadError> {
    let mut config = config();
    config.cache(open_cache(cache));
    Engine::new(&config).map_err(|error| LoadError::Engine(format!("{error:#}")))
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .cranelift_opt_level(OptLevel::Speed)
        .epoch_interruption(true)
        // Three hosts must decide alike, down to the bits.
        .cranelift_nan_canonicalization(true)
        // Nobody reads addresses of a policy; without them the compiled code is smaller and loads faster.
        .generate_address_map(false)
        .native_unwind_info(false)
        .concurrency_support(false)
        // What a policy does not need it does not get.
        .wasm_relaxed_simd(false)
        .wasm_simd(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_tail_call(false);
    config
}

/// A cache that cannot be used is as good as none: the component is then compiled, which takes some milliseconds.
fn open_cache(cache: &CodeCache) -> Option<Cache> {
    let mut config = CacheConfig::new();
    match cache {
        CodeCache::User => {}
        CodeCache::Directory(directory) => {
            config.with_directory(directory);
        }
        CodeCache::Off => return None,
    }
    let cache = Cache::new(config);
    cache.inspect_err(|error| tracing::debug!("compiled code is not kept: {error:#}")).ok()
}

pub(super) fn component(engine: &Engine, source: &ComponentSource) -> Result<Component, LoadError> {
    let compile = |bytes: &[u8]| {
        Component::from_binary(engine, bytes).map_err(|error| LoadError::NotAComponent(format!("{error:#}")))
    };
    match source {
        ComponentSource::BuiltIn => compile(BUILT_IN),
        ComponentSource::Bytes(bytes) => compile(bytes),
        ComponentSource::File(path) => match std::fs::read(path) {
            Ok(bytes) => compile(&bytes),
            Err(error) => Err(LoadError::Unreadable { path: path.clone(), reason: error.to_string() }),
        },
    }
}
