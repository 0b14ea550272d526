//! What could not be done while the store was away, and is made good when it is back: debts are
//! posted, and what was to settle in the background is sent after all.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Ledger;
use super::lanes::{Call, Work};
use crate::away::{Debt, Debts};
use crate::call::{Answer, Request};
use crate::error::Error;
use crate::key::EntityKey;
use crate::runtime::Policy;
use crate::store::StoreError;

/// How much background work is kept for when the store is back. More is lost, and counted.
const MAX_ASIDE: usize = 4_096;
/// How many debts are on their way together.
const TOGETHER: usize = 32;
/// After so long it is tried again, if nothing was heard of the store.
const RETRY: Duration = Duration::from_millis(500);

/// What is to be made good.
#[derive(Debug)]
pub(super) struct Amends {
    debts: Debts,
    /// Work that was never sent, of callers who do not wait.
    aside: Mutex<VecDeque<(Arc<EntityKey>, Work)>>,
    /// Whether a task is at work on it.
    is_at_work: AtomicBool,
    /// Held by who makes good, so that whoever flushes waits for what is on its way already.
    turn: tokio::sync::Mutex<()>,
}

impl Amends {
    /// Debts of so many keys at most.
    pub(super) fn new(keys: usize) -> Self {
        Self {
            debts: Debts::new(keys),
            aside: Mutex::default(),
            is_at_work: AtomicBool::new(false),
            turn: tokio::sync::Mutex::default(),
        }
    }

    fn is_empty(&self) -> bool {
        self.debts.is_empty() && self.aside.lock().is_empty()
    }
}

impl Ledger {
    /// `cost` permits were let go without the store.
    pub(crate) fn owe(self: &Arc<Self>, key: EntityKey, policy: &Policy, cost: u32) {
        if cost > 0 {
            self.add_debt(Debt { key: Arc::new(key), policy: policy.clone(), cost });
            self.make_amends();
        }
    }

    /// Permits that were let go without the store were not used.
    pub(crate) fn forgive(&self, key: &EntityKey, cost: u32) {
        self.amends.debts.forgive(key, cost);
    }

    fn add_debt(&self, debt: Debt) {
        if !self.amends.debts.add(debt, self.watches.steady().now_us()) {
            self.counters.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What posts the debt of a key, to be put in line before its next call.
    pub(super) fn post_first(&self, key: &EntityKey) -> Option<Call> {
        if self.amends.debts.is_empty() {
            return None;
        }
        let debt = self.amends.debts.take(key, self.watches.steady().now_us())?;
        Some(Call { work: Some(post(debt.policy, debt.cost)), reply: None })
    }

    /// If the watch turns it away now, keeps what nobody need wait for until the store is back.
    /// True: it did.
    pub(crate) fn keeps(self: &Arc<Self>, key: &EntityKey, policy: &Policy, request: &Request) -> bool {
        let refused = self.watches.refusal(key).is_some();
        if refused {
            self.set_aside(Arc::new(key.clone()), (policy.clone(), request.clone()));
        }
        refused
    }

    /// A batch was turned away before it was sent.
    pub(super) fn turn_away(self: &Arc<Self>, key: &Arc<EntityKey>, batch: Vec<Call>, error: &StoreError) {
        for call in batch {
            match (call.reply, call.work) {
                // One who has gone away was given nothing.
                (Some(caller), _) => drop(caller.send(Err(error.clone().into()))),
                (None, Some(work)) => self.set_aside(Arc::clone(key), work),
                (None, None) => {}
            }
        }
    }

    /// What nobody waited for is done, or failed.
    pub(super) fn unheard(self: &Arc<Self>, key: &Arc<EntityKey>, work: Option<Work>, answer: Result<Answer, Error>) {
        match (work, answer) {
            (Some((_, Request::Post { cost })), Ok(_)) => {
                self.counters.posted.fetch_add(u64::from(cost), Ordering::Relaxed);
            }
            (Some((policy, Request::Post { cost })), Err(_)) => self.owe(EntityKey::clone(key), &policy, cost),
            (_, Ok(_)) => {}
            (_, Err(error)) => self.lose(key, &error),
        }
    }

    fn lose(&self, key: &EntityKey, error: &Error) {
        self.counters.lost.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(%error, entity = %key, "what was to settle in the background is lost");
    }

    fn set_aside(self: &Arc<Self>, key: Arc<EntityKey>, work: Work) {
        if let (policy, Request::Post { cost }) = work {
            return self.owe(EntityKey::clone(&key), &policy, cost);
        }
        let mut aside = self.amends.aside.lock();
        if aside.len() >= MAX_ASIDE {
            drop(aside);
            return self.lose(&key, &Error::Misuse("too much came together while the store was away".to_owned()));
        }
        aside.push_back((key, work));
        drop(aside);
        self.make_amends();
    }

    /// Sees to it that a task makes good what is to be made good, as soon as the store is back.
    fn make_amends(self: &Arc<Self>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if !self.amends.is_at_work.swap(true, Ordering::AcqRel) {
            let (changes, clock) = (self.watches.subscribe(), Arc::clone(&self.clock));
            let delay = self.options.flush_delay;
            let at_work = AtWork(Arc::downgrade(self));
            runtime.spawn(async move {
                // What comes together goes out together.
                clock.sleep(delay).await;
                work(at_work, changes).await;
            });
        }
    }

    /// Makes good what it can now.
    pub(super) async fn amend(self: &Arc<Self>) {
        let _turn = self.amends.turn.lock().await;
        self.send_aside();
        loop {
            let now_us = self.watches.steady().now_us();
            let debts = self.amends.debts.take_some(TOGETHER, now_us, |key| self.watches.is_available(key));
            if debts.is_empty() {
                return;
            }
            let mut posts = JoinSet::new();
            for debt in debts {
                posts.spawn(Arc::clone(self).post(debt));
            }
            let all_posted = posts.join_all().await.into_iter().all(|posted| posted);
            if !all_posted {
                return;
            }
        }
    }

    async fn post(self: Arc<Self>, debt: Debt) -> bool {
        let (work, key) = (post(debt.policy, debt.cost), debt.key);
        let answer = self.line_up(Arc::clone(&key), Some(work.clone())).await;
        let posted = answer.is_ok();
        self.unheard(&key, Some(work), answer);
        posted
    }

    /// Puts what was kept in line, to settle in the background after all.
    fn send_aside(self: &Arc<Self>) {
        let mut kept = std::mem::take(&mut *self.amends.aside.lock());
        kept.retain(|(key, work)| {
            let is_available = self.watches.is_available(key);
            if is_available {
                self.defer(Arc::clone(key), work.clone(), false);
            }
            !is_available
        });
        self.amends.aside.lock().extend(kept);
    }
}

fn post(policy: Policy, cost: u32) -> Work {
    (policy, Request::Post { cost })
}

/// The task at work. Dropped with the task, finished or not, so that another can take its turn.
struct AtWork(Weak<Ledger>);

impl Drop for AtWork {
    fn drop(&mut self) {
        if let Some(ledger) = self.0.upgrade() {
            ledger.amends.is_at_work.store(false, Ordering::Release);
        }
    }
}

/// Makes good until nothing is left, or the ledger is gone.
async fn work(at_work: AtWork, mut changes: watch::Receiver<u64>) {
    loop {
        changes.mark_unchanged();
        let Some(ledger) = at_work.0.upgrade() else { return };
        ledger.amend().await;
        if ledger.amends.is_empty() {
            drop(at_work);
            // Something may have come while this task was taking its leave.
            if !ledger.amends.is_empty() {
                ledger.make_amends();
            }
            return;
        }
        let clock = Arc::clone(&ledger.clock);
        drop(ledger);
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            () = clock.sleep(RETRY) => {}
        }
    }
}
