//! The store: no decision ahead of its clock, and memory that is bounded and comes back.

use tidegate::store::MAX_LAG_US;
use tidegate::{Algorithm, Limit};

use super::{Violation, breaker_of, limiter_of};
use crate::record::Record;

/// The most cells of a circuit, and of what a host writes to find out whether the store is back.
const MAX_CELLS: usize = 2;
/// The most bytes of an entity here, where a limit is 20 at most, a queue 12, a sample 10 calls and
/// there are 3 probes.
const MAX_BYTES: usize = 4_000;
/// The longest that a circuit is remembered after its last use, in milliseconds: 30 days after the
/// longest open time here, and a day before it is written again.
const CIRCUIT_MS: u64 = 32 * 86_400_000;

pub(super) fn check(record: &Record, found: &mut Vec<Violation>) {
    for commit in &record.commits {
        if commit.at_us > commit.clock_us || commit.clock_us - commit.at_us > MAX_LAG_US {
            let what = format!(
                "{} was decided at {} when the store's clock was {}",
                commit.tag, commit.at_us, commit.clock_us
            );
            found.push(Violation { promise: "no decision ahead of the store's clock", what });
        }
        let longest_ms = longest_ms(record, &commit.tag);
        if commit.cells > most_cells(record, &commit.tag)
            || commit.bytes > MAX_BYTES
            || commit.longest_ttl_ms > longest_ms
        {
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

/// The most cells of an entity. Of a limiter: the queue, and for each limit two. Of a strict window
/// four, since what hosts count in an open group is beside the others. Of a bucket four, since that
/// knows what was given back and when, and by which limit it is counted.
fn most_cells(record: &Record, tag: &str) -> usize {
    let Some(config) = limiter_of(&record.scenario, tag) else { return MAX_CELLS };
    let of = |limit: &Limit| match limit.algorithm {
        Algorithm::SlidingWindow { .. } | Algorithm::Gcra { .. } | Algorithm::TokenBucket { .. } => 4,
        _ => 2,
    };
    1 + config.limits.iter().map(of).sum::<usize>()
}

/// How long what a host writes to find out whether the store is back may live, in milliseconds.
const PROBE_MS: u64 = 1_000;

/// How much longer than its use what says by which limit a bucket is counted lives at least, so
/// that it need not be put with every call.
const SPARE_MS: u64 = 1_000;

/// How long a cell of an entity may live: as long as a permit counts, in whole sub-windows, or one
/// may wait, and the second by which a commit may be late; for as long again, or the spare time,
/// what says by which limit a bucket is counted.
fn longest_ms(record: &Record, tag: &str) -> u64 {
    let Some(config) = limiter_of(&record.scenario, tag) else {
        let probe_ms = if tag.starts_with("sg:probe:") { PROBE_MS } else { 0 };
        return breaker_of(&record.scenario, tag).map_or(probe_ms, |_| CIRCUIT_MS);
    };
    let wait_ms = crate::actor::longest_wait_us(&config.on_limit) / 1_000;
    let window_ms = |limit: &tidegate::Limit| {
        let burst = u64::from(crate::actor::capacity(limit));
        // A bucket fills up in `burst / limit` windows, a window counts for two at most.
        limit.window_count * (2 + burst.div_ceil(u64::from(limit.limit)))
    };
    let use_ms = config.limits.iter().map(window_ms).max().unwrap_or(0) + wait_ms;
    let is_bucket = |limit: &Limit| matches!(limit.algorithm, Algorithm::Gcra { .. } | Algorithm::TokenBucket { .. });
    let spare_ms = if config.limits.iter().any(is_bucket) { use_ms.max(SPARE_MS) } else { 0 };
    use_ms + spare_ms + 2_000
}
