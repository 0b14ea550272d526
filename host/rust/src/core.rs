//! What all handles of one [`Tidegate`](crate::Tidegate) share.

use std::cell::RefCell;
use std::sync::Arc;

use crate::call::{Answer, Request};
use crate::clock::Clock;
use crate::error::Error;
use crate::key::Namespace;
use crate::ledger::Ledger;
use crate::runtime::{Policy, Runtime};
use crate::store::Memory;

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
}

thread_local! {
    /// Where a key is spelt out to look its entity up, so that a decision on the memory store allocates nothing.
    static TAG: RefCell<String> = const { RefCell::new(String::new()) };
}

impl Core {
    pub(crate) fn new(runtime: Arc<Runtime>, backend: Backend, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { runtime, backend, clock })
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
            Backend::Shared(_) => Err(Error::Misuse("only the memory store can be called without waiting".to_owned())),
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
}
