//! What runs: the core module of a component, or a component by wasmtime's component API.

#[cfg(feature = "compile")]
use wasmtime::component::{Component, Linker, ResourceAny};
use wasmtime::{Engine, InstancePre, Module, Store};

#[cfg(feature = "compile")]
use super::bindings::{Tidegate, TidegatePre};
use super::module::{self, Core, Handle};
use super::{HostState, wit};

/// A component, compiled.
pub(super) enum Loaded {
    /// Its core module alone.
    Module(Module),
    /// All of it, because its inside has another shape.
    #[cfg(feature = "compile")]
    Component(Component),
}

/// The same, with its imports.
#[allow(clippy::large_enum_variant, reason = "a runtime has one")]
pub(super) enum Linked {
    Module(InstancePre<HostState>),
    #[cfg(feature = "compile")]
    Component(TidegatePre<HostState>),
}

/// An instance, with a method for each function of the contract.
#[allow(clippy::large_enum_variant, reason = "an instance has one, and lies in a box")]
pub(crate) enum Guest {
    Core(Core),
    #[cfg(feature = "compile")]
    Component(Tidegate),
}

/// A policy in an instance.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Resource {
    Core(Handle),
    #[cfg(feature = "compile")]
    Component(ResourceAny),
}

impl Linked {
    pub(super) fn new(engine: &Engine, loaded: &Loaded) -> wasmtime::Result<Self> {
        match loaded {
            Loaded::Module(core) => module::link(engine, core).map(Self::Module),
            #[cfg(feature = "compile")]
            Loaded::Component(component) => {
                let mut linker = Linker::new(engine);
                super::host::add_imports(&mut linker)?;
                TidegatePre::new(linker.instantiate_pre(component)?).map(Self::Component)
            }
        }
    }

    pub(super) fn instantiate(&self, store: &mut Store<HostState>) -> wasmtime::Result<Guest> {
        match self {
            Self::Module(linked) => module::instantiate(linked, store).map(Guest::Core),
            #[cfg(feature = "compile")]
            Self::Component(linked) => linked.instantiate(store).map(Guest::Component),
        }
    }
}

impl Guest {
    /// Drops a policy.
    pub(crate) fn drop_resource(&self, store: &mut Store<HostState>, resource: Resource) -> wasmtime::Result<()> {
        match self {
            Self::Core(core) => core.drop_handle(store, resource.of_core()?),
            #[cfg(feature = "compile")]
            Self::Component(_) => resource.of_component()?.resource_drop(store),
        }
    }
}

impl Resource {
    /// A policy of a core module.
    fn of_core(self) -> wasmtime::Result<Handle> {
        match self {
            Self::Core(handle) => Ok(handle),
            #[cfg(feature = "compile")]
            Self::Component(_) => Err(wasmtime::Error::msg("the policy is one of another instance")),
        }
    }

    /// A policy of a component.
    #[cfg(feature = "compile")]
    fn of_component(self) -> wasmtime::Result<ResourceAny> {
        match self {
            Self::Component(resource) => Ok(resource),
            Self::Core(_) => Err(wasmtime::Error::msg("the policy is one of another instance")),
        }
    }
}

/// The methods, which the build script makes of `wit/`.
#[allow(clippy::pedantic, reason = "generated")]
mod methods {
    use wasmtime::Store;

    use super::{Guest, HostState, Resource, wit};

    include!(concat!(env!("OUT_DIR"), "/guest.rs"));
}
