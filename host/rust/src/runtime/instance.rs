//! One instance of the component, with the policies that it has open.

use std::sync::{Arc, Weak};

use wasmtime::{Engine, Store, StoreLimitsBuilder, Trap, UpdateDeadline};

use super::bounds::LOOKS;
use super::guest::{Guest, Linked, Loaded, Resource};
use super::policy::{Opened, PolicyIds};
use super::stats::Counters;
use super::wit::types::Problem;
use super::{HostState, LoadError};
use crate::transaction::Transaction;

/// How many policies an instance keeps open. Of policies that share an index it keeps the one that
/// ran last.
const OPEN_POLICIES: usize = 1_024;

/// What instances are made of.
pub(super) struct Source {
    engine: Engine,
    linked: Linked,
    memory_limit_bytes: usize,
    counters: Arc<Counters>,
}

impl Source {
    /// Links the component, which finds out whether it is of this version of the contract.
    pub(super) fn new(
        engine: &Engine,
        loaded: &Loaded,
        memory_limit_bytes: usize,
        counters: Arc<Counters>,
    ) -> Result<Self, LoadError> {
        let linked = Linked::new(engine, loaded).map_err(|error| LoadError::OtherContract(format!("{error:#}")))?;
        Ok(Self { engine: engine.clone(), linked, memory_limit_bytes, counters })
    }

    /// A new instance with nothing open.
    #[cold]
    pub(super) fn instantiate(&self) -> wasmtime::Result<Box<Instance>> {
        let limits = StoreLimitsBuilder::new().memory_size(self.memory_limit_bytes).trap_on_grow_failure(true).build();
        let mut store = Store::new(&self.engine, HostState { limits, ..HostState::default() });
        store.limiter(|host| &mut host.limits);
        store.epoch_deadline_callback(|mut store| look(store.data_mut()));
        store.set_epoch_deadline(1);
        let guest = self.linked.instantiate(&mut store)?;
        self.counters.instantiated();
        let counters = Arc::clone(&self.counters);
        Ok(Box::new(Instance { guest, store, open: Vec::new(), dropped_seen: 0, counters }))
    }
}

/// A run is at work in another tick, or, however many have passed, again: it goes on, unless it has
/// been in too many.
fn look(host: &mut HostState) -> wasmtime::Result<UpdateDeadline> {
    host.looks += 1;
    if host.looks < LOOKS { Ok(UpdateDeadline::Continue(1)) } else { Err(Trap::Interrupt.into()) }
}

/// An instance, owned by one call at a time.
pub(super) struct Instance {
    guest: Guest,
    store: Store<HostState>,
    /// The open policies, each at its index modulo [`OPEN_POLICIES`].
    open: Vec<Option<Handle>>,
    /// How many policies had gone when this instance last looked.
    dropped_seen: u64,
    counters: Arc<Counters>,
}

/// A policy's resource in this instance.
struct Handle {
    serial: u64,
    policy: Weak<Opened>,
    resource: Resource,
}

impl Instance {
    pub(super) fn swap_transaction(&mut self, tx: &mut Transaction) {
        std::mem::swap(&mut self.store.data_mut().tx, tx);
    }

    pub(super) fn parts(&mut self) -> (&Guest, &mut Store<HostState>) {
        (&self.guest, &mut self.store)
    }

    /// Does `work` within the timeout of a run.
    pub(super) fn bounded<R>(
        &mut self,
        policies: &PolicyIds,
        work: &mut impl FnMut(&mut Self) -> wasmtime::Result<R>,
    ) -> wasmtime::Result<R> {
        self.store.data_mut().looks = 0;
        self.store.set_epoch_deadline(1);
        let dropped = policies.dropped();
        if dropped != self.dropped_seen {
            self.dropped_seen = dropped;
            self.close_dropped()?;
        }
        work(self)
    }

    /// The policy's resource, opened if it is not.
    pub(super) fn resource(&mut self, opened: &Arc<Opened>) -> wasmtime::Result<Resource> {
        let index = opened.index % OPEN_POLICIES;
        match self.open.get(index) {
            Some(Some(handle)) if handle.serial == opened.serial => Ok(handle.resource),
            _ => self.open_late(opened),
        }
    }

    #[cold]
    fn open_late(&mut self, opened: &Arc<Opened>) -> wasmtime::Result<Resource> {
        match self.open_at_its_index(opened)? {
            Ok(resource) => Ok(resource),
            Err(_) => Err(wasmtime::Error::msg("the policy component refused a configuration that it had accepted")),
        }
    }

    /// Opens the policy, which checks its configuration.
    pub(super) fn open(&mut self, opened: &Arc<Opened>) -> wasmtime::Result<Result<(), Vec<Problem>>> {
        Ok(self.open_at_its_index(opened)?.map(|_| ()))
    }

    fn open_at_its_index(&mut self, opened: &Arc<Opened>) -> wasmtime::Result<Result<Resource, Vec<Problem>>> {
        let index = opened.index % OPEN_POLICIES;
        if self.open.len() <= index {
            self.open.resize_with(index + 1, || None);
        }
        self.close(index)?;
        let result = opened.config.open(&self.guest, &mut self.store)?;
        Ok(result.inspect(|resource| {
            let policy = Arc::downgrade(opened);
            self.open[index] = Some(Handle { serial: opened.serial, policy, resource: *resource });
        }))
    }

    #[cold]
    fn close_dropped(&mut self) -> wasmtime::Result<()> {
        for index in 0..self.open.len() {
            if self.open[index].as_ref().is_some_and(|handle| handle.policy.strong_count() == 0) {
                self.close(index)?;
            }
        }
        Ok(())
    }

    fn close(&mut self, index: usize) -> wasmtime::Result<()> {
        match self.open[index].take() {
            Some(handle) => self.guest.drop_resource(&mut self.store, handle.resource),
            None => Ok(()),
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.counters.dropped();
    }
}
