//! One batch of calls on an entity: all run one after the other on what is known, and go out as one
//! commit.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Ledger;
use super::contention::{self, Contention, widest_us};
use super::lanes::{Call, Known};
use crate::away::{Passage, Patience};
use crate::call::Answer;
use crate::error::Error;
use crate::key::EntityKey;
use crate::store::{Outcome, Reply};
use crate::transaction::{Cells, Entity, Transaction};

/// The most that two nodes of a cluster are taken to be apart, in microseconds. More is a clock
/// that jumped.
const MAX_BEHIND_US: u64 = 100_000;
/// Of what is known of a node's clock, one part in so many is forgotten with each commit.
const BEHIND_KEEP: u64 = 1_024;
/// How much further behind than seen an entity's clock is taken to be, in microseconds, so that the
/// forgetting takes a while to come too far.
const BEHIND_SLACK_US: u64 = 1_000;

thread_local! {
    /// One for the next driver: what it has allocated is used again.
    static TRANSACTION: RefCell<Transaction> = RefCell::default();
}

/// What other hosts change is no pause of the store. A call is tried again for so many of the time
/// limits of one, so that each host gets its turn on a slow connection too.
const TRIED_LIMITS: u32 = 4;

pub(super) type Answers = Vec<Result<Answer, Error>>;

/// A batch on its way.
pub(super) struct Trip<'a> {
    pub(super) key: &'a Arc<EntityKey>,
    pub(super) batch: Vec<Call>,
    pub(super) known: Known,
    pub(super) passage: Option<Passage<'a>>,
}

impl Ledger {
    /// Drives a lane until nothing is in line.
    pub(super) async fn drive(self: Arc<Self>, key: Arc<EntityKey>) {
        let mut transaction = TRANSACTION.take();
        while self.drive_on(&key, &mut transaction).await {}
        TRANSACTION.set(transaction);
    }

    /// Takes the next batch of a lane to the store. False: nothing is in line, or another drives
    /// on.
    async fn drive_on(self: &Arc<Self>, key: &Arc<EntityKey>, transaction: &mut Transaction) -> bool {
        // Before the batch is made, so that whoever comes meanwhile goes along.
        let contention = self.lanes.contention(key);
        if contention.is_felt() {
            self.give_way(contention).await;
        }
        let turn = match self.watches.free_turn(key) {
            Some(turn) => turn,
            None if self.lanes.rest(key) => return false,
            None => self.watches.turn(key).await,
        };
        let Some((batch, known)) = self.lanes.next_batch(key) else { return false };
        let passage = match self.watches.admit(turn) {
            Ok(passage) => passage,
            Err(error) => {
                self.turn_away(key, batch, &error);
                return true;
            }
        };
        let trip = Trip { key, batch, known, passage: Some(passage) };
        let Some((trip, result)) = self.commit(transaction, trip).await else { return false };
        let Trip { batch, mut known, passage, .. } = trip;
        note(passage, &result, transaction);
        let answers = result.unwrap_or_else(|error| {
            known.entity.shared = Cells::default();
            known.refuses = false;
            batch.iter().map(|_| Err(error.clone())).collect()
        });
        self.lanes.keep(key, known);
        self.note_leases(key, &batch, &answers);
        for (call, answer) in batch.into_iter().zip(answers) {
            // What it puts in line is what this driver comes to next.
            self.reply(key, call, answer);
        }
        true
    }

    /// Runs and commits a batch until it is applied. `None`: its time was over, and another drives
    /// its lane.
    async fn commit<'a>(
        self: &Arc<Self>,
        transaction: &mut Transaction,
        mut trip: Trip<'a>,
    ) -> Option<(Trip<'a>, Result<Answers, Error>)> {
        let (mut refused_since, mut limits) = (None, 0);
        let began_us = self.clock.now_us();
        for attempt in 0..self.options.max_attempts {
            if attempt > 0 {
                let since = refused_since.get_or_insert_with(|| self.watches.patience());
                if self.watches.is_over(since.as_ref()) {
                    (refused_since, limits) = (None, limits + 1);
                }
                if limits == TRIED_LIMITS {
                    return Some((trip, Err(self.contended(attempt))));
                }
                self.give_way(trip.known.contention).await;
            }
            let (start_us, mut patience) = (self.clock.now_us(), self.watches.patience());
            let store_us = match self.store_us(patience.as_mut()).await {
                Ok(store_us) => store_us,
                Err(error) => return Some((trip, Err(error))),
            };
            let known = &mut trip.known;
            let now_us = store_us.saturating_sub(known.behind_us).max(known.seen_us);
            known.heed_clock(self.clock.now_us());
            transaction.begin_logged(now_us, [Arc::clone(trip.key)]);
            if attempt > 0 {
                transaction
                    .set_refused_ms(u32::try_from(start_us.saturating_sub(began_us) / 1_000).unwrap_or(u32::MAX));
            }
            *transaction.entity_mut(0) = known.entity.clone();
            let answers = self.run(transaction, &trip.batch);
            let Some(commit) = transaction.commit().filter(|commit| !commit.ops.is_empty()) else {
                known.entity.local = std::mem::take(&mut transaction.entity_mut(0).local);
                known.seen_us = now_us;
                return Some((trip, Ok(answers)));
            };
            self.counters.commits.fetch_add(1, Ordering::Relaxed);
            let mut asked = self.store.commit(commit);
            let Some(reply) = self.watches.hear(patience.as_mut(), &mut asked).await else {
                let mut known = trip.known.clone();
                known.doubt(transaction.entity(0));
                self.overdue(&mut trip, known);
                let reply = asked.await;
                self.take_in_late(transaction, trip, reply, answers);
                return None;
            };
            drop(asked);
            let reply = match reply {
                Ok(reply) => reply,
                Err(error) => {
                    trip.known.doubt(transaction.entity(0));
                    return Some((trip, Err(error.into())));
                }
            };
            let is_conflict = is_conflict(transaction, &reply);
            let taken = self.take_in(transaction, &trip.batch, &mut trip.known, reply, answers);
            let contention = &mut trip.known.contention;
            if is_conflict {
                let now_us = self.clock.now_us();
                let (trip_us, widest_us) = (now_us.saturating_sub(start_us), widest_us(self.timeout));
                contention.met(now_us, trip_us, widest_us, taken.is_some());
            }
            if let Some(answers) = taken {
                self.counters.most_attempts.fetch_max(u64::from(attempt) + 1, Ordering::Relaxed);
                if !is_conflict {
                    contention.won(|| self.clock.now_us());
                }
                self.compare_notes();
                return Some((trip, Ok(answers)));
            }
        }
        Some((trip, Err(self.contended(self.options.max_attempts))))
    }

    fn contended(&self, attempts: u32) -> Error {
        self.counters.contended.fetch_add(1, Ordering::Relaxed);
        Error::Contended { attempts }
    }

    /// Leaves other hosts their turn. In real time, whatever the clock: one that is moved by hand
    /// would leave a contended call waiting for ever.
    async fn give_way(&self, contention: Contention) {
        let now_us = self.clock.now_us();
        if let Some(wait) = contention.wait(now_us, mix(now_us)) {
            tokio::time::sleep(wait).await;
        }
    }

    /// Takes the store's reply in. `None`: the calls have no answers yet, and it is to be tried
    /// again.
    pub(super) fn take_in(
        &self,
        transaction: &mut Transaction,
        batch: &[Call],
        known: &mut Known,
        reply: Reply,
        answers: Answers,
    ) -> Option<Answers> {
        let local_us = self.clock.now_us();
        self.counters.foreign.fetch_add(reply.foreign, Ordering::Relaxed);
        match reply.outcome {
            Outcome::Untimely => {
                self.counters.untimely.fetch_add(1, Ordering::Relaxed);
                self.offset.correct(reply.clock_us, local_us);
                known.mistimed(transaction.now_us(), reply.clock_us);
                None
            }
            Outcome::Refused(truth) => {
                self.counters.refused.fetch_add(1, Ordering::Relaxed);
                self.offset.learn(reply.clock_us, local_us);
                let told = transaction.refuse(&truth, reply.clock_us, u64::MAX);
                known.entity = std::mem::take(transaction.entity_mut(0));
                self.run_on_truth(transaction, batch, known, &told, reply.clock_us)
            }
            Outcome::Applied(seen) => {
                self.offset.learn(reply.clock_us, local_us);
                let answers = if transaction.was_told(&seen) {
                    answers
                } else {
                    self.counters.reruns.fetch_add(1, Ordering::Relaxed);
                    transaction.begin_replay(seen);
                    self.rerun(transaction, batch, answers)
                };
                known.confirm(transaction, local_us, &answers);
                Some(answers)
            }
        }
    }

    /// Runs a batch once more, at the very time at which the store refused its commit, on all that
    /// the store told of the cells then. Where the runs read no other cell and change nothing, the
    /// store would say the same of them, so they need not be committed. So whoever is to be denied
    /// waits for no other host, however often the others change the entity.
    fn run_on_truth(
        &self,
        transaction: &mut Transaction,
        batch: &[Call],
        known: &mut Known,
        told: &[(usize, u32)],
        clock_us: u64,
    ) -> Option<Answers> {
        if clock_us < known.seen_us {
            return None;
        }
        let keys = transaction.commit().map(|commit| commit.entities.clone())?;
        transaction.begin_logged(clock_us, keys);
        *transaction.entity_mut(0) = known.entity.clone();
        let answers = self.run(transaction, batch);
        let is_settled = transaction.commit().is_some_and(|commit| commit.reads_only(told));
        is_settled.then(|| {
            known.confirm(transaction, self.clock.now_us(), &answers);
            answers
        })
    }

    /// The time to run at: the store's clock, which is asked for its time once, when nothing is
    /// known of it.
    async fn store_us(&self, patience: Option<&mut Patience>) -> Result<u64, Error> {
        if let Some(now_us) = self.offset.store_us(self.clock.now_us()) {
            return Ok(now_us);
        }
        let heard = self.watches.hear(patience, self.store.time_us()).await;
        let store_us = heard.unwrap_or_else(|| Err(self.watches.timed_out()))?;
        self.offset.learn(store_us, self.clock.now_us());
        Ok(store_us)
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

/// Tells the watch what a batch says about the store. One that came to nothing to commit says
/// nothing.
fn note(passage: Option<Passage<'_>>, result: &Result<Answers, Error>, transaction: &Transaction) {
    let Some(passage) = passage else { return };
    match (result, transaction.commit()) {
        (Err(Error::Store(error)), _) => passage.failed(error),
        (Ok(_), Some(commit)) if commit.changes() => passage.written(),
        // A commit that was refused has been read and no more.
        (Ok(_), Some(commit)) if !commit.ops.is_empty() => passage.read(),
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

impl Known {
    /// Nobody knows whether a log was applied, so what the runs kept along with it is not known
    /// either.
    fn doubt(&mut self, ran: &Entity) {
        if ran.local != self.entity.local {
            self.entity.local = Cells::default();
        }
    }

    /// A clock that was set back would let a lease live for longer than the store allows, so what
    /// this host holds is forgotten.
    fn heed_clock(&mut self, local_us: u64) {
        if local_us < self.heard_us {
            self.entity.local = Cells::default();
            self.heard_us = local_us;
        }
    }

    /// What runs were told and did holds.
    fn confirm(&mut self, transaction: &mut Transaction, local_us: u64, answers: &Answers) {
        self.timed(transaction.now_us(), local_us);
        self.entity = std::mem::take(transaction.entity_mut(0));
        self.entity.shared.prune(self.seen_us);
        self.entity.local.prune(self.seen_us);
        self.refuses = matches!(answers.last(), Some(Ok(answer)) if answer.refuses());
    }

    /// A commit was in time. What was learnt of the entity's clock is unlearnt slowly, since clocks
    /// come together again.
    fn timed(&mut self, at_us: u64, local_us: u64) {
        (self.seen_us, self.confirmed_us, self.heard_us) = (at_us, at_us, local_us);
        self.behind_us -= self.behind_us.div_ceil(BEHIND_KEEP);
    }

    /// A commit was ahead of the entity's clock, or far behind it.
    fn mistimed(&mut self, at_us: u64, clock_us: u64) {
        let ahead_us = at_us.saturating_sub(clock_us);
        self.seen_us = self.seen_us.min(clock_us);
        self.confirmed_us = self.confirmed_us.min(clock_us);
        self.behind_us = if (1..=MAX_BEHIND_US).contains(&ahead_us) {
            (self.behind_us + ahead_us + BEHIND_SLACK_US).min(MAX_BEHIND_US)
        } else {
            0
        };
    }
}
