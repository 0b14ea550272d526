//! The strategies, a folder each: how their policies are generated, called, looked at after all
//! faults, and checked. This file lists them for the rest of the simulation, which knows none.

pub mod asked;
pub mod circuit_breaker;
mod commit_of;
pub mod policies;
pub mod rate_limiter;

pub(crate) use self::commit_of::commit_of;
pub(crate) use self::rate_limiter::act::rush;

use std::sync::Arc;

use tidegate::WhenAway;

use self::policies::{Policies, Policy, Target};
use crate::actor::{Actor, Host};
use crate::checks::Violation;
use crate::random::Random;
use crate::record::{Call, Record};
use crate::scenario::Scenario;
use crate::world::World;

/// The policies of a seed's fleet.
pub(crate) fn generate(random: &mut Random, seed: u64, hosts: usize) -> Policies {
    let limiters = (0..random.between(1, 2)).map(|number| rate_limiter::generate::limiter(random, number));
    let mut limiters: Vec<_> = limiters.collect();
    let breakers = (0..random.between(0, 1)).map(|number| circuit_breaker::generate::breaker(random, number));
    let mut breakers: Vec<_> = breakers.collect();
    for (number, config) in (0..).zip(&mut limiters) {
        rate_limiter::generate::lease(&mut Random::part(seed, &[7, number]), config);
        config.when_away = when_away(&mut Random::part(seed, &[8, number]), hosts);
    }
    for (number, config) in (0..).zip(&mut breakers) {
        config.when_away = when_away(&mut Random::part(seed, &[9, number]), hosts);
    }
    Policies { limiters, breakers }
}

/// Makes fleets for one strategy of those whose seeds are for that.
pub(crate) fn change(scenario: &mut Scenario) {
    match scenario.seed {
        rate_limiter::places::FIRST..=rate_limiter::places::LAST => rate_limiter::places::change(scenario),
        circuit_breaker::rows::FIRST..=circuit_breaker::rows::LAST => circuit_breaker::rows::change(scenario),
        _ => {}
    }
}

fn when_away(random: &mut Random, hosts: usize) -> WhenAway {
    let hosts = u32::try_from(hosts).unwrap_or(1);
    random.pick(&[WhenAway::Error, WhenAway::Error, WhenAway::Open, WhenAway::Closed, WhenAway::Share { hosts }])
}

/// What an actor calls.
pub(crate) fn target(random: &mut Random, policies: &Policies) -> Target {
    if !policies.breakers.is_empty() && random.chance(400) {
        return Target::Breaker(random.index(policies.breakers.len()));
    }
    // Most meet on one key.
    Target::Limiter(random.index(policies.limiters.len()), u32::from(random.chance(150)))
}

/// What an actor calls, in its host.
pub(crate) enum Subject {
    Limiter(rate_limiter::act::Subject),
    Breaker(circuit_breaker::act::Subject),
}

impl Subject {
    pub(crate) fn open(policies: &Policies, host: &Host, target: Target) -> Self {
        let tag = policies.tag(target);
        match target {
            Target::Limiter(number, key) => {
                Self::Limiter(rate_limiter::act::Subject::open(host, &policies.limiters[number], key, tag))
            }
            Target::Breaker(number) => {
                Self::Breaker(circuit_breaker::act::Subject::open(host, &policies.breakers[number], tag))
            }
        }
    }

    /// Makes a call, and what follows from it.
    pub(crate) async fn ask(&self, actor: &mut Actor) {
        match self {
            Self::Limiter(subject) => subject.ask(actor).await,
            Self::Breaker(subject) => subject.ask(actor).await,
        }
    }
}

/// After all faults: cuts a host off for one call on each policy that lets calls go without the
/// store.
pub(crate) async fn go_without(world: Arc<World>, host: Host) {
    let policies = &world.scenario.policies;
    for (number, config) in policies.limiters.iter().enumerate() {
        let tag = policies.tag(Target::Limiter(number, 0));
        rate_limiter::epilogue::go_without(&world, &host, config, &tag).await;
    }
}

/// After all that was charged has come back: asks on a host that was there all the time, and has
/// noticed that the store is back.
pub(crate) async fn revisit(world: Arc<World>, host: Host) {
    let policies = &world.scenario.policies;
    for (number, config) in policies.limiters.iter().enumerate() {
        let tag = policies.tag(Target::Limiter(number, 0));
        rate_limiter::epilogue::revisit(&world, &host, config, &tag).await;
    }
    host.gate.flush().await;
}

/// Likewise: a host that knows nothing asks every entity for all that it has.
pub(crate) async fn audit(world: Arc<World>, host: Host) {
    let policies = &world.scenario.policies;
    for (number, config) in policies.limiters.iter().enumerate() {
        let tags = [0, 1].map(|key| policies.tag(Target::Limiter(number, key)));
        rate_limiter::epilogue::audit(&world, &host, config, tags).await;
    }
    for (number, config) in policies.breakers.iter().enumerate() {
        circuit_breaker::epilogue::audit(&world, &host, config, &policies.tag(Target::Breaker(number))).await;
    }
    host.gate.flush().await;
}

/// The promises that were not kept to an entity.
pub(crate) fn check(record: &Record, tag: &str, found: &mut Vec<Violation>) {
    match record.scenario.policies.of(tag) {
        Some(Policy::Limiter(config)) => rate_limiter::checks::check(record, tag, config, found),
        Some(Policy::Breaker(config)) => circuit_breaker::checks::check(record, tag, config, found),
        None => {}
    }
}

/// What was lost for ever, by a call that was made after all faults.
pub(crate) fn lost(policies: &Policies, call: &Call) -> Option<String> {
    match policies.of(&call.tag)? {
        Policy::Limiter(config) => rate_limiter::checks::lost(config, call),
        Policy::Breaker(_) => circuit_breaker::checks::lost(call),
    }
}

/// How many cells an entity may have in the store, and for how long they may live, in milliseconds.
pub(crate) fn bounds(policies: &Policies, tag: &str) -> Option<(usize, u64)> {
    Some(match policies.of(tag)? {
        Policy::Limiter(config) => rate_limiter::checks::bounds(config),
        Policy::Breaker(_) => circuit_breaker::checks::BOUNDS,
    })
}
