//! From a seed to circuits.

use tidegate::{Backoff, CircuitBreakerConfig, HalfOpen, Sample, SlowRate, Trip};

use crate::random::Random;

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
