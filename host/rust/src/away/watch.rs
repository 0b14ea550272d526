//! The watch on one part of the store: a circuit of the component's own, on memory of this
//! process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::changes::StoreChanges;
use super::state::{StoreChange, StoreState};
use super::steady::Steady;
use crate::runtime::wit::circuit_breaker::{Cause, Effect, Permit, Report, State};
use crate::runtime::{Policy, Runtime};
use crate::store::{Memory, StoreError};
use crate::strategies::circuit_breaker::{Breakers, Request};
use crate::strategy;

/// How many commits are on their way together at most. A server needs some 5 us for each, and so
/// does this process where it has a processor to itself; where it has a tenth of one, all of them
/// are still heard well within the timeout.
pub(super) const TURNS: usize = 256;

/// What the watches of a gate have in common.
#[derive(Debug)]
pub(super) struct Circuit {
    pub(super) runtime: Arc<Runtime>,
    pub(super) policy: Policy<Breakers>,
    /// Where the circuits are.
    pub(super) memory: Memory,
    pub(super) steady: Arc<Steady>,
    pub(super) changes: StoreChanges,
    /// How many watches are not calm, so that one read tells when all are.
    pub(super) troubled: AtomicUsize,
    pub(super) outages: Outages,
}

/// Which parts of the store are away, and how often all of it has come back.
#[derive(Debug, Default)]
pub(super) struct Outages {
    away: AtomicUsize,
    returns: AtomicU64,
}

impl Outages {
    pub(super) fn returns(&self) -> u64 {
        self.returns.load(Ordering::Acquire)
    }

    /// Takes in that a part of the store has changed its state.
    fn take_in(&self, before: StoreState, after: StoreState) {
        match (before.is_out(), after.is_out()) {
            (false, true) => {
                self.away.fetch_add(1, Ordering::AcqRel);
            }
            (true, false) if self.away.fetch_sub(1, Ordering::AcqRel) == 1 => {
                self.returns.fetch_add(1, Ordering::AcqRel);
            }
            _ => {}
        }
    }
}

/// One watch. What it last reported is at hand, so that neither a store that is well nor one that
/// is away costs a run.
#[derive(Debug)]
pub(super) struct Watch {
    shard: u32,
    tag: String,
    /// Whether the circuit is closed and counts no failure: then a success changes nothing.
    calm: AtomicBool,
    generation: AtomicU64,
    /// Counts rounds that failed. A failure of what was let through before the last of them says
    /// nothing new.
    round: AtomicU64,
    /// Whether the store has answered yet.
    heard: AtomicBool,
    /// How many commits may be on their way: see [`super::turn`].
    pub(super) turns: Semaphore,
    /// Whether the store last refused to do what it was asked, as a replica or a server without
    /// memory does with writes only.
    refuses: AtomicBool,
    /// Nobody is let through before, in microseconds of the steady clock; 0: everybody is.
    refuses_until_us: AtomicU64,
    standing: Mutex<Standing>,
    /// Whether a task is at work that finds out when the store is back.
    pub(super) is_probed: AtomicBool,
}

/// What is told of a watch.
#[derive(Debug, Clone)]
struct Standing {
    state: StoreState,
    /// What the store last failed with.
    trouble: Arc<str>,
}

/// With what a call was let through.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass {
    /// `None`: the watch was calm, and nothing was asked.
    permit: Option<Permit>,
    generation: u64,
    round: u64,
}

/// Why a call was not let through.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    /// Until the next probe.
    pub(super) retry_after: Duration,
    /// What the store last failed with.
    pub(super) trouble: Arc<str>,
}

/// What became of a call that was let through.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome<'a> {
    /// The store has written.
    Written,
    /// It has read, and was not asked to write.
    Read,
    /// It did not answer.
    Failed(&'a str),
    /// It did not answer, and has refused this many attempts to connect in a row.
    Unreachable(&'a str, u32),
    /// It answered that it does not do this.
    Refused(&'a str),
    /// It was not asked, or nobody waited for what it says.
    Unknown,
}

impl<'a> Outcome<'a> {
    /// What an error, in these words, says of the store, which has refused this many attempts to
    /// connect. One that is full does its work for the entities that it holds.
    pub(super) fn of(error: &StoreError, words: &'a str, refused: u32) -> Self {
        match error {
            _ if refused > 1 => Self::Unreachable(words, refused),
            StoreError::Full { .. } => Self::Written,
            StoreError::Refused(_) => Self::Refused(words),
            _ => Self::Failed(words),
        }
    }

    pub(super) fn is_failure(self) -> bool {
        matches!(self, Self::Failed(_) | Self::Unreachable(..) | Self::Refused(_))
    }
}

impl Watch {
    pub(super) fn new(shard: u32) -> Self {
        Self {
            shard,
            tag: shard.to_string(),
            calm: AtomicBool::new(true),
            generation: AtomicU64::new(0),
            round: AtomicU64::new(0),
            heard: AtomicBool::new(false),
            turns: Semaphore::new(TURNS),
            refuses: AtomicBool::new(false),
            refuses_until_us: AtomicU64::new(0),
            standing: Mutex::new(Standing { state: StoreState::Unknown, trouble: Arc::from("") }),
            is_probed: AtomicBool::new(false),
        }
    }

    pub(super) fn shard(&self) -> u32 {
        self.shard
    }

    pub(super) fn state(&self) -> StoreState {
        self.standing.lock().state
    }

    /// Whether nothing speaks against asking the store.
    pub(super) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Acquire)
    }

    /// Lets a call through, or not.
    pub(super) fn admit(&self, circuit: &Circuit) -> Result<Pass, Refusal> {
        let (generation, round) = (self.generation.load(Ordering::Relaxed), self.round.load(Ordering::Acquire));
        if self.is_calm() {
            return Ok(Pass { permit: None, generation, round });
        }
        if let Some(refusal) = self.refusal(circuit) {
            return Err(refusal);
        }
        match self.run(circuit, &Request::Admit, "its pause is over") {
            Some(report) if report.effect != Effect::Admitted => Err(self.refused_for(report.retry_after_ms)),
            Some(report) => Ok(Pass { permit: Some(report.permit), generation: report.generation, round }),
            // The component failed, which says nothing about the store.
            None => Ok(Pass { permit: None, generation, round }),
        }
    }

    /// The refusal that a call is sure to get.
    pub(super) fn refusal(&self, circuit: &Circuit) -> Option<Refusal> {
        let until_us = self.refuses_until_us.load(Ordering::Relaxed);
        if until_us == 0 {
            return None;
        }
        let left_us = until_us.saturating_sub(circuit.steady.now_us());
        (left_us > 0).then(|| self.refused_for(left_us.div_ceil(1_000)))
    }

    /// The store has answered.
    pub(super) fn hear(&self) {
        if !self.heard.load(Ordering::Relaxed) && !self.heard.swap(true, Ordering::Relaxed) {
            let mut standing = self.standing.lock();
            if standing.state == StoreState::Unknown {
                standing.state = StoreState::Available;
            }
        }
    }

    /// Takes in what became of a call that was let through.
    pub(super) fn settle(&self, circuit: &Circuit, pass: Pass, outcome: Outcome<'_>) {
        if pass.permit.is_none() && !outcome.is_failure() && self.is_calm() {
            return;
        }
        match outcome {
            Outcome::Written => self.refuses.store(false, Ordering::Relaxed),
            Outcome::Refused(_) => self.refuses.store(true, Ordering::Relaxed),
            _ => {}
        }
        let permit = pass.permit.unwrap_or_else(|| Permit {
            generation: pass.generation,
            admitted_at_us: circuit.steady.now_us(),
            probe: 0,
        });
        match outcome {
            Outcome::Failed(trouble) | Outcome::Refused(trouble) if self.ends_round(pass) => {
                self.fail(circuit, permit, trouble);
            }
            Outcome::Unreachable(trouble, attempts) if self.ends_round(pass) => {
                let mut attempts = 0..attempts;
                while attempts.next().is_some() && self.state() != StoreState::Away {
                    self.fail(circuit, permit, trouble);
                }
            }
            // Whoever refuses to write reads all the same.
            Outcome::Read if self.refuses.load(Ordering::Relaxed) => self.cancel(circuit, permit),
            Outcome::Written | Outcome::Read => {
                self.run(circuit, &Request::Succeeded { permit, elapsed_ms: 0 }, "a probe was answered");
            }
            _ => self.cancel(circuit, permit),
        }
    }

    /// Whether a failure is the first of those that were let through since the last that counted.
    fn ends_round(&self, pass: Pass) -> bool {
        self.round.compare_exchange(pass.round, pass.round + 1, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    fn fail(&self, circuit: &Circuit, permit: Permit, trouble: &str) {
        self.run(circuit, &Request::Failed { permit, elapsed_ms: 0, errors: Vec::new() }, trouble);
    }

    fn cancel(&self, circuit: &Circuit, permit: Permit) {
        self.run(circuit, &Request::Cancelled { permit, elapsed_ms: 0 }, "");
    }

    /// Runs the circuit, and tells of what changed. `cause`: of a change that this makes, in words.
    fn run(&self, circuit: &Circuit, request: &Request, cause: &str) -> Option<Report> {
        let now_us = circuit.steady.now_us();
        let report = circuit.memory.run(&self.tag, now_us, |transaction| {
            let at_us = transaction.now_us();
            match strategy::run(request, &circuit.runtime, &circuit.policy, transaction) {
                // Under the lock of the circuit, so that what is at hand is never older than
                // another report.
                Ok(report) => {
                    self.take_in(circuit, &report, at_us, cause);
                    Some(report)
                }
                Err(_) => None,
            }
        });
        circuit.changes.tell();
        report.ok().flatten()
    }

    fn take_in(&self, circuit: &Circuit, report: &Report, at_us: u64, cause: &str) {
        let until_us = if report.retry_after_ms == 0 { 0 } else { at_us + report.retry_after_ms * 1_000 };
        self.refuses_until_us.store(until_us, Ordering::Relaxed);
        self.generation.store(report.generation, Ordering::Relaxed);
        self.set_calm(circuit, report.state == State::Closed && report.consecutive == 0);
        if report.event.cause == Cause::None {
            return;
        }
        let after = state_of(report.event.after);
        let mut standing = self.standing.lock();
        let before = std::mem::replace(&mut standing.state, after);
        circuit.outages.take_in(before, after);
        if after == StoreState::Away {
            standing.trouble = Arc::from(cause);
        }
        circuit.changes.add(StoreChange { shard: self.shard, before, after, cause: cause.to_owned() });
    }

    fn set_calm(&self, circuit: &Circuit, calm: bool) {
        match (self.calm.swap(calm, Ordering::AcqRel), calm) {
            (true, false) => {
                circuit.troubled.fetch_add(1, Ordering::AcqRel);
            }
            (false, true) => {
                circuit.troubled.fetch_sub(1, Ordering::AcqRel);
            }
            _ => {}
        }
    }

    fn refused_for(&self, ms: u64) -> Refusal {
        Refusal { retry_after: Duration::from_millis(ms), trouble: Arc::clone(&self.standing.lock().trouble) }
    }
}

fn state_of(state: State) -> StoreState {
    match state {
        State::Closed => StoreState::Available,
        State::Open => StoreState::Away,
        State::HalfOpen => StoreState::Probing,
    }
}
