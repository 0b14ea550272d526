//! One instance of the component, with the policies that it has open.

use std::sync::{Arc, Weak};

use wasmtime::component::{Component, Linker, ResourceAny};
use wasmtime::{Engine, Store, StoreLimitsBuilder, Trap, UpdateDeadline};

use super::bindings::TidegatePre;
use super::bounds::LOOKS;
use super::policy::{Opened, PolicyConfig, PolicyIds};
use super::stats::Counters;
use super::wit::rate_limiter;
use super::wit::types::Problem;
use super::{Guest, HostState, LoadError, Policy, host};
use crate::transaction::Transaction;

/// How many policies an instance keeps open. Of policies that share a place it keeps the one that
/// ran last.
const OPEN_POLICIES: usize = 1_024;

/// What instances are made of.
pub(super) struct Source {
    engine: Engine,
    component: TidegatePre<HostState>,
    memory_limit_bytes: usize,
    counters: Arc<Counters>,
}

impl Source {
    /// Links the component, which finds out whether it is of this version of the contract.
    pub(super) fn new(
        engine: &Engine,
        component: &Component,
        memory_limit_bytes: usize,
        counters: Arc<Counters>,
    ) -> Result<Self, LoadError> {
        let link = || {
            let mut linker = Linker::new(engine);
            host::add_imports(&mut linker)?;
            TidegatePre::new(linker.instantiate_pre(component)?)
        };
        let component = link().map_err(|error: wasmtime::Error| LoadError::OtherContract(format!("{error:#}")))?;
        Ok(Self { engine: engine.clone(), component, memory_limit_bytes, counters })
    }

    /// A new instance with nothing open.
    #[cold]
    pub(super) fn instantiate(&self) -> wasmtime::Result<Box<Instance>> {
        let limits = StoreLimitsBuilder::new().memory_size(self.memory_limit_bytes).trap_on_grow_failure(true).build();
        let mut store = Store::new(&self.engine, HostState { limits, ..HostState::default() });
        store.limiter(|host| &mut host.limits);
        store.epoch_deadline_callback(|mut store| look(store.data_mut()));
        store.set_epoch_deadline(1);
        let guest = self.component.instantiate(&mut store)?;
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
    resource: ResourceAny,
}

impl Instance {
    pub(super) fn swap_transaction(&mut self, tx: &mut Transaction) {
        std::mem::swap(&mut self.store.data_mut().tx, tx);
    }

    pub(super) fn parts(&mut self) -> (&Guest, &mut Store<HostState>) {
        (&self.guest, &mut self.store)
    }

    /// Does `work` within the time limit.
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
    pub(super) fn resource(&mut self, policy: &Policy) -> wasmtime::Result<ResourceAny> {
        let place = policy.0.index % OPEN_POLICIES;
        match self.open.get(place) {
            Some(Some(handle)) if handle.serial == policy.0.serial => Ok(handle.resource),
            _ => self.open_late(policy),
        }
    }

    #[cold]
    fn open_late(&mut self, policy: &Policy) -> wasmtime::Result<ResourceAny> {
        match self.open_at_its_place(policy)? {
            Ok(resource) => Ok(resource),
            Err(_) => Err(wasmtime::Error::msg("the policy component refused a configuration that it had accepted")),
        }
    }

    /// Opens the policy, which checks its configuration.
    pub(super) fn open(&mut self, policy: &Policy) -> wasmtime::Result<Result<(), Vec<Problem>>> {
        Ok(self.open_at_its_place(policy)?.map(|_| ()))
    }

    fn open_at_its_place(&mut self, policy: &Policy) -> wasmtime::Result<Result<ResourceAny, Vec<Problem>>> {
        let opened = &policy.0;
        let place = opened.index % OPEN_POLICIES;
        if self.open.len() <= place {
            self.open.resize_with(place + 1, || None);
        }
        self.close(place)?;
        let result = match &opened.config {
            PolicyConfig::Limiter(config) => {
                self.guest.tidegate_policy_rate_limiter().limiter().call_open(&mut self.store, config)?
            }
            PolicyConfig::Share(config, hosts) => self.open_share(config, *hosts)?,
            PolicyConfig::Breaker(config) => {
                self.guest.tidegate_policy_circuit_breaker().breaker().call_open(&mut self.store, config)?
            }
            PolicyConfig::LimiterNode(config) => {
                self.guest.tidegate_policy_nodes().rate_limiter_node().call_open(&mut self.store, config)?
            }
            PolicyConfig::BreakerNode(config) => {
                self.guest.tidegate_policy_nodes().circuit_breaker_node().call_open(&mut self.store, config)?
            }
        };
        Ok(result.inspect(|resource| {
            let policy = Arc::downgrade(opened);
            self.open[place] = Some(Handle { serial: opened.serial, policy, resource: *resource });
        }))
    }

    fn open_share(
        &mut self,
        config: &rate_limiter::Config,
        hosts: u32,
    ) -> wasmtime::Result<Result<ResourceAny, Vec<Problem>>> {
        let limiters = self.guest.tidegate_policy_rate_limiter().limiter();
        let whole = match limiters.call_open(&mut self.store, config)? {
            Ok(whole) => whole,
            Err(problems) => return Ok(Err(problems)),
        };
        let share = limiters.call_share(&mut self.store, whole, hosts)?;
        whole.resource_drop(&mut self.store)?;
        Ok(share)
    }

    #[cold]
    fn close_dropped(&mut self) -> wasmtime::Result<()> {
        for place in 0..self.open.len() {
            if self.open[place].as_ref().is_some_and(|handle| handle.policy.strong_count() == 0) {
                self.close(place)?;
            }
        }
        Ok(())
    }

    fn close(&mut self, place: usize) -> wasmtime::Result<()> {
        match self.open[place].take() {
            Some(handle) => handle.resource.resource_drop(&mut self.store),
            None => Ok(()),
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.counters.dropped();
    }
}
