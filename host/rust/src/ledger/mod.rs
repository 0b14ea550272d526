//! The ledger: runs a policy on what is known of an entity, commits the log of the run, and runs
//! again where the store knew better. See ARCHITECTURE.md for the protocol.
//!
//! Invariants: a caller is answered only from a run that the store has confirmed or need not, but
//! for outcomes that the policy itself lets settle later, and refusals that what was confirmed of
//! late proves. A call whose caller has gone away is undone. Every call ends after a bounded number
//! of commits.

mod alone;
mod amends;
pub(crate) mod basis;
mod batch;
mod caller;
mod contention;
mod driven;
mod here;
mod lanes;
mod late;
mod leases;
mod line;
mod many;
mod offset;
mod runs;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use self::alone::Alone;
use self::amends::Amends;
use self::basis::{BasisListener, Notes};
use self::caller::Caller;
use self::driven::{Driven, Unheard};
use self::lanes::{Call, Flush, Lanes, Work};
use self::offset::Offset;
use crate::away::{self, Watches};
use crate::call::{Answer, Request};
use crate::clock::Clock;
use crate::error::Error;
use crate::key::EntityKey;
use crate::runtime::{Policy, Runtime};
use crate::store::{Commit, Store};
use crate::transaction::Transaction;

/// The oldest that what is known may be to refuse a call on. It bounds for how long a refund or a
/// reset by another host goes unnoticed.
pub(crate) const MAX_STALENESS: Duration = Duration::from_millis(100);

/// How a ledger works.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Of how many entities to remember what was last seen.
    pub(crate) max_known: usize,
    /// How many calls on an entity go out together at most.
    pub(crate) max_batch: usize,
    /// How many callers may wait for the store.
    pub(crate) max_waiting: usize,
    /// How often a batch is committed before it is given up as contended.
    pub(crate) max_attempts: u32,
    /// How long an outcome that may settle later is kept back at most.
    pub(crate) flush_delay: Duration,
    /// How old what is known may be to refuse a call on.
    pub(crate) max_staleness: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_known: 65_536,
            max_batch: 256,
            max_waiting: 1_000_000,
            max_attempts: 64,
            flush_delay: Duration::from_millis(20),
            max_staleness: MAX_STALENESS,
        }
    }
}

/// What a ledger has done so far.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) untimely: AtomicU64,
    pub(crate) reruns: AtomicU64,
    pub(crate) diverged: AtomicU64,
    pub(crate) foreign: AtomicU64,
    pub(crate) contended: AtomicU64,
    pub(crate) deferred: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) local: AtomicU64,
    pub(crate) leases: AtomicU64,
    pub(crate) leased: AtomicU64,
    pub(crate) released: AtomicU64,
    pub(crate) degraded: AtomicU64,
    pub(crate) posted: AtomicU64,
    pub(crate) most_attempts: AtomicU64,
}

/// Runs, commits and runs again.
#[derive(Debug)]
pub(crate) struct Ledger {
    runtime: Arc<Runtime>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// How long a call may wait for the store.
    timeout: Option<Duration>,
    offset: Offset,
    lanes: Lanes,
    watches: Arc<Watches>,
    amends: Amends,
    /// What this host decides on by itself while the store is away.
    alone: Alone,
    options: Options,
    counters: Counters,
    /// How many callers wait for the store.
    waiting: AtomicUsize,
    notes: Notes,
}

impl Ledger {
    /// # Errors
    /// [`Error::Config`] for wrong settings of the store watch.
    pub(crate) fn open(
        runtime: Arc<Runtime>,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        options: Options,
        away: away::Options,
        listener: BasisListener,
    ) -> Result<Arc<Self>, Error> {
        let lanes = Lanes::new(options.max_known, options.max_batch);
        let (offset, counters) = (Offset::default(), Counters::default());
        let watches = Watches::open(&runtime, Arc::clone(&store), Arc::clone(&clock), away)?;
        let (amends, alone) = (Amends::new(options.max_known), Alone::new(options.max_known));
        let timeout = store.timeout();
        let waiting = AtomicUsize::new(0);
        Ok(Arc::new(Self {
            runtime,
            store,
            clock,
            timeout,
            offset,
            lanes,
            watches,
            amends,
            alone,
            options,
            counters,
            waiting,
            notes: Notes::new(listener),
        }))
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Makes a call, and answers when the store has confirmed it. Dropping the future undoes it.
    pub(crate) async fn call(
        self: &Arc<Self>,
        key: EntityKey,
        policy: &Policy,
        request: Request,
    ) -> Result<Answer, Error> {
        if let Some(answer) = self.answer_here(&key, policy, &request) {
            return Ok(answer);
        }
        if let Some(error) = self.watches.refusal(&key) {
            return Err(error.into());
        }
        let _waiting = self.join_the_line()?;
        self.line_up(Arc::new(key), Some((policy.clone(), request))).await
    }

    /// Puts something in line, and waits until it is done.
    fn line_up(self: &Arc<Self>, key: Arc<EntityKey>, work: Option<Work>) -> Driven {
        let (reply, answer) = oneshot::channel();
        let gives = work.as_ref().filter(|(_, request)| request.gives()).cloned();
        let unheard = gives.map(|work| Unheard { ledger: Arc::clone(self), key: Arc::clone(&key), work });
        let debt = work.as_ref().and_then(|_| self.post_first(&key));
        let posts = debt.is_some_and(|debt| self.push(&key, debt));
        let leads = posts | self.push(&key, Call { work, reply: Some(Caller::new(reply)) });
        Driven::new(leads.then(|| Arc::clone(self).drive(key)), answer, unheard)
    }

    /// Puts in line what takes back what a call was given. True: the caller must drive the lane.
    fn take_back(&self, key: &Arc<EntityKey>, (policy, request): &Work, answer: &Answer) -> bool {
        let Some(request) = request.undo(answer) else { return false };
        self.push(key, Call { work: Some((policy.clone(), request)), reply: None })
    }

    fn push(&self, key: &Arc<EntityKey>, call: Call) -> bool {
        self.lanes.push(key, call, || self.about_us())
    }

    /// About the time of the store; early where nothing is known of it.
    fn about_us(&self) -> u64 {
        self.offset.store_us(self.clock.now_us()).unwrap_or(0)
    }

    /// Takes an outcome in. If the policy lets it settle later, the answer is what this host knows,
    /// and the outcome goes out with the next batch of the entity, after the flush delay at the
    /// latest: also one that changes nothing by what this host knows, since others may know better.
    /// Of those that would change the same, one goes out.
    pub(crate) async fn record(
        self: &Arc<Self>,
        key: EntityKey,
        policy: &Policy,
        request: Request,
    ) -> Result<Answer, Error> {
        let key = Arc::new(key);
        let Some((answer, changes)) = self.guess(&key, policy, &request) else {
            return self.call(Arc::unwrap_or_clone(key), policy, request).await;
        };
        self.counters.deferred.fetch_add(1, Ordering::Relaxed);
        self.defer(key, (policy.clone(), request), !changes);
        Ok(answer)
    }

    /// Puts in line what nobody waits for. `repeats`: not if one that changes the same is there
    /// already.
    fn defer(self: &Arc<Self>, key: Arc<EntityKey>, work: Work, repeats: bool) {
        match self.lanes.defer(&key, work, repeats, || self.about_us()) {
            Flush::Arranged => {}
            Flush::Soon => drop(tokio::spawn(Arc::clone(self).flush_later(key))),
            Flush::Now => drop(tokio::spawn(Arc::clone(self).drive(key))),
        }
    }

    /// Returns when all that was in line when it was called is settled, also what nobody waits for,
    /// and all that this host held is given back, as far as the store is there.
    pub(crate) async fn flush(self: &Arc<Self>) {
        self.amend().await;
        self.release_all().await;
        // What callers who have gone away were given is in line by the end of the first round, and
        // given back by that of the second.
        for _ in 0..2 {
            for key in self.lanes.unsettled() {
                self.settle_once(key).await;
            }
        }
    }

    /// Returns when all that is in line on an entity is settled, and what callers who have gone
    /// away were given is given back.
    pub(super) async fn settle_lane(self: Arc<Self>, key: Arc<EntityKey>) {
        for _ in 0..2 {
            self.settle_once(Arc::clone(&key)).await;
        }
    }

    async fn settle_once(self: &Arc<Self>, key: Arc<EntityKey>) {
        // The answer says only that all before it is done; errors were told to those whom they
        // concern.
        let _ = self.line_up(key, None).await;
    }

    /// The answer on what is known and whether it changes anything, if it may settle later.
    fn guess(&self, key: &Arc<EntityKey>, policy: &Policy, request: &Request) -> Option<(Answer, bool)> {
        let known = self.lanes.known(key);
        let now_us = self.offset.store_us(self.clock.now_us())?.max(known.seen_us);
        let mut transaction = Transaction::default();
        transaction.begin_logged(now_us, [Arc::clone(key)]);
        *transaction.entity_mut(0) = known.entity;
        match request.run(&self.runtime, policy, &mut transaction) {
            Ok(answer) if answer.settles_later() => {
                let changes = transaction.commit().is_some_and(Commit::changes);
                Some((answer, changes))
            }
            _ => None,
        }
    }

    async fn flush_later(self: Arc<Self>, key: Arc<EntityKey>) {
        self.clock.sleep(self.options.flush_delay).await;
        if self.lanes.claim(&key) {
            self.drive(key).await;
        }
    }
}
