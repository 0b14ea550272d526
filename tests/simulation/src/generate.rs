//! From a seed to a scenario.

use tidegate::{
    Algorithm, Backoff, CircuitBreakerConfig, HalfOpen, Lease, Limit, OnLimit, RateLimiterConfig, Sample, SlowRate,
    Trip, WhenAway, WindowUnit,
};

use crate::clock;
use crate::hiccups;
use crate::jumps;
use crate::places;
use crate::random::Random;
use crate::rows;
use crate::scenario::{Actor, Cuts, Fault, FaultKind, Network, Scenario, Settings, Target};

/// Faults begin in this time, in microseconds from the start; nearly all calls are made in it.
const LENGTH_US: u64 = 4_000_000;

/// The scenario of a seed. A third of the seeds have no faults but their hosts' clocks, so that
/// promises are held to no slack.
pub fn scenario(seed: u64) -> Scenario {
    match seed {
        places::FIRST.. => places::scenario(seed),
        jumps::FIRST.. => jumps::scenario(seed),
        rows::FIRST.. => rows::scenario(seed),
        hiccups::FIRST.. => hiccups::scenario(seed),
        _ => fleet(seed),
    }
}

/// The same, with the faults of most fleets.
pub(crate) fn fleet(seed: u64) -> Scenario {
    let mut random = Random::part(seed, &[0]);
    let hosts: Vec<clock::Error> = (0..random.between(1, 5)).map(|_| host_clock(&mut random)).collect();
    let limiters = (0..random.between(1, 2)).map(|number| limiter(&mut random, number));
    let mut limiters: Vec<_> = limiters.collect();
    let mut breakers: Vec<_> = (0..random.between(0, 1)).map(|number| breaker(&mut random, number)).collect();
    for (number, config) in (0..).zip(&mut limiters) {
        lease(&mut Random::part(seed, &[7, number]), config);
        config.when_away = when_away(&mut Random::part(seed, &[8, number]), hosts.len());
    }
    for (number, config) in (0..).zip(&mut breakers) {
        config.when_away = when_away(&mut Random::part(seed, &[9, number]), hosts.len());
    }
    let mut actors = Vec::new();
    for host in 0..hosts.len() {
        for _ in 0..random.between(1, 4) {
            let number = actors.len();
            let mut random = Random::part(seed, &[2, number as u64]);
            actors.push(actor(&mut random, number, host, limiters.len(), breakers.len()));
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
    Scenario { seed, cuts, hosts, network, settings, limiters, breakers, actors, faults, bursts }
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

fn limiter(random: &mut Random, number: u64) -> RateLimiterConfig {
    let mut config = RateLimiterConfig::new(format!("limiter-{number}"), limit(random));
    if random.chance(200) {
        // Not of the same algorithm and window, which would be counted in the same cells.
        let mut other = limit(random);
        other.window_count = config.limits[0].window_count * 3;
        config = config.and(other);
    }
    config.on_limit(match random.index(3) {
        0 => OnLimit::Reject,
        1 => OnLimit::Delay { max_wait_ms: random.between(1, 800) },
        _ => {
            let timeout_ms = random.between(100, 2_000);
            let grace_ms = Some(random.between(1, 200).min(timeout_ms));
            OnLimit::Queue { max_size: random.small(1, 12), timeout_ms, grace_ms }
        }
    })
}

/// Gives most limiters that reject a lease, and limits so large that there is something to lease.
fn lease(random: &mut Random, config: &mut RateLimiterConfig) {
    if config.on_limit != OnLimit::Reject || random.chance(200) {
        return;
    }
    let life_ms = random.pick(&[20, 80, 150, 150]);
    for (limit, least_ms) in config.limits.iter_mut().zip([4 * life_ms, 12 * life_ms]) {
        limit.limit *= 3;
        // A bucket works with what its burst is above what comes back in the lease's life. And a
        // life that is short beside the window puts nothing to the test.
        limit.window_count = limit.window_count.clamp(least_ms, 2 * least_ms);
        if let Algorithm::Gcra { burst } | Algorithm::TokenBucket { burst } = &mut limit.algorithm {
            *burst = burst.map(|burst| burst.max(limit.limit / 2));
        }
    }
    config.lease = Some(Lease { max_permits: random.small(2, 30).max(2), life_ms });
}

fn when_away(random: &mut Random, hosts: usize) -> WhenAway {
    let hosts = u32::try_from(hosts).unwrap_or(1);
    random.pick(&[WhenAway::Error, WhenAway::Error, WhenAway::Open, WhenAway::Closed, WhenAway::Share { hosts }])
}

fn limit(random: &mut Random) -> Limit {
    let burst = if random.chance(500) { Some(random.small(3, 20)) } else { None };
    let algorithm = match random.index(6) {
        0 => Algorithm::SlidingWindow { sub_windows: random.pick(&[1, 2, 10, 64]) },
        1 => Algorithm::Gcra { burst },
        2 => Algorithm::TokenBucket { burst },
        3 => Algorithm::FixedWindow,
        4 => Algorithm::SlidingWindowCounter,
        _ => Algorithm::SlidingLog,
    };
    Limit::new(random.small(3, 20), WindowUnit::Millisecond, random.between(50, 1_500)).by(algorithm)
}

pub(crate) fn breaker(random: &mut Random, number: u64) -> CircuitBreakerConfig {
    let mut trip = Trip { consecutive: Some(random.small(1, 4)), ..Trip::default() };
    if random.chance(300) {
        trip = Trip {
            failure_rate_percent: Some(40.0),
            sample: if random.chance(500) { Sample::Calls(10) } else { Sample::WindowMs(1_000) },
            minimum_calls: 4,
            slow_rate: Some(SlowRate { percent: 80.0, slower_than_ms: 20 }),
            ..Trip::default()
        };
    }
    let open_ms = random.between(50, 600);
    let backoff = random.chance(500).then_some(Backoff { factor: 2.0, cap_ms: 4 * open_ms });
    CircuitBreakerConfig {
        open_ms,
        backoff,
        half_open: HalfOpen {
            probes: random.small(1, 3),
            successes: random.small(1, 3),
            permit_ms: random.between(50, 500),
            ..HalfOpen::default()
        },
        ..CircuitBreakerConfig::new(format!("circuit-{number}"), trip)
    }
}

fn actor(random: &mut Random, number: usize, host: usize, limiters: usize, breakers: usize) -> Actor {
    let target = if breakers > 0 && random.chance(400) {
        Target::Breaker(random.index(breakers))
    } else {
        // Most meet on one key.
        Target::Limiter(random.index(limiters), u32::from(random.chance(150)))
    };
    Actor {
        number,
        host,
        target,
        calls: random.small(10, 60),
        pause_us: random.pick(&[100, 5_000, 40_000, 150_000]),
        rush: random.pick(&[1, 1, 1, 6, 12]),
        most_cost: random.small(1, 3),
        drops_per_mille: random.pick(&[0, 0, 50, 200]),
        refunds_per_mille: random.pick(&[0, 0, 100, 400]),
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
