//! Drives lanes: one batch of calls after the other. All calls of a batch run one after the other
//! on what is known, and go out as one commit.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::contention::{self, Contention, widest_us};
use super::deadlines::Deadlines;
use super::endings::Endings;
use super::leases::Leases;
use super::notes::Notes;
use super::replies::Replies;
use super::shared::{Drive, Shared};
use super::trip::Trip;
use crate::away::{Passage, Patience};
use crate::error::Error;
use crate::key::EntityKey;
use crate::store::{BoxFuture, Outcome, Reply};
use crate::transaction::Transaction;

thread_local! {
    /// One for the next driver: what it has allocated is used again.
    static TRANSACTION: RefCell<Transaction> = RefCell::default();
}

/// A refusal because of other hosts is not a pause of the store. So a call is tried again for this
/// many timeouts, and each host gets its turn on a slow connection, too.
const TRIED_TIMEOUTS: u32 = 4;

/// Drives the lanes of a ledger.
#[derive(Debug)]
pub(super) struct Driver {
    shared: Arc<Shared>,
    replies: Arc<Replies>,
    deadlines: Deadlines,
    endings: Endings,
    leases: Leases,
    notes: Arc<Notes>,
}

/// How long a batch has been tried.
struct Tries<'a> {
    shared: &'a Shared,
    began_us: u64,
    /// From the first refusal on, where the store has a timeout.
    patience: Option<Patience>,
    timeouts: u32,
}

/// What a try to commit came to.
enum Tried<'a> {
    /// It is to be tried again.
    Again(Trip<'a>),
    /// All calls have their answers, or ended in an error.
    Done(Trip<'a>, Result<(), Error>),
    /// Its time was over, and another drives its lane.
    Late,
}

impl Drive for Driver {
    fn drive(self: Arc<Self>, key: Arc<EntityKey>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let mut transaction = TRANSACTION.take();
            while self.drive_on(&key, &mut transaction).await {}
            TRANSACTION.set(transaction);
        })
    }
}

impl Driver {
    pub(super) fn new(shared: &Arc<Shared>, endings: &Endings, leases: &Leases, notes: &Arc<Notes>) -> Self {
        let replies = Arc::new(Replies::new(shared));
        Self {
            shared: Arc::clone(shared),
            deadlines: Deadlines::new(shared, &replies, endings),
            replies,
            endings: endings.clone(),
            leases: leases.clone(),
            notes: Arc::clone(notes),
        }
    }

    /// Takes the next batch of a lane to the store. False: nothing waits there, or another drives
    /// on.
    async fn drive_on(&self, key: &Arc<EntityKey>, transaction: &mut Transaction) -> bool {
        let Shared { lanes, watches, .. } = &*self.shared;
        // Before the batch is made, so that whoever comes meanwhile goes along.
        let contention = lanes.contention(key);
        if contention.is_felt() {
            self.give_way(contention).await;
        }
        let turn = match watches.free_turn(key) {
            Some(turn) => turn,
            None if lanes.rest(key) => return false,
            None => watches.turn(key).await,
        };
        let Some((batch, known)) = lanes.next_batch(key) else { return false };
        let passage = match watches.admit(turn) {
            Ok(passage) => passage,
            Err(error) => {
                self.endings.turn_away(key, batch, &error);
                return true;
            }
        };
        let trip = Trip { key, batch, known, passage: Some(passage) };
        let Some((trip, result)) = self.commit(transaction, trip).await else { return false };
        let Trip { mut batch, mut known, passage, .. } = trip;
        note(passage, &result, transaction);
        if let Err(error) = result {
            known.forget_shared();
            for call in &mut batch {
                call.fail(error.clone());
            }
        }
        lanes.keep(key, known);
        self.leases.note(key, &batch);
        for call in batch {
            // What it adds to the lane is what this driver comes to next.
            self.endings.end(key, call);
        }
        true
    }

    /// Runs and commits a batch until it is applied. `None`: its time was over, and another drives
    /// its lane.
    async fn commit<'a>(
        &self,
        transaction: &mut Transaction,
        mut trip: Trip<'a>,
    ) -> Option<(Trip<'a>, Result<(), Error>)> {
        let mut tries = Tries::new(&self.shared);
        for attempt in 0..self.shared.options.max_attempts {
            if attempt > 0 {
                if tries.are_over() {
                    return Some((trip, Err(self.contended(attempt))));
                }
                self.give_way(trip.known.contention).await;
            }
            match self.try_commit(transaction, trip, attempt, tries.began_us).await {
                Tried::Again(again) => trip = again,
                Tried::Done(trip, result) => return Some((trip, result)),
                Tried::Late => return None,
            }
        }
        Some((trip, Err(self.contended(self.shared.options.max_attempts))))
    }

    /// Runs and commits a batch once.
    async fn try_commit<'a>(
        &self,
        transaction: &mut Transaction,
        mut trip: Trip<'a>,
        attempt: u32,
        began_us: u64,
    ) -> Tried<'a> {
        let Shared { clock, watches, store, counters, .. } = &*self.shared;
        let (start_us, mut patience) = (clock.now_us(), watches.patience());
        let store_us = match self.store_us(patience.as_mut()).await {
            Ok(store_us) => store_us,
            Err(error) => return Tried::Done(trip, Err(error)),
        };
        let refused_us = if attempt > 0 { start_us.saturating_sub(began_us) } else { 0 };
        self.run(transaction, &mut trip, store_us, refused_us);
        let Some(commit) = transaction.commit().filter(|commit| !commit.ops.is_empty()) else {
            trip.known.entity.local = std::mem::take(&mut transaction.entity_mut(0).local);
            trip.known.seen_us = transaction.now_us();
            return Tried::Done(trip, Ok(()));
        };
        counters.commits.fetch_add(1, Ordering::Relaxed);
        let mut asked = store.commit(commit);
        let Some(reply) = watches.hear(patience.as_mut(), &mut asked).await else {
            let mut known = trip.known.clone();
            known.doubt(transaction.entity(0));
            self.deadlines.overdue(&mut trip, known);
            let reply = asked.await;
            self.deadlines.take_in_late(transaction, trip, reply);
            return Tried::Late;
        };
        drop(asked);
        match reply {
            Ok(reply) => self.take_in(transaction, trip, reply, start_us, attempt),
            Err(error) => {
                trip.known.doubt(transaction.entity(0));
                Tried::Done(trip, Err(error.into()))
            }
        }
    }

    /// Runs a batch on what is known, at about the time of the store.
    fn run(&self, transaction: &mut Transaction, trip: &mut Trip<'_>, store_us: u64, refused_us: u64) {
        let known = &mut trip.known;
        let now_us = known.now_us(store_us);
        known.heed_clock(self.shared.clock.now_us());
        transaction.begin_logged(now_us, [Arc::clone(trip.key)]);
        transaction.set_refused_ms(u32::try_from(refused_us / 1_000).unwrap_or(u32::MAX));
        *transaction.entity_mut(0) = known.entity.clone();
        self.replies.run(transaction, &mut trip.batch);
    }

    /// Takes the store's reply to a batch in.
    fn take_in<'a>(
        &self,
        transaction: &mut Transaction,
        mut trip: Trip<'a>,
        reply: Reply,
        start_us: u64,
        attempt: u32,
    ) -> Tried<'a> {
        let Shared { clock, counters, store, .. } = &*self.shared;
        let is_conflict = is_conflict(transaction, &reply);
        let is_answered = self.replies.take_in(transaction, &mut trip.batch, &mut trip.known, reply);
        let contention = &mut trip.known.contention;
        if is_conflict {
            let now_us = clock.now_us();
            let (trip_us, widest_us) = (now_us.saturating_sub(start_us), widest_us(store.timeout()));
            contention.met(now_us, trip_us, widest_us, is_answered);
        }
        if !is_answered {
            return Tried::Again(trip);
        }
        counters.most_attempts.fetch_max(u64::from(attempt) + 1, Ordering::Relaxed);
        if !is_conflict {
            contention.won(|| clock.now_us());
        }
        self.notes.compare();
        Tried::Done(trip, Ok(()))
    }

    fn contended(&self, attempts: u32) -> Error {
        self.shared.counters.contended.fetch_add(1, Ordering::Relaxed);
        Error::Contended { attempts }
    }

    /// Leaves other hosts their turn. In real time, whatever the clock: one that is moved by hand
    /// would leave a contended call waiting for ever.
    async fn give_way(&self, contention: Contention) {
        let now_us = self.shared.clock.now_us();
        if let Some(wait) = contention.wait(now_us, mix(now_us)) {
            tokio::time::sleep(wait).await;
        }
    }

    /// The time to run at: the store's clock, which is asked for its time once, when nothing is
    /// known of it.
    async fn store_us(&self, patience: Option<&mut Patience>) -> Result<u64, Error> {
        let Shared { clock, offset, store, watches, .. } = &*self.shared;
        if let Some(now_us) = offset.store_us(clock.now_us()) {
            return Ok(now_us);
        }
        let heard = watches.hear(patience, store.time_us()).await;
        let store_us = heard.unwrap_or_else(|| Err(watches.timed_out()))?;
        offset.learn(store_us, clock.now_us());
        Ok(store_us)
    }
}

impl<'a> Tries<'a> {
    fn new(shared: &'a Shared) -> Self {
        Self { shared, began_us: shared.clock.now_us(), patience: None, timeouts: 0 }
    }

    /// Whether others have been in the way for too long.
    fn are_over(&mut self) -> bool {
        let watches = &self.shared.watches;
        if self.patience.is_none() {
            self.patience = watches.patience();
        }
        if watches.is_over(self.patience.as_ref()) {
            (self.patience, self.timeouts) = (None, self.timeouts + 1);
        }
        self.timeouts == TRIED_TIMEOUTS
    }
}

/// Whether another host replaced a value that a run had read. Of those who replace it at the same
/// time one gets through, so it is well to give way. Whoever only went by an old number or an old
/// time knows better now, and the longer it waits the older that gets.
fn is_conflict(transaction: &Transaction, reply: &Reply) -> bool {
    match (&reply.outcome, transaction.commit()) {
        (Outcome::Refused(truth), Some(commit)) => contention::is_conflict(commit, truth),
        _ => false,
    }
}

/// Tells the store watch what a batch says about the store. One that came to nothing to commit says
/// nothing.
fn note(passage: Option<Passage<'_>>, result: &Result<(), Error>, transaction: &Transaction) {
    let Some(passage) = passage else { return };
    match (result, transaction.commit()) {
        (Err(Error::Store(error)), _) => passage.failed(error),
        (Ok(()), Some(commit)) if commit.changes() => passage.written(),
        // A commit that was refused has been read and no more.
        (Ok(()), Some(commit)) if !commit.ops.is_empty() => passage.read(),
        (Err(Error::Contended { .. }), _) => passage.read(),
        _ => {}
    }
}

/// A number in which every bit of a time counts: the clocks of two hosts may be alike in most.
/// The finalizer of `SplitMix64` (Steele, Lea, Flood, 2014).
fn mix(us: u64) -> u64 {
    let mixed = (us ^ (us >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
