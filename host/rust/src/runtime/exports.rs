//! What the runtime must know of an interface of the component that policies are opened on.

#[cfg(doc)]
use std::convert::Infallible;
use std::fmt::Debug;
use std::marker::PhantomData;

use wasmtime::Store;

use super::wit::types::Problem;
use super::{Guest, HostState, Resource};

/// An interface of the component with one kind of policy. All arguments of a call are data, so that
/// it can wait, be repeated and be undone.
pub(crate) trait Exports: Debug + Sized + 'static {
    /// What a policy is opened with, not yet checked.
    type Config: Debug + Send + Sync + 'static;
    /// A call of a policy.
    type Request: Debug + Clone + Send + Sync + Unpin + 'static;
    /// What it answers.
    type Answer: Debug + Clone + Send + Sync + 'static;
    /// What may be answered again without a call; [`Infallible`] where nothing may.
    type Stand: Debug + Send + 'static;

    /// Opens a policy in an instance, which checks its configuration.
    fn open(
        config: &Self::Config,
        guest: &Guest,
        store: &mut Store<HostState>,
    ) -> wasmtime::Result<Result<Resource, Vec<Problem>>>;

    /// Makes a call that is about one entity of the transaction.
    fn call(
        request: &Self::Request,
        entity: u32,
        guest: &Guest,
        store: &mut Store<HostState>,
        policy: Resource,
    ) -> wasmtime::Result<Self::Answer>;

    /// Whether an answer stands, as the component says right after it.
    fn stands(
        _answer: &Self::Answer,
        _entity: u32,
        _guest: &Guest,
        _store: &mut Store<HostState>,
        _policy: Resource,
    ) -> wasmtime::Result<Option<Self::Stand>> {
        Ok(None)
    }

    /// Makes several calls, each about the entity beside it, one after the other: one answer each.
    fn call_many(
        requests: &[(u32, &Self::Request)],
        guest: &Guest,
        store: &mut Store<HostState>,
        policy: Resource,
    ) -> wasmtime::Result<Vec<Self::Answer>> {
        requests.iter().map(|(entity, request)| Self::call(request, *entity, guest, store, policy)).collect()
    }
}

/// A configuration that an instance can open, of whatever interface. Only opening goes through it,
/// which no call waits for but the first in an instance.
pub(super) trait Open: Debug + Send + Sync {
    fn open(&self, guest: &Guest, store: &mut Store<HostState>) -> wasmtime::Result<Result<Resource, Vec<Problem>>>;
}

/// The configuration of a policy of one interface.
#[derive(Debug)]
pub(super) struct Configured<E: Exports> {
    config: E::Config,
    exports: PhantomData<fn() -> E>,
}

impl<E: Exports> Configured<E> {
    pub(super) fn new(config: E::Config) -> Self {
        Self { config, exports: PhantomData }
    }
}

impl<E: Exports> Open for Configured<E> {
    fn open(&self, guest: &Guest, store: &mut Store<HostState>) -> wasmtime::Result<Result<Resource, Vec<Problem>>> {
        E::open(&self.config, guest, store)
    }
}
