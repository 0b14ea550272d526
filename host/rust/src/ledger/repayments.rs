//! What could not be done while the store was away, and is made good when it is back: debts are
//! posted, and what was to settle in the background is sent after all.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch::Receiver;
use tokio::task::JoinSet;

use super::driven::Untaken;
use super::settler::Settler;
use super::shared::{Shared, posting};
use crate::away::Debt;
use crate::call::AnyCall;
use crate::error::Error;
use crate::key::EntityKey;

/// How much background work is kept for when the store is back. More is lost, and counted.
const MAX_PARKED: usize = 4_096;
/// How many debts are on their way together.
const TOGETHER: usize = 32;
/// After this time it is tried again, if nothing was heard of the store.
const RETRY: Duration = Duration::from_millis(500);

/// What is to be made good.
#[derive(Debug)]
pub(super) struct Repayments {
    shared: Arc<Shared>,
    settler: Settler,
    /// Work that was never sent, of callers who do not wait.
    parked: Mutex<VecDeque<(Arc<EntityKey>, AnyCall)>>,
    /// Whether a task is at work on it.
    is_at_work: AtomicBool,
    /// Locked by who makes good, so that whoever flushes waits for what is on its way already.
    turn: tokio::sync::Mutex<()>,
}

impl Repayments {
    pub(super) fn new(shared: &Arc<Shared>, settler: &Settler) -> Self {
        Self {
            shared: Arc::clone(shared),
            settler: settler.clone(),
            parked: Mutex::default(),
            is_at_work: AtomicBool::new(false),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// Keeps what nobody waits for until the store is back.
    pub(super) fn keep(self: &Arc<Self>, key: &Arc<EntityKey>, call: AnyCall) {
        let Some(call) = self.owe(key, call) else { return };
        let mut parked = self.parked.lock();
        if parked.len() >= MAX_PARKED {
            drop(parked);
            return self.lose(key, &Error::Misuse("too much came together while the store was away".to_owned()));
        }
        parked.push_back((Arc::clone(key), call));
        drop(parked);
        self.begin();
    }

    /// Adds a debt. Gives the call back if it does not post one.
    pub(super) fn owe(self: &Arc<Self>, key: &Arc<EntityKey>, mut call: AnyCall) -> Option<AnyCall> {
        let Some(owed) = call.owed() else { return Some(call) };
        let (cost, counts_for_us) = (*owed.cost, owed.counts_for_us);
        if cost == 0 {
            return None;
        }
        let debt = Debt { key: Arc::clone(key), call, cost, counts_for_us };
        if !self.shared.debts.add(debt, self.shared.watches.steady().now_us()) {
            self.shared.counters.lost.fetch_add(1, Ordering::Relaxed);
        }
        self.begin();
        None
    }

    /// What nobody waited for has failed. A debt is owed again; all else is lost.
    pub(super) fn failed(self: &Arc<Self>, key: &Arc<EntityKey>, mut call: AnyCall, error: &Error) {
        call.tell_end(Err(error.clone()));
        if self.owe(key, call).is_some() {
            self.lose(key, error);
        }
    }

    fn lose(&self, key: &EntityKey, error: &Error) {
        self.shared.counters.lost.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(%error, entity = %key, "what was to settle in the background is lost");
    }

    fn is_empty(&self) -> bool {
        self.shared.debts.is_empty() && self.parked.lock().is_empty()
    }

    /// Sees to it that a task makes good what is to be made good, as soon as the store is back.
    fn begin(self: &Arc<Self>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if !self.is_at_work.swap(true, Ordering::AcqRel) {
            let (of_store, clock) = (self.shared.watches.subscribe(), Arc::clone(&self.shared.clock));
            let delay = self.shared.options.flush_delay;
            let at_work = AtWork(Arc::downgrade(self));
            runtime.spawn(async move {
                // What comes together goes out together.
                clock.sleep(delay).await;
                work(at_work, of_store).await;
            });
        }
    }

    /// Makes good what it can now.
    pub(super) async fn make_good(&self) {
        let _turn = self.turn.lock().await;
        self.send_parked();
        let Shared { debts, watches, .. } = &*self.shared;
        loop {
            let now_us = watches.steady().now_us();
            let due = debts.take_some(TOGETHER, now_us, |key| watches.is_available(key));
            if due.is_empty() {
                return;
            }
            let mut posts = JoinSet::new();
            for debt in due {
                posts.spawn(post(Arc::clone(&self.shared), debt));
            }
            let all_posted = posts.join_all().await.into_iter().all(|posted| posted);
            if !all_posted {
                return;
            }
        }
    }

    /// Sends what was kept to its lanes, to settle in the background after all.
    fn send_parked(&self) {
        let parked = std::mem::take(&mut *self.parked.lock());
        let is_available = |(key, _): &(Arc<EntityKey>, AnyCall)| self.shared.watches.is_available(key);
        let (due, kept): (VecDeque<_>, VecDeque<_>) = parked.into_iter().partition(is_available);
        for (key, call) in due {
            self.settler.defer(key, call, false);
        }
        self.parked.lock().extend(kept);
    }
}

/// Posts a debt. False: it was not posted, and is owed again.
async fn post(shared: Arc<Shared>, debt: Debt<AnyCall>) -> bool {
    let call = posting(debt.call, debt.cost);
    shared.submit::<(), Untaken>(debt.key, call.watched(), None).await.is_ok()
}

/// The task at work. Dropped with the task, finished or not, so that another can take its place.
struct AtWork(Weak<Repayments>);

impl Drop for AtWork {
    fn drop(&mut self) {
        if let Some(repayments) = self.0.upgrade() {
            repayments.is_at_work.store(false, Ordering::Release);
        }
    }
}

/// Makes good until nothing is left, or the ledger is gone.
async fn work(at_work: AtWork, mut of_store: Receiver<u64>) {
    loop {
        of_store.mark_unchanged();
        let Some(repayments) = at_work.0.upgrade() else { return };
        // Kept until all that is sent now has its end, also where the ledger is dropped meanwhile.
        let Some(driver) = repayments.shared.keep_driver() else { return };
        repayments.make_good().await;
        drop(driver);
        if repayments.is_empty() {
            drop(at_work);
            // Something may have come while this task was taking its leave.
            if !repayments.is_empty() {
                repayments.begin();
            }
            return;
        }
        let clock = Arc::clone(&repayments.shared.clock);
        drop(repayments);
        tokio::select! {
            changed = of_store.changed() => if changed.is_err() { return },
            () = clock.sleep(RETRY) => {}
        }
    }
}
