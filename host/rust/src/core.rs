//! What all handles of one [`Tidegate`](crate::Tidegate) share.

use std::cell::RefCell;
use std::sync::Arc;

use crate::background::Background;
use crate::call::Listed;
use crate::clock::Clock;
use crate::error::Error;
use crate::key::Namespace;
use crate::ledger::Ledger;
use crate::runtime::{Policy, Runtime};
use crate::store::Memory;
use crate::store::memory::{Seat, Several};
use crate::strategy;
use crate::transaction::Transaction;

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
    /// Whether calls are answered by what stands.
    stands: bool,
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
    pub(crate) fn new(runtime: Arc<Runtime>, backend: Backend, clock: Arc<dyn Clock>, stands: bool) -> Arc<Self> {
        Arc::new(Self { runtime, backend, clock, background: Background::new(), stands })
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
    pub(crate) async fn call<S: Listed>(
        &self,
        namespace: &Namespace,
        key: &str,
        policy: &Policy<S>,
        request: S::Request,
    ) -> Result<S::Answer, Error> {
        match &self.backend {
            Backend::Memory(memory) => self.call_here(memory, namespace, key, policy, &request),
            Backend::Shared(ledger) => ledger.call(namespace.entity(key), policy, request).await,
        }
    }

    /// Makes several calls, each on the key beside it, as one by one in their order.
    pub(crate) async fn call_many<S: Listed>(
        &self,
        namespace: &Namespace,
        policy: &Policy<S>,
        calls: &[(&str, S::Request)],
    ) -> Vec<Result<S::Answer, Error>> {
        match &self.backend {
            Backend::Memory(memory) => self.call_many_here(memory, namespace, policy, calls),
            Backend::Shared(ledger) => {
                let calls = calls.iter().map(|(key, request)| (namespace.entity(key), request.clone()));
                ledger.call_many(policy, calls.collect()).await
            }
        }
    }

    /// Makes several calls on the memory store.
    pub(crate) fn call_many_now<S: Listed>(
        &self,
        namespace: &Namespace,
        policy: &Policy<S>,
        calls: &[(&str, S::Request)],
    ) -> Vec<Result<S::Answer, Error>> {
        match &self.backend {
            Backend::Memory(memory) => self.call_many_here(memory, namespace, policy, calls),
            Backend::Shared(_) => calls.iter().map(|_| Err(needs_waiting())).collect(),
        }
    }

    /// Takes an outcome in, which may settle later.
    pub(crate) async fn record<S: Listed>(
        &self,
        namespace: &Namespace,
        key: &str,
        policy: &Policy<S>,
        request: S::Request,
    ) -> Result<S::Answer, Error> {
        match &self.backend {
            Backend::Memory(memory) => self.call_here(memory, namespace, key, policy, &request),
            Backend::Shared(ledger) => ledger.record(namespace.entity(key), policy, request).await,
        }
    }

    /// Makes a call on the memory store.
    pub(crate) fn call_now<S: Listed>(
        &self,
        namespace: &Namespace,
        key: &str,
        policy: &Policy<S>,
        request: &S::Request,
    ) -> Result<S::Answer, Error> {
        match &self.backend {
            Backend::Memory(memory) => self.call_here(memory, namespace, key, policy, request),
            Backend::Shared(_) => Err(needs_waiting()),
        }
    }

    fn call_here<S: Listed>(
        &self,
        memory: &Memory,
        namespace: &Namespace,
        key: &str,
        policy: &Policy<S>,
        request: &S::Request,
    ) -> Result<S::Answer, Error> {
        let now_us = self.clock.now_us();
        TAG.with_borrow_mut(|tag| {
            tag.clear();
            namespace.write_tag(key, tag);
            if !self.stands {
                let run = |transaction: &mut Transaction| strategy::run(request, &self.runtime, policy, transaction);
                return Ok(memory.run(tag, now_us, run)??);
            }
            Ok(memory.run_or_stand(tag, now_us, |transaction, standing| {
                strategy::answer(request, &self.runtime, policy, transaction, standing)
            })??)
        })
    }

    fn call_many_here<S: Listed>(
        &self,
        memory: &Memory,
        namespace: &Namespace,
        policy: &Policy<S>,
        calls: &[(&str, S::Request)],
    ) -> Vec<Result<S::Answer, Error>> {
        let mut answers = Vec::with_capacity(calls.len());
        for calls in calls.chunks(TOGETHER) {
            SEVERAL.with_borrow_mut(|several| {
                let together = self.run_together(memory, several, namespace, policy, calls);
                let mut together = together.into_iter();
                answers.extend(calls.iter().zip(several.seats()).map(|((key, request), seat)| {
                    let alone = || self.call_here(memory, namespace, key, policy, request);
                    seat.and_then(|_| together.next()).map_or_else(alone, Ok)
                }));
            });
        }
        answers
    }

    /// The answers of all that have a part in a run of several. `None`: the run trapped.
    fn run_together<S: Listed>(
        &self,
        memory: &Memory,
        several: &mut Several,
        namespace: &Namespace,
        policy: &Policy<S>,
        calls: &[(&str, S::Request)],
    ) -> Vec<S::Answer> {
        several.clear();
        for (key, _) in calls {
            several.push(|tag| namespace.write_tag(key, tag));
        }
        let run = |transaction: &mut Transaction, seats: &[Seat]| {
            let requests = calls.iter().map(|(_, request)| request).zip(seats);
            let requests: Vec<_> = requests.filter_map(|(request, seat)| Some(((*seat)?, request))).collect();
            strategy::run_many(&requests, &self.runtime, policy, transaction)
        };
        memory.run_many(several, self.clock.now_us(), run).unwrap_or_default()
    }
}
