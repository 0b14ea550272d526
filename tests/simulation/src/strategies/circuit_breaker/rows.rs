//! Fleets of one circuit that counts failures in a row, and nothing goes wrong but the calls that
//! it guards: on one host they end well, on the others badly. Their seeds are beyond most others.

use std::collections::BTreeSet;

use tidegate::{CircuitBreakerConfig, Trip};

use crate::random::Random;
use crate::scenario::Scenario;
use crate::strategies::policies::Target;

/// The first seed of such a fleet.
pub const FIRST: u64 = 2 << 60;
/// The last.
pub const LAST: u64 = FIRST + (1 << 60) - 1;

/// Makes such a fleet of one of its seed.
pub(crate) fn change(scenario: &mut Scenario) {
    let mut random = Random::part(scenario.seed, &[11]);
    let trip = Trip { consecutive: Some(random.small(2, 4)), ..Trip::default() };
    scenario.policies.breakers = vec![CircuitBreakerConfig { trip, ..super::generate::breaker(&mut random, 0) }];
    scenario.faults.clear();
    let mut taken = BTreeSet::new();
    scenario.actors.retain(|actor| taken.insert(actor.host));
    for actor in &mut scenario.actors {
        actor.target = Target::Breaker(0);
        actor.pause_us = random.pick(&[40_000, 150_000, 300_000]);
        actor.failures_per_mille = if actor.host == 0 { random.between(0, 200) } else { 1_000 };
        (actor.drops_per_mille, actor.returns_per_mille, actor.orders_per_mille) = (0, 0, 0);
    }
}
