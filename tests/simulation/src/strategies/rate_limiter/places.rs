//! Fleets of a strict window that gives places ahead, of which many are given back, and nothing
//! else goes wrong. Their seeds are beyond all others.

use tidegate::{Algorithm, OnLimit};

use crate::random::Random;
use crate::scenario::Scenario;
use crate::strategies::policies::Target;

/// The first seed of such a fleet.
pub const FIRST: u64 = 4 << 60;
/// The last.
pub const LAST: u64 = FIRST + (1 << 60) - 1;

/// Makes such a fleet of one of its seed.
pub(crate) fn change(scenario: &mut Scenario) {
    let mut random = Random::part(scenario.seed, &[13]);
    scenario.faults.clear();
    scenario.policies.limiters.truncate(1);
    let config = &mut scenario.policies.limiters[0];
    config.limits.truncate(1);
    config.limits[0].algorithm = Algorithm::SlidingWindow { sub_windows: 64 };
    let window_ms = config.limits[0].window_count;
    let max_wait_ms = random.between(window_ms.div_ceil(4), window_ms);
    (config.on_limit, config.lease) = (OnLimit::Delay { max_wait_ms }, None);
    for actor in &mut scenario.actors {
        actor.target = Target::Limiter(0, 0);
        actor.rush = 1;
        actor.returns_per_mille = random.pick(&[100, 300]);
        actor.drops_per_mille = 0;
    }
}
