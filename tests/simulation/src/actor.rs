//! Those who call: each makes its calls on one host, and notes what it asked and heard.

use std::sync::Arc;
use std::time::Duration;

use tidegate::{Clock as _, Tidegate};

use crate::clock::HostClock;
use crate::random::Random;
use crate::scenario;
use crate::strategies::Subject;
use crate::strategies::asked::{Answer, Ask};
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
    pub(crate) of: scenario::Actor,
    pub(crate) random: Random,
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
        let subject = Subject::open(&self.world.scenario.policies, &self.host, self.of.target);
        for call in 0..self.of.calls {
            if call % self.of.rush == 0 {
                self.pause(self.of.pause_us * u64::from(self.of.rush)).await;
            }
            subject.ask(&mut self).await;
        }
    }

    pub(crate) async fn pause(&mut self, most_us: u64) {
        let us = self.random.between(0, most_us);
        self.world.timeline.sleep(us).await;
        self.world.attend(self.host.number).await;
    }

    pub(crate) async fn wait(&self, time: Duration) {
        self.host.clock.sleep(time).await;
    }

    /// Makes a call and notes it. `None`: this caller lost its patience and went away.
    pub(crate) async fn note<T>(
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
