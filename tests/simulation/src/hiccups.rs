//! Fleets to which nothing happens but hiccups: pauses of the store, hosts that are busy with
//! something else for a while, and bursts of keys. Their seeds are beyond all others.

use crate::link::LIMIT_US;
use crate::random::Random;
use crate::scenario::{Burst, Fault, FaultKind, Network, Scenario};

/// The first seed of such a fleet.
pub const FIRST: u64 = 1 << 60;
/// The last.
pub const LAST: u64 = FIRST + (1 << 60) - 1;

/// Hiccups begin in this time, in microseconds from the start.
const LENGTH_US: u64 = 3_000_000;

/// Makes such a fleet of one of its seed.
pub(crate) fn change(scenario: &mut Scenario) {
    let mut random = Random::part(scenario.seed, &[10]);
    let (least_us, spread_us) = (random.between(20, 200), random.between(10, 500));
    scenario.network = Network { least_us, spread_us, slow_per_mille: 0 };
    let (count, hosts) = (usize::try_from(random.between(1, 4)).unwrap_or(1), scenario.hosts.len());
    // In half of the fleets the store never pauses for as long as a call may wait.
    let longest_us = if random.chance(500) { LIMIT_US / 2 } else { 1_500_000 };
    scenario.faults = (0..count).map(|number| hiccup(&mut random, number, hosts, longest_us)).collect();
    scenario.bursts = (0..random.between(0, 2)).map(|_| burst(&mut random, hosts)).collect();
}

fn hiccup(random: &mut Random, number: usize, hosts: usize, longest_us: u64) -> Fault {
    let from_us = random.between(100_000, LENGTH_US);
    let (kind, lasts_us) = if random.chance(500) {
        (FaultKind::Pause, random.between(1_000, longest_us))
    } else {
        (FaultKind::Busy(random.index(hosts)), random.between(1_000, 10 * LIMIT_US))
    };
    Fault { number, from_us, until_us: from_us + lasts_us, kind }
}

/// Now and then of more keys than may be on their way together.
fn burst(random: &mut Random, hosts: usize) -> Burst {
    let keys = if random.chance(50) { 600 } else { random.between(10, 100) };
    Burst { host: random.index(hosts), at_us: random.between(50_000, LENGTH_US), keys }
}
