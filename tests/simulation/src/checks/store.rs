//! The store: no decision ahead of its clock, and memory that is bounded and comes back.

use tidegate::store::MAX_LAG_US;

use super::Violation;
use crate::record::Record;
use crate::strategies;

/// The most cells of what a host writes to find out whether the store is back, and how long they
/// may live, in milliseconds.
const PROBE: (usize, u64) = (2, 1_000);
/// What a host writes to find that out has a tag that begins so.
const PROBE_TAG: &str = "sg:probe:";
/// The most bytes of an entity here, where a limit is 20 at most, a queue 12, a sample 10 calls and
/// there are 3 probes.
const MAX_BYTES: usize = 4_000;

pub(super) fn check(record: &Record, found: &mut Vec<Violation>) {
    for commit in &record.commits {
        if commit.at_us > commit.clock_us || commit.clock_us - commit.at_us > MAX_LAG_US {
            let what = format!(
                "{} was decided at {} when the store's clock was {}",
                commit.tag, commit.at_us, commit.clock_us
            );
            found.push(Violation { promise: "no decision ahead of the store's clock", what });
        }
        let probe = if commit.tag.starts_with(PROBE_TAG) { PROBE } else { (PROBE.0, 0) };
        let (most_cells, longest_ms) = strategies::bounds(&record.scenario.policies, &commit.tag).unwrap_or(probe);
        if commit.cells > most_cells || commit.bytes > MAX_BYTES || commit.longest_ttl_ms > longest_ms {
            let what = format!(
                "{} holds {} cells of {} bytes for {} ms",
                commit.tag, commit.cells, commit.bytes, commit.longest_ttl_ms
            );
            found.push(Violation { promise: "the store's memory is bounded", what });
        }
    }
    if !record.leftover.is_empty() {
        let what = format!("left over: {:?}", record.leftover);
        found.push(Violation { promise: "the store's memory is bounded", what });
    }
}
