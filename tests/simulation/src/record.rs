//! What was observed in a run: every call as its caller saw it, and every commit as the store took
//! it. Checkers see only this.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tidegate::StoreState;

use crate::scenario::Scenario;
use crate::strategies::asked::{Answer, Ask};

/// One call.
#[derive(Debug, Clone)]
pub struct Call {
    /// On which host.
    pub host: usize,
    /// By which actor.
    pub actor: usize,
    /// The tag of the entity.
    pub tag: String,
    /// What was asked.
    pub ask: Ask,
    /// When, in microseconds since the start, and as which of all that was asked and answered.
    pub asked: (u64, u64),
    /// When it ended, likewise.
    pub ended: (u64, u64),
    /// The commit that the answer comes from, where that is known: an index of [`Record::commits`].
    pub commit: Option<usize>,
    /// The answer.
    pub answer: Answer,
    /// Whether it was made after all faults, to see whether all is well again.
    pub epilogue: bool,
}

/// A commit that the store applied, or refused and told the values of.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The tag of the entity.
    pub tag: String,
    /// Its time, in microseconds since 1970 on the store's clock.
    pub at_us: u64,
    /// The store's clock when it was applied.
    pub clock_us: u64,
    /// The commit before it on the same entity whose effects the store still had.
    pub parent: Option<usize>,
    /// Whether it was the second copy of a request of which the store had the first before, and
    /// applied or turned away.
    pub again: bool,
    /// How many numbers it moves back, and values it replaces: each may give permits. Of one that
    /// was refused: what it would have, if it was the second copy of one that had.
    pub gives: u64,
    /// Whether it was refused, and its host told the values.
    pub refused: bool,
    /// How many numbers it moved back.
    pub moved_back: u64,
    /// The entity's cells after it.
    pub cells: usize,
    /// The bytes in them.
    pub bytes: usize,
    /// The longest time that one of them has to live, in milliseconds.
    pub longest_ttl_ms: u64,
}

/// All that was observed.
#[derive(Debug, Clone)]
pub struct Record {
    /// What was to happen.
    pub scenario: Scenario,
    /// The calls, in the order they were made.
    pub calls: Vec<Call>,
    /// The commits, in the order they were applied.
    pub commits: Vec<Applied>,
    /// When the run ended, in microseconds since the start.
    pub ended_us: u64,
    /// Cells left in the store after all that is of use has been over for 40 days.
    pub leftover: Vec<String>,
    /// Repeated runs that did something else, over all hosts.
    pub diverged: u64,
    /// What hosts were told of the store, in its order.
    pub news: Vec<News>,
    /// How bursts ended.
    pub bursts: Vec<Ended>,
    /// When a host was first cut off from the store whatever the scenario says.
    pub cut_off_us: u64,
}

/// What a host was told of the store.
#[derive(Debug, Clone)]
pub struct News {
    /// Which host.
    pub host: usize,
    /// When.
    pub at_us: u64,
    /// What the store has come to.
    pub after: StoreState,
}

/// How a burst of keys ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// On which host.
    pub host: usize,
    /// Of how many keys it was.
    pub keys: u64,
    /// How many calls failed, or were answered without the store.
    pub failed: usize,
    /// When.
    pub ended_us: u64,
}

impl Record {
    /// The tags that were called.
    pub fn tags(&self) -> Vec<&str> {
        let mut tags: Vec<&str> = self.calls.iter().map(|call| call.tag.as_str()).collect();
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    /// The calls on an entity.
    pub fn on<'a>(&'a self, tag: &'a str) -> impl Iterator<Item = &'a Call> {
        self.calls.iter().filter(move |call| call.tag == tag)
    }

    /// For each entity, the commits after which no other came on top: each ends a line of what the
    /// store once held.
    pub fn tips(&self, tag: &str) -> Vec<usize> {
        let mut tips: BTreeMap<usize, bool> = BTreeMap::new();
        for (index, commit) in self.commits.iter().enumerate().filter(|(_, commit)| commit.tag == tag) {
            tips.insert(index, true);
            if let Some(parent) = commit.parent {
                tips.insert(parent, false);
            }
        }
        tips.into_iter().filter(|(_, tip)| *tip).map(|(index, _)| index).collect()
    }

    /// The commits whose effects the store held when it applied this one, itself included, the
    /// latest first.
    pub fn line(&self, tip: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(tip), |index| self.commits[*index].parent)
    }

    /// The whole record as text: equal for equal runs.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for call in &self.calls {
            let _ = writeln!(text, "{call:?}");
        }
        for commit in &self.commits {
            let _ = writeln!(text, "{commit:?}");
        }
        let _ = writeln!(text, "{} {:?}", self.ended_us, self.leftover);
        text
    }
}
