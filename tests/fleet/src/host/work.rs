//! Carrying out commands.

use anyhow::Result;
use tidegate::Tidegate;

use super::endure::Endurance;
use crate::protocol::{Answer, Command, Endure, Said};
use crate::strategies::{circuit_breaker, rate_limiter};

/// A gate, and what is under way on it.
pub(super) struct Host {
    gate: Tidegate,
    endurance: Endurance,
}

impl Host {
    pub(super) fn new(gate: Tidegate, endurance: Endurance) -> Self {
        Self { gate, endurance }
    }

    pub(super) async fn answer(&mut self, command: Command) -> Result<Answer> {
        let gate = &self.gate;
        Ok(match command {
            Command::RateLimiter(command) => Answer::RateLimiter(rate_limiter::work::answer(gate, command).await?),
            Command::CircuitBreaker(command) => {
                Answer::CircuitBreaker(circuit_breaker::work::answer(gate, command).await?)
            }
            Command::Endure(Endure::Begin(loads)) => Answer::Said(self.endurance.begin(gate, loads)?),
            Command::Endure(Endure::Watch(watch)) => Answer::Said(self.endurance.watch(&watch).await?),
            Command::Endure(Endure::Stop) => Answer::Said(Said::Endured(self.endurance.stop(gate).await?)),
        })
    }
}
