//! What all parts of a ledger share: the lanes and what they are driven by.

use std::fmt::Debug;
use std::sync::{Arc, OnceLock, Weak};

use tokio::sync::oneshot;

use super::counters::Counters;
use super::driven::{Driven, TakeBack, Untaken};
use super::lanes::Lanes;
use super::offset::Offset;
use super::options::Options;
use crate::away::{Debts, Watches};
use crate::call::AnyCall;
use crate::clock::Clock;
use crate::error::Error;
use crate::key::EntityKey;
use crate::runtime::Runtime;
use crate::store::{BoxFuture, Store};

/// Takes what waits in a lane to the store.
pub(super) trait Drive: Debug + Send + Sync {
    /// Drives a lane until nothing waits there.
    fn drive(self: Arc<Self>, key: Arc<EntityKey>) -> BoxFuture<'static, ()>;
}

/// The lanes of a ledger, and all that their runs and commits need.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) runtime: Arc<Runtime>,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) watches: Arc<Watches>,
    pub(super) options: Options,
    pub(super) offset: Offset,
    pub(super) lanes: Lanes,
    /// What was let go without the store. It is posted before the next call on its entity.
    pub(super) debts: Debts<AnyCall>,
    pub(super) counters: Counters,
    driver: OnceLock<Weak<dyn Drive>>,
}

impl Shared {
    pub(super) fn new(
        runtime: Arc<Runtime>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        watches: Arc<Watches>,
        options: Options,
    ) -> Self {
        let lanes = Lanes::new(options.max_known, options.max_batch);
        let debts = Debts::new(options.max_known);
        let (offset, counters, driver) = (Offset::default(), Counters::default(), OnceLock::new());
        Self { runtime, store, clock, watches, options, offset, lanes, debts, counters, driver }
    }

    /// What drives the lanes, which is made of this.
    pub(super) fn driven_by(&self, driver: &Arc<impl Drive + 'static>) {
        let driver: Arc<dyn Drive> = Arc::clone(driver) as Arc<dyn Drive>;
        let _ = self.driver.set(Arc::downgrade(&driver));
    }

    /// Drives a lane until nothing waits there.
    pub(super) fn drive(&self, key: Arc<EntityKey>) -> BoxFuture<'static, ()> {
        match self.keep_driver() {
            Some(driver) => driver.drive(key),
            // The ledger is gone, and all that waited with it.
            None => Box::pin(std::future::ready(())),
        }
    }

    /// Keeps the driver there for a task that outlives the handles of a ledger.
    pub(super) fn keep_driver(&self) -> Option<Arc<dyn Drive>> {
        self.driver.get().and_then(Weak::upgrade)
    }

    /// Adds a call to its lane. True: the caller must have the lane driven.
    pub(super) fn push(&self, key: &Arc<EntityKey>, call: AnyCall) -> bool {
        self.lanes.push(key, call, || self.about_us())
    }

    /// Adds a call to its lane, behind what is owed for its entity, and waits for the answer.
    pub(super) fn submit<A, U: TakeBack<A>>(
        &self,
        key: Arc<EntityKey>,
        (call, answer): (AnyCall, oneshot::Receiver<Result<A, Error>>),
        unheard: Option<U>,
    ) -> Driven<A, U> {
        let posts = self.debt(&key).is_some_and(|debt| self.push(&key, debt));
        let leads = posts | self.push(&key, call);
        Driven::new(leads.then(|| self.drive(key)), answer, unheard)
    }

    /// Waits until all calls of a lane are done, and all that these add to it.
    pub(super) fn settle_lane(self: Arc<Self>, key: Arc<EntityKey>) -> impl Future<Output = ()> + Send {
        let driver = self.keep_driver();
        async move {
            for _ in 0..2 {
                self.settle_once(Arc::clone(&key)).await;
            }
            drop(driver);
        }
    }

    /// Waits until all calls of a lane are done.
    pub(super) async fn settle_once(&self, key: Arc<EntityKey>) {
        let (wait, answer) = AnyCall::wait();
        let leads = self.push(&key, wait);
        // A failure is told by the calls that waited there.
        let _ = Driven::<(), Untaken>::new(leads.then(|| self.drive(key)), answer, None).await;
    }

    /// What posts the debt of a key.
    fn debt(&self, key: &EntityKey) -> Option<AnyCall> {
        if self.debts.is_empty() {
            return None;
        }
        self.debts.take(key, self.watches.steady().now_us()).map(|debt| posting(debt.call, debt.cost))
    }

    /// About the time of the store, to tell what has expired.
    pub(super) fn about_us(&self) -> u64 {
        self.offset.store_us(self.clock.now_us()).unwrap_or(0)
    }
}

/// The call that posts this much.
pub(super) fn posting(mut call: AnyCall, cost: u32) -> AnyCall {
    if let Some(owed) = call.owed() {
        *owed.cost = cost;
    }
    call
}
