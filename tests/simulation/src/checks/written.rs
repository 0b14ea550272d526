//! Records written by hand, to put checkers to the test.

use crate::generate;
use crate::record::{Applied, Call, Record};
use crate::scenario::Scenario;
use crate::strategies::asked::{Answer, Ask};
use crate::strategies::policies::Policies;
use crate::world::World;

/// The entity that all calls are about.
pub(crate) const TAG: &str = "rl:limiter:0";
/// When it begins, in microseconds since 1970.
pub(crate) const START_US: u64 = 1_767_268_800_000_000;

/// A record of nothing yet.
pub(crate) fn nothing(policies: Policies) -> Record {
    let (of_seed, actors, faults) = (generate::scenario(0), Vec::new(), Vec::new());
    World::new(Scenario { policies, actors, faults, ..of_seed }, None).record(0)
}

/// Adds a call on the entity that was answered this many microseconds after the start, by a commit
/// of its own on top of another, which `gives` so often.
pub(crate) fn add(record: &mut Record, ask: Ask, us: u64, parent: Option<usize>, gives: u64, answer: Answer) -> usize {
    let (number, at_us) = (record.commits.len(), START_US + us);
    record.commits.push(Applied {
        tag: TAG.to_owned(),
        at_us,
        clock_us: at_us,
        parent,
        again: false,
        gives,
        refused: false,
        moved_back: 0,
        cells: 1,
        bytes: 1,
        longest_ttl_ms: 1,
    });
    let order = 2 * record.calls.len() as u64;
    record.calls.push(Call {
        host: 0,
        actor: 0,
        tag: TAG.to_owned(),
        ask,
        asked: (us, order),
        ended: (us, order + 1),
        commit: Some(number),
        answer,
        epilogue: false,
    });
    number
}
