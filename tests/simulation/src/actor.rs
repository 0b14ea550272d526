//! Those who call: each makes its calls on one host, and notes what it asked and heard.

mod circuit;
mod limiter;

pub use self::limiter::{capacity, longest_wait_us, room};

use std::sync::Arc;
use std::time::Duration;

use tidegate::{CircuitBreaker, Clock as _, RateLimiter, Tidegate};
use tokio::task::JoinSet;

use crate::clock::HostClock;
use crate::random::Random;
use crate::record::{Answer, Ask};
use crate::scenario::{self, Burst, Target};
use crate::world::World;

/// A running host.
#[derive(Clone)]
pub struct Host {
    /// Its number.
    pub number: usize,
    /// What it calls.
    pub gate: Tidegate,
    /// What time it believes it is.
    pub clock: HostClock,
}

/// An actor at work.
pub struct Actor {
    world: Arc<World>,
    host: Host,
    of: scenario::Actor,
    random: Random,
}

/// What an actor calls.
enum Subject {
    Limiter { limiter: RateLimiter, key: String, tag: String },
    Breaker { breaker: CircuitBreaker, tag: String },
}

impl Actor {
    /// An actor in its host's so-many-th life.
    pub fn new(world: &Arc<World>, host: Host, of: scenario::Actor, life: u64) -> Self {
        let random = Random::part(world.scenario.seed, &[4, of.number as u64, life]);
        Self { world: Arc::clone(world), host, of, random }
    }

    /// Makes all calls.
    ///
    /// # Panics
    /// If a configuration of the scenario is not valid.
    pub async fn work(mut self) {
        let subject = Subject::open(&self.world, &self.host, self.of.target);
        for call in 0..self.of.calls {
            if call % self.of.rush == 0 {
                self.pause(self.of.pause_us * u64::from(self.of.rush)).await;
            }
            match &subject {
                Subject::Limiter { limiter, key, tag } => self.ask_limiter(limiter, key, tag).await,
                Subject::Breaker { breaker, tag } => self.ask_breaker(breaker, tag).await,
            }
        }
    }

    async fn pause(&mut self, most_us: u64) {
        let us = self.random.between(0, most_us);
        self.world.timeline.sleep(us).await;
        self.world.attend(self.host.number).await;
    }

    async fn wait(&self, time: Duration) {
        self.host.clock.sleep(time).await;
    }

    /// Makes a call and notes it. `None`: this caller lost its patience and went away.
    async fn note<T>(
        &mut self,
        tag: &str,
        ask: Ask,
        call: impl Future<Output = T>,
        answer: impl FnOnce(&T) -> Answer,
    ) -> Option<T> {
        let number = self.world.ask(self.host.number, self.of.number, tag, ask);
        let goes_away = self.random.chance(self.of.drops_per_mille);
        let patience_us = if goes_away { self.random.between(0, 5_000) } else { u64::MAX };
        tokio::select! {
            biased;
            result = call => {
                self.world.end(number, answer(&result));
                Some(result)
            }
            () = self.world.timeline.sleep(patience_us) => {
                self.world.end(number, Answer::Dropped);
                None
            }
        }
    }
}

impl Subject {
    fn open(world: &World, host: &Host, target: Target) -> Self {
        match target {
            Target::Limiter(number, key) => {
                let config = world.scenario.limiters[number].clone();
                let tag = tag_of(world, target);
                let limiter = host.gate.rate_limiter(config).expect("the scenario's configurations are valid");
                Self::Limiter { limiter, key: key.to_string(), tag }
            }
            Target::Breaker(number) => {
                let config = world.scenario.breakers[number].clone();
                let breaker = host.gate.circuit_breaker(config).expect("the scenario's configurations are valid");
                Self::Breaker { breaker, tag: tag_of(world, target) }
            }
        }
    }
}

/// Asks for many keys at once.
///
/// # Panics
/// If a configuration of the scenario is not valid.
pub async fn rush(world: Arc<World>, host: Host, burst: Burst) {
    world.attend(host.number).await;
    let config = world.scenario.limiters[0].clone();
    let limiter = host.gate.rate_limiter(config).expect("the scenario's configurations are valid");
    let mut calls = JoinSet::new();
    for key in 0..burst.keys {
        let limiter = limiter.clone();
        calls.spawn(async move { limiter.try_acquire(&*format!("burst-{key}")).await });
    }
    let answers = calls.join_all().await;
    let failed = answers.iter().filter(|answer| answer.as_ref().map_or(true, |decision| decision.degraded)).count();
    world.end_burst(&burst, failed);
}

/// The tag of the entity that a target is.
pub fn tag_of(world: &World, target: Target) -> String {
    match target {
        Target::Limiter(number, key) => format!("rl:{}:{key}", world.scenario.limiters[number].name),
        Target::Breaker(number) => format!("cb:{}:", world.scenario.breakers[number].name),
    }
}
