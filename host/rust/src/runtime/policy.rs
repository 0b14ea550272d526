//! Policies: configurations that the component has checked.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::exports::{Configured, Exports, Open};

/// A checked configuration of an interface of the component. Cheap to clone. Each instance opens it
/// when it first runs it, and closes it some time after the last clone is gone.
pub(crate) struct Policy<E> {
    pub(super) opened: Arc<Opened>,
    exports: PhantomData<fn() -> E>,
}

impl<E> Policy<E> {
    /// Its number, which no other policy has had or will have.
    pub(crate) fn serial(&self) -> u64 {
        self.opened.serial
    }

    /// Whether it is the very same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.opened, &other.opened)
    }
}

impl<E> Clone for Policy<E> {
    fn clone(&self) -> Self {
        Self { opened: Arc::clone(&self.opened), exports: PhantomData }
    }
}

impl<E> fmt::Debug for Policy<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.opened.fmt(f)
    }
}

#[derive(Debug)]
pub(super) struct Opened {
    /// No other policy has had or will have it.
    pub(super) serial: u64,
    /// No other living policy has it, and it is as small as can be.
    pub(super) index: usize,
    pub(super) config: Box<dyn Open>,
    ids: Arc<PolicyIds>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.ids.indices.lock().free.push(self.index);
        self.ids.dropped.fetch_add(1, Ordering::Release);
    }
}

/// Hands out the numbers of policies.
#[derive(Debug, Default)]
pub(super) struct PolicyIds {
    indices: Mutex<Indices>,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Indices {
    free: Vec<usize>,
    next: usize,
}

impl PolicyIds {
    pub(super) fn add<E: Exports>(self: &Arc<Self>, config: E::Config) -> Policy<E> {
        // One count for the whole process, so that a policy of another runtime is never taken for
        // one of ours.
        static SERIALS: AtomicU64 = AtomicU64::new(0);
        let serial = SERIALS.fetch_add(1, Ordering::Relaxed);
        let index = self.indices.lock().take();
        let config = Box::new(Configured::<E>::new(config));
        let opened = Opened { serial, index, config, ids: Arc::clone(self) };
        Policy { opened: Arc::new(opened), exports: PhantomData }
    }

    /// How many policies have gone, so that an instance sees by one read whether it has any to
    /// close.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Acquire)
    }
}

impl Indices {
    fn take(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        })
    }
}
