//! What is promised of circuits.

mod away;
mod generations;
mod probes;
mod recovery;
mod successes;

use tidegate::CircuitBreakerConfig;

pub(crate) use self::recovery::lost;
use crate::checks::Violation;
use crate::record::Record;

/// The promises that were not kept to an entity.
pub(crate) fn check(record: &Record, tag: &str, config: &CircuitBreakerConfig, found: &mut Vec<Violation>) {
    generations::check(record, tag, config, found);
    probes::check(record, tag, config, found);
    successes::check(record, tag, config, found);
    away::check(record, tag, config, found);
}

/// The most cells of a circuit, and the longest that it is remembered after its last use, in
/// milliseconds: 30 days after the longest open time here, and a day before it is written again.
pub(crate) const BOUNDS: (usize, u64) = (2, 32 * 86_400_000);
