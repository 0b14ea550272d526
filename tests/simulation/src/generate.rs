//! From a seed to a scenario.

use crate::clock;
use crate::hiccups;
use crate::jumps;
use crate::random::Random;
use crate::scenario::{Actor, Cuts, Fault, FaultKind, Network, Scenario, Settings};
use crate::strategies;
use crate::strategies::policies::Policies;

/// Faults begin in this time, in microseconds from the start; nearly all calls are made in it.
const LENGTH_US: u64 = 4_000_000;

/// The scenario of a seed. A third of the seeds have no faults but their hosts' clocks, so that
/// promises are held to no slack.
pub fn scenario(seed: u64) -> Scenario {
    let mut scenario = fleet(seed);
    match seed {
        hiccups::FIRST..=hiccups::LAST => hiccups::change(&mut scenario),
        jumps::FIRST..=jumps::LAST => jumps::change(&mut scenario),
        _ => strategies::change(&mut scenario),
    }
    scenario
}

/// The same, with the faults of most fleets.
pub(crate) fn fleet(seed: u64) -> Scenario {
    let mut random = Random::part(seed, &[0]);
    let hosts: Vec<clock::Error> = (0..random.between(1, 5)).map(|_| host_clock(&mut random)).collect();
    let policies = strategies::generate(&mut random, seed, hosts.len());
    let mut actors = Vec::new();
    for host in 0..hosts.len() {
        for _ in 0..random.between(1, 4) {
            let number = actors.len();
            let mut random = Random::part(seed, &[2, number as u64]);
            actors.push(actor(&mut random, number, host, &policies));
        }
    }
    let count = if random.chance(333) { 0 } else { random.between(1, 4) };
    let count = usize::try_from(count).unwrap_or(0);
    let faults = (0..count).map(|number| fault(seed, number, hosts.len())).collect();
    let network = Network {
        least_us: random.between(20, 500),
        spread_us: random.between(10, 2_000),
        slow_per_mille: random.between(0, 100),
    };
    let settings = settings(&mut Random::part(seed, &[6]));
    let (cuts, bursts) = (Cuts::default(), Vec::new());
    Scenario { seed, cuts, hosts, network, settings, policies, actors, faults, bursts }
}

fn settings(random: &mut Random) -> Settings {
    Settings {
        max_batch: random.pick(&[1, 2, 8, 8, 64]),
        max_known: random.pick(&[1, 65_536, 65_536]),
        max_staleness_ms: random.pick(&[0, 20, 100, 100]),
    }
}

fn host_clock(random: &mut Random) -> clock::Error {
    let most_us = random.pick(&[0, 1_000, 100_000, 5_000_000, 3_600_000_000]);
    clock::Error { offset_us: random.signed(most_us), drift_ppm: random.signed(200) }
}

fn actor(random: &mut Random, number: usize, host: usize, policies: &Policies) -> Actor {
    let target = strategies::target(random, policies);
    Actor {
        number,
        host,
        target,
        calls: random.small(10, 60),
        pause_us: random.pick(&[100, 5_000, 40_000, 150_000]),
        rush: random.pick(&[1, 1, 1, 6, 12]),
        most_cost: random.small(1, 3),
        drops_per_mille: random.pick(&[0, 0, 50, 200]),
        returns_per_mille: random.pick(&[0, 0, 100, 400]),
        failures_per_mille: random.pick(&[50, 300, 700]),
        orders_per_mille: random.pick(&[0, 0, 0, 30]),
    }
}

fn fault(seed: u64, number: usize, hosts: usize) -> Fault {
    let mut random = Random::part(seed, &[3, number as u64]);
    let from_us = random.between(100_000, LENGTH_US);
    let kind = match random.index(10) {
        0 => FaultKind::LostRequests(random.between(50, 500)),
        1 => FaultKind::LostReplies(random.between(50, 500)),
        2 => FaultKind::Duplicates(random.between(50, 500)),
        3 => FaultKind::Slow(random.between(1_000, 80_000)),
        4 => FaultKind::Partition(random.index(hosts)),
        5 => FaultKind::Restart,
        6 => FaultKind::Failover { lag_us: random.between(1_000, 800_000), shift_us: random.signed(50_000) },
        7 => FaultKind::HostCrash(random.index(hosts)),
        8 => FaultKind::ClockJump(random.index(hosts), random.signed(10_000_000)),
        _ => FaultKind::Evict(random.between(100, 1_000)),
    };
    Fault { number, from_us, until_us: from_us + random.between(10_000, 1_500_000), kind }
}
