//! What all handles of one [`Tidegate`](crate::Tidegate) share.

use std::cell::RefCell;
use std::sync::Arc;

use crate::background::Background;
use crate::call::{Answer, Request};
use crate::clock::Clock;
use crate::error::Error;
use crate::key::Namespace;
use crate::ledger::Ledger;
use crate::rate_limiter::Ask;
use crate::runtime::wit::rate_limiter as wit;
use crate::runtime::{Policy, Runtime};
use crate::store::Memory;
use crate::store::memory::{Seat, Several};
use crate::transaction::Transaction;

/// What an entity is an entity of; the first part of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    RateLimiter,
    CircuitBreaker,
}

impl Kind {
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::RateLimiter => "rl",
            Self::CircuitBreaker => "cb",
        }
    }
}

/// Where the entities are.
#[derive(Debug)]
pub(crate) enum Backend {
    /// Here: a policy runs on the true cells.
    Memory(Memory),
    /// Elsewhere: behind a ledger.
    Shared(Arc<Ledger>),
}

#[derive(Debug)]
pub(crate) struct Core {
    runtime: Arc<Runtime>,
    backend: Backend,
    clock: Arc<dyn Clock>,
    background: Arc<Background>,
}

/// How many calls are run together at most, so that no run takes long.
const TOGETHER: usize = 256;

fn needs_waiting() -> Error {
    Error::Misuse("only the memory store can be called without waiting".to_owned())
}

thread_local! {
    /// What several calls at once need.
    static SEVERAL: RefCell<Several> = RefCell::default();
    /// Where a key is spelt out to look its entity up, so that a decision on the memory store
    /// allocates nothing.
    static TAG: RefCell<String> = const { RefCell::new(String::new()) };
}

impl Core {
    pub(crate) fn new(runtime: Arc<Runtime>, backend: Backend, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { runtime, backend, clock, background: Background::new() })
    }

    pub(crate) fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    pub(crate) fn backend(&self) -> &Backend {
        &self.backend
    }

    /// The ledger, where the store is shared.
    pub(crate) fn ledger(&self) -> Option<&Arc<Ledger>> {
        match &self.backend {
            Backend::Memory(_) => None,
            Backend::Shared(ledger) => Some(ledger),
        }
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn background(&self) -> &Arc<Background> {
        &self.background
    }

    /// Makes a call, wherever the entity is. Dropping the future undoes it.
    pub(crate) async fn call(
        &self,
        namespace: &Namespace,
        key: &str,
        policy: &Policy,
        request: Request,
    ) -> Result<Answer, Error> {
        match &self.backend {
            Backend::Memory(memory) => self.call_here(memory, namespace, key, policy, &request),
            Backend::Shared(ledger) => ledger.call(namespace.entity(key), policy, request).await,
        }
    }

    /// Asks for permits for several keys, as one by one in their order.
    pub(crate) async fn try_acquire_many(
        &self,
        namespace: &Namespace,
        policy: &Policy,
        asks: &[Ask<'_>],
    ) -> Vec<Result<Answer, Error>> {
        match &self.backend {
            Backend::Memory(memory) => self.try_acquire_many_here(memory, namespace, policy, asks),
            Backend::Shared(ledger) => {
                let request = |ask: &Ask<'_>| (namespace.entity(ask.key), Request::TryAcquire { cost: ask.cost });
                ledger.call_many(policy, asks.iter().map(request)).await
            }
        }
    }

    /// Asks for permits for several keys on the memory store.
    pub(crate) fn try_acquire_many_now(
        &self,
        namespace: &Namespace,
        policy: &Policy,
        asks: &[Ask<'_>],
    ) -> Vec<Result<Answer, Error>> {
        match &self.backend {
            Backend::Memory(memory) => self.try_acquire_many_here(memory, namespace, policy, asks),
            Backend::Shared(_) => asks.iter().map(|_| Err(needs_waiting())).collect(),
        }
    }

    /// Takes an outcome in, which may settle later.
    pub(crate) async fn record(
        &self,
        namespace: &Namespace,
        key: &str,
        policy: &Policy,
        request: Request,
    ) -> Result<Answer, Error> {
        match &self.backend {
            Backend::Memory(memory) => self.call_here(memory, namespace, key, policy, &request),
            Backend::Shared(ledger) => ledger.record(namespace.entity(key), policy, request).await,
        }
    }

    /// Makes a call on the memory store.
    pub(crate) fn call_now(
        &self,
        namespace: &Namespace,
        key: &str,
        policy: &Policy,
        request: &Request,
    ) -> Result<Answer, Error> {
        match &self.backend {
            Backend::Memory(memory) => self.call_here(memory, namespace, key, policy, request),
            Backend::Shared(_) => Err(needs_waiting()),
        }
    }

    fn call_here(
        &self,
        memory: &Memory,
        namespace: &Namespace,
        key: &str,
        policy: &Policy,
        request: &Request,
    ) -> Result<Answer, Error> {
        let now_us = self.clock.now_us();
        TAG.with_borrow_mut(|tag| {
            tag.clear();
            namespace.write_tag(key, tag);
            Ok(memory.run(tag, now_us, |transaction| request.run(&self.runtime, policy, transaction))??)
        })
    }

    fn try_acquire_many_here(
        &self,
        memory: &Memory,
        namespace: &Namespace,
        policy: &Policy,
        asks: &[Ask<'_>],
    ) -> Vec<Result<Answer, Error>> {
        let mut answers = Vec::with_capacity(asks.len());
        for asks in asks.chunks(TOGETHER) {
            SEVERAL.with_borrow_mut(|several| {
                let together = self.run_together(memory, several, namespace, policy, asks);
                let mut together = together.into_iter();
                answers.extend(asks.iter().zip(several.seats()).map(|(ask, seat)| {
                    let request = Request::TryAcquire { cost: ask.cost };
                    let alone = || self.call_here(memory, namespace, ask.key, policy, &request);
                    seat.and_then(|_| together.next()).map_or_else(alone, Ok)
                }));
            });
        }
        answers
    }

    /// The answers of all that have a part in a run of several; none, if that trapped.
    fn run_together(
        &self,
        memory: &Memory,
        several: &mut Several,
        namespace: &Namespace,
        policy: &Policy,
        asks: &[Ask<'_>],
    ) -> Vec<Answer> {
        several.clear();
        for ask in asks {
            several.push(|tag| namespace.write_tag(ask.key, tag));
        }
        let run = |transaction: &mut Transaction, seats: &[Seat]| {
            let asks: Vec<wit::Ask> = asks.iter().zip(seats).filter_map(seated).collect();
            Request::try_acquire_many(&asks, &self.runtime, policy, transaction)
        };
        memory.run_many(several, self.clock.now_us(), run).unwrap_or_default()
    }
}

/// What a call that has a part in a run of several asks for.
fn seated((ask, seat): (&Ask<'_>, &Seat)) -> Option<wit::Ask> {
    seat.map(|entity| wit::Ask { entity, cost: ask.cost })
}
