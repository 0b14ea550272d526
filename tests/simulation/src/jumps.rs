//! Fleets to which nothing happens but that hosts' clocks jump, again and again and by so little
//! that what is ahead of the store's time is so no more when it comes late. Their seeds are beyond
//! all others.

use crate::random::Random;
use crate::scenario::{Fault, FaultKind, Scenario};

/// The first seed of such a fleet.
pub const FIRST: u64 = 3 << 60;
/// The last.
pub const LAST: u64 = FIRST + (1 << 60) - 1;

/// By so much at most, in microseconds.
const FARTHEST_US: i64 = 25_000;
/// Clocks jump in this time, in microseconds from the start.
const LENGTH_US: u64 = 4_000_000;

/// Makes such a fleet of one of its seed.
pub(crate) fn change(scenario: &mut Scenario) {
    let mut random = Random::part(scenario.seed, &[12]);
    let (count, hosts) = (usize::try_from(random.between(10, 40)).unwrap_or(10), scenario.hosts.len());
    let mut jump = |number| {
        let from_us = random.between(100_000, LENGTH_US);
        let kind = FaultKind::ClockJump(random.index(hosts), random.signed(FARTHEST_US));
        Fault { number, from_us, until_us: from_us, kind }
    };
    scenario.faults = (0..count).map(&mut jump).collect();
}
