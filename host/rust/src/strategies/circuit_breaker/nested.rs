//! Guarded calls within guarded calls: one on the same circuit goes with the permit of the outer
//! one. It would need another else, and a circuit that admits one probe would refuse what its probe
//! does, and never close.

use std::future::Future;
use std::sync::Arc;

use crate::core::Core;
use crate::key::EntityKey;

tokio::task_local! {
    /// The guarded calls that this task is in.
    static CALLS: Arc<Within>;
}

/// A circuit: where it is kept, and which it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Circuit {
    core: usize,
    key: EntityKey,
}

#[derive(Debug)]
struct Within {
    circuit: Circuit,
    outer: Option<Arc<Within>>,
}

impl Circuit {
    pub(crate) fn new(core: &Arc<Core>, key: EntityKey) -> Self {
        Self { core: Arc::as_ptr(core).addr(), key }
    }

    /// Whether this task is in a guarded call of it.
    pub(crate) fn is_entered(&self) -> bool {
        let entered = |calls: &Arc<Within>| {
            let mut calls = std::iter::successors(Some(&**calls), |within| within.outer.as_deref());
            calls.any(|within| within.circuit == *self)
        };
        CALLS.try_with(entered).unwrap_or(false)
    }

    /// The work of a guarded call of it. What the work spawns is not in it.
    pub(crate) fn enter<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        let outer = CALLS.try_with(Arc::clone).ok();
        CALLS.scope(Arc::new(Within { circuit: self, outer }), work)
    }
}
