//! What every store must do, whatever it is made of. Each function shows one behaviour on entities
//! of its own, so all may run on one store, one after the other or at once.

mod model;
mod semantics;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tidegate::key::EntityKey;
use tidegate::store::{BoxFuture, Commit, Op, Outcome, Reply, Seen, Store, Value};

pub use self::model::{Batch, Model, batches, follows_the_model};

/// A store under test and the passing of its time.
pub trait Subject: Send + Sync {
    /// The store.
    fn store(&self) -> &dyn Store;

    /// Returns once the store's clock has gone on by this many milliseconds.
    fn pass_ms(&self, ms: u64) -> BoxFuture<'_, ()>;
}

/// Runs the whole suite.
///
/// # Panics
/// If the store fails it; the message names the behaviour.
pub async fn run(subject: &dyn Subject) {
    semantics::run(subject).await;
}

/// An entity that no other test has.
pub fn new_entity() -> Arc<EntityKey> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    Arc::new(EntityKey::new("test", &std::process::id().to_string(), &count.to_string()))
}

/// One entity of a store, to commit to at the store's present time.
#[derive(Debug, Clone)]
pub struct Bench<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// The entity.
    pub entity: Arc<EntityKey>,
}

impl<'a> Bench<'a> {
    /// A new entity of a store.
    pub fn new(store: &'a dyn Store) -> Self {
        Self { store, entity: new_entity() }
    }

    /// Commits operations on the entity's fields 0 to 3, which are cells 0 to 3.
    ///
    /// # Panics
    /// If the store does not answer.
    pub async fn commit(&self, ops: Vec<Op>) -> Reply {
        let at_us = self.store.time_us().await.expect("the store tells its time");
        self.commit_at(at_us, ops).await
    }

    /// Like [`Self::commit`], at a time of the caller's.
    ///
    /// # Panics
    /// If the store does not answer.
    pub async fn commit_at(&self, at_us: u64, ops: Vec<Op>) -> Reply {
        let cells = (0..4).map(|field| (0, field)).collect();
        let commit = Commit { at_us, entities: vec![Arc::clone(&self.entity)], cells, ops };
        self.store.commit(&commit).await.expect("the store answers")
    }

    /// Commits and expects to be applied.
    ///
    /// # Panics
    /// If the commit is not applied.
    pub async fn apply(&self, ops: Vec<Op>) -> Vec<Seen> {
        match self.commit(ops).await.outcome {
            Outcome::Applied(seen) => seen,
            other => panic!("not applied: {other:?}"),
        }
    }

    /// Commits and expects to be refused; the true values.
    ///
    /// # Panics
    /// If the commit is not refused.
    pub async fn refusal(&self, ops: Vec<Op>) -> Vec<Option<String>> {
        match self.commit(ops).await.outcome {
            Outcome::Refused(values) => values.iter().map(|value| value.as_deref().map(ToOwned::to_owned)).collect(),
            other => panic!("not refused: {other:?}"),
        }
    }

    /// What a cell holds.
    ///
    /// # Panics
    /// If the store does not say.
    pub async fn value(&self, cell: usize) -> Option<String> {
        match self.apply(vec![Op::Observe { cell }]).await.pop() {
            Some(Seen::Value(value)) => value.as_deref().map(ToOwned::to_owned),
            other => panic!("no value: {other:?}"),
        }
    }
}

/// A `Get` of cell `cell` that was told `expected`.
pub fn get(cell: usize, expected: Option<&str>) -> Op {
    Op::Get { cell, expected: expected.map(Value::from) }
}

/// A `Put` that lives for a minute.
pub fn put(cell: usize, value: Option<&str>) -> Op {
    Op::Put { cell, value: value.map(Value::from), ttl_ms: 60_000 }
}

/// An `Advance` that lives for a minute and was told `fits`, once.
pub fn advance(cell: usize, step: u64, floor: u64, ceiling: u64, fits: bool) -> Op {
    advance_times(1, cell, step, floor, ceiling, fits)
}

/// Like [`advance`], this many times over.
pub fn advance_times(repeat: u64, cell: usize, step: u64, floor: u64, ceiling: u64, fits: bool) -> Op {
    Op::Advance { cell, step, floor, ceiling, ttl_ms: 60_000, fits, repeat }
}

/// A `Retreat`.
pub fn retreat(cell: usize, step: u64, floor: u64) -> Op {
    Op::Retreat { cell, step, floor }
}

/// A `Raise` whose value lives for a minute.
pub fn raise(cell: usize, to: u64) -> Op {
    Op::Raise { cell, to, ttl_ms: 60_000 }
}

/// Polls all futures in turn until each has ended.
pub async fn futures_in_step<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(move |context| {
        for (future, output) in &mut futures {
            if output.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *output = Some(value);
            }
        }
        if futures.iter().all(|(_, output)| output.is_some()) {
            std::task::Poll::Ready(futures.iter_mut().filter_map(|(_, output)| output.take()).collect())
        } else {
            std::task::Poll::Pending
        }
    })
    .await
}
