//! The ledger: runs a policy on what is known of an entity, commits the log of the run, and runs
//! again where the store knew better. See ARCHITECTURE.md for the protocol. It names no strategy:
//! what it may know of one is [`Strategy`](crate::strategy::Strategy).
//!
//! Invariants:
//! - A caller is answered only from a run that the store has confirmed or need not. Two answers
//!   come without: outcomes that the policy itself lets settle later, and refusals that are proved
//!   by what was confirmed of late.
//! - A call whose caller has gone away is undone.
//! - Every call ends after a bounded number of commits.
//!
//! Its parts, from a call's beginning to its end: [`local`] answers without the store, [`backlog`]
//! counts who waits, [`lanes`] are where calls wait, [`driver`] takes a lane's batches to the
//! store, [`runs`] and [`replies`] run them before and after, [`deadlines`] ends those that take
//! too long, [`endings`] gives the answers. In the background, [`settler`] settles outcomes,
//! [`leases`] gives leases back, and [`repayments`] makes good what an outage has kept back.

mod alone;
mod backlog;
mod contention;
mod counters;
mod deadlines;
mod driven;
mod driver;
mod endings;
mod known;
mod lanes;
mod leases;
mod local;
mod many;
mod notes;
mod offset;
mod options;
mod repayments;
mod replies;
mod runs;
mod settler;
mod shared;
mod trip;
mod unheard;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use self::alone::Alone;
use self::backlog::Backlog;
pub(crate) use self::counters::Counters;
use self::driver::Driver;
use self::endings::Endings;
use self::leases::Leases;
use self::local::Local;
pub(crate) use self::notes::BasisListener;
use self::notes::Notes;
pub use self::notes::SettingsDiffer;
pub(crate) use self::options::{MAX_STALENESS, Options};
use self::repayments::Repayments;
use self::settler::Settler;
use self::shared::Shared;
use self::unheard::Unheard;
use crate::away::{self, StoreState, Watches};
use crate::call::{AnyCall, Call, Listed};
use crate::clock::Clock;
use crate::error::Error;
use crate::key::EntityKey;
use crate::runtime::{Policy, Runtime};
use crate::store::Store;

/// Runs, commits and runs again.
#[derive(Debug)]
pub(crate) struct Ledger {
    shared: Arc<Shared>,
    /// Kept here, so that it is gone with the ledger.
    _driver: Arc<Driver>,
    local: Local,
    settler: Settler,
    leases: Leases,
    repayments: Arc<Repayments>,
    /// What this host decides on by itself while the store is away.
    alone: Alone,
    backlog: Arc<Backlog>,
    notes: Arc<Notes>,
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
        let watches = Watches::open(&runtime, Arc::clone(&store), Arc::clone(&clock), away)?;
        let max_waiting = options.max_waiting;
        let shared = Arc::new(Shared::new(runtime, store, clock, watches, options));
        let (settler, leases) = (Settler::new(&shared), Leases::new(&shared));
        let repayments = Arc::new(Repayments::new(&shared, &settler));
        let notes = Arc::new(Notes::new(&shared, listener));
        let driver = Arc::new(Driver::new(&shared, &Endings::new(&shared, &repayments), &leases, &notes));
        shared.driven_by(&driver);
        Ok(Arc::new(Self {
            local: Local::new(&shared),
            alone: Alone::new(&shared),
            backlog: Arc::new(Backlog::new(max_waiting)),
            shared,
            _driver: driver,
            settler,
            leases,
            repayments,
            notes,
        }))
    }

    /// What it has done so far.
    pub(crate) fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// Makes a call, and answers when the store has confirmed it. Dropping the future undoes it.
    pub(crate) async fn call<S: Listed>(
        &self,
        key: EntityKey,
        policy: &Policy<S>,
        request: S::Request,
    ) -> Result<S::Answer, Error> {
        if let Some(answer) = self.local.answer(&key, policy, &request) {
            return Ok(answer);
        }
        if let Some(error) = self.shared.watches.refusal(&key) {
            return Err(error.into());
        }
        let _waiting = self.backlog.join()?;
        let key = Arc::new(key);
        let unheard = Unheard::of(&self.shared, &key, policy, &request);
        self.shared.submit(key, Call::asked(policy, request), unheard).await
    }

    /// Takes an outcome in. If the policy lets it settle later, the answer is what this host knows,
    /// and the outcome goes out with the next batch of the entity, after the flush delay at the
    /// latest: also one that changes nothing by what this host knows, since others may know better.
    /// One outcome of those that would change the same goes out.
    pub(crate) async fn record<S: Listed>(
        &self,
        key: EntityKey,
        policy: &Policy<S>,
        request: S::Request,
    ) -> Result<S::Answer, Error> {
        let key = Arc::new(key);
        match self.settler.record(&key, policy, &request) {
            Some(answer) => Ok(answer),
            None => self.call(Arc::unwrap_or_clone(key), policy, request).await,
        }
    }

    /// Returns when all that waited when it was called is settled, also what nobody waits for, and
    /// all that this host held is given back, as far as the store is there.
    pub(crate) async fn flush(&self) {
        self.repayments.make_good().await;
        self.leases.release_all().await;
        self.settler.flush().await;
    }

    /// Makes a call on what only this host keeps, while the store is away.
    pub(crate) fn alone<S: Listed>(
        &self,
        key: &EntityKey,
        policy: &Policy<S>,
        request: &S::Request,
    ) -> Result<S::Answer, Error> {
        self.alone.call(key, policy, request)
    }

    /// Something was let go without the store: what posts it when that is back.
    pub(crate) fn owe(&self, key: EntityKey, post: AnyCall) {
        // A call that posts nothing is not a debt.
        let _ = self.repayments.owe(&Arc::new(key), post);
    }

    /// What was let go without the store was not used.
    pub(crate) fn forgive(&self, key: &EntityKey, cost: u32) {
        self.shared.debts.forgive(key, cost);
    }

    /// If the store watch turns it away now, keeps what nobody need wait for until the store is
    /// back. True: it did.
    pub(crate) fn keeps<S: Listed>(&self, key: &EntityKey, policy: &Policy<S>, request: &S::Request) -> bool {
        let refused = self.shared.watches.refusal(key).is_some();
        if refused {
            self.repayments.keep(&Arc::new(key.clone()), Call::unasked(policy, request.clone()));
        }
        refused
    }

    /// Whether it is of use to say what a policy goes by.
    pub(crate) fn keeps_notes(&self) -> bool {
        self.notes.are_kept()
    }

    /// A policy was opened whose values depend on this.
    pub(crate) fn note_basis(&self, tag: &'static str, name: &str, basis: String) {
        self.notes.add(tag, name, basis);
    }

    /// Counts an answer that was given without the store.
    pub(crate) fn note_degraded(&self) {
        self.shared.counters.degraded.fetch_add(1, Ordering::Relaxed);
    }

    /// How long until the store is tried again; zero where it is asked now.
    pub(crate) fn retry_after(&self, key: &EntityKey) -> Duration {
        self.shared.watches.retry_after(key)
    }

    /// The worst state of any part of the store.
    pub(crate) fn store_state(&self) -> StoreState {
        self.shared.watches.state()
    }

    /// Waits until the store does what a commit does.
    ///
    /// # Errors
    /// [`Error::Store`] when that takes longer.
    pub(crate) async fn ready(&self, timeout: Duration) -> Result<(), Error> {
        Ok(self.shared.watches.ready(timeout).await?)
    }

    /// How many calls and batches the store watch turned away.
    pub(crate) fn watch_refused(&self) -> u64 {
        self.shared.watches.refused_count()
    }
}
