//! Counting what happened.

use std::collections::{BTreeMap, HashMap};

use crate::event::{Change, Done, Event, Fallback, Outcome};

/// What happened so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Items that the server answered well.
    pub(crate) passed: u32,
    /// Items that were sent and not answered well.
    pub(crate) failed: u32,
    /// What came instead of a good answer, and how often.
    pub(crate) failures: BTreeMap<String, u32>,
    /// Items that the circuit refused and that made do with the last good answer.
    pub(crate) fell_back_on_last_answer: u32,
    /// Items that the circuit refused and that made do with a fixed answer.
    pub(crate) fell_back_on_default: u32,
    /// Items that the rate limiter did not let go.
    pub(crate) denied: u32,
    /// Items without a decision.
    pub(crate) undecided: u32,
    /// How long each item waited that the rate limiter let go, in microseconds.
    pub(crate) waits_us: Vec<u64>,
    /// When each of those was charged, in microseconds since 1970.
    pub(crate) charged_at_us: HashMap<u32, u64>,
    /// The state changes of the circuit, by time.
    pub(crate) changes: Vec<Change>,
    /// Outcomes that the circuit was not told.
    pub(crate) unrecorded: u32,
    /// Why there was no decision or an outcome was not recorded, the last one.
    pub(crate) last_trouble: Option<String>,
}

impl Tally {
    /// Counts one more thing that happened.
    pub(crate) fn add(&mut self, event: Event) {
        match event {
            Event::Done(done) => self.add_item(done),
            Event::Changed(change) => {
                // Those of several processes may come out of order.
                let place = self.changes.partition_point(|other| other.at_us <= change.at_us);
                self.changes.insert(place, change);
            }
            Event::Unrecorded { error } => {
                self.unrecorded += 1;
                self.last_trouble = Some(error);
            }
        }
    }

    fn add_item(&mut self, done: Done) {
        if let Some(permit) = done.permit {
            self.waits_us.push(permit.waited_us);
            self.charged_at_us.insert(done.item, permit.at_us);
        }
        match done.outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed { with } => {
                self.failed += 1;
                *self.failures.entry(with).or_default() += 1;
            }
            Outcome::FailedFast(Fallback::LastAnswer) => self.fell_back_on_last_answer += 1,
            Outcome::FailedFast(Fallback::Default) => self.fell_back_on_default += 1,
            Outcome::Denied => self.denied += 1,
            Outcome::Undecided { error } => {
                self.undecided += 1;
                self.last_trouble = Some(error);
            }
        }
    }

    /// Items that the circuit refused.
    pub(crate) fn failed_fast(&self) -> u32 {
        self.fell_back_on_last_answer + self.fell_back_on_default
    }

    /// Items that are done with.
    pub(crate) fn done(&self) -> u32 {
        self.passed + self.failed + self.failed_fast() + self.denied + self.undecided
    }

    /// The circuit's state by its last change.
    pub(crate) fn circuit(&self) -> &str {
        self.changes.last().map_or("closed", |change| change.after.as_str())
    }
}
