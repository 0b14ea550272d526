//! The policies of a scenario, of all strategies.

use tidegate::{CircuitBreakerConfig, RateLimiterConfig};

use super::circuit_breaker::settings as circuit_breaker;
use super::rate_limiter::settings as rate_limiter;

/// What is called in a run.
#[derive(Debug, Clone)]
pub struct Policies {
    /// The limiters.
    pub limiters: Vec<RateLimiterConfig>,
    /// The circuits.
    pub breakers: Vec<CircuitBreakerConfig>,
}

/// What an actor calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// A key of a limiter, by number.
    Limiter(usize, u32),
    /// A circuit, by number.
    Breaker(usize),
}

/// The policy that an entity is of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Policy<'a> {
    Limiter(&'a RateLimiterConfig),
    Breaker(&'a CircuitBreakerConfig),
}

impl Policies {
    /// The tag of the entity that a target is.
    pub fn tag(&self, target: Target) -> String {
        match target {
            Target::Limiter(number, key) => format!("rl:{}:{key}", self.limiters[number].name),
            Target::Breaker(number) => format!("cb:{}:", self.breakers[number].name),
        }
    }

    /// The policy of a tag's entity.
    pub(crate) fn of(&self, tag: &str) -> Option<Policy<'_>> {
        let limiter = self.limiters.iter().find(|config| tag.starts_with(&format!("rl:{}:", config.name)));
        let breaker = || self.breakers.iter().find(|config| tag.starts_with(&format!("cb:{}:", config.name)));
        limiter.map(Policy::Limiter).or_else(|| breaker().map(Policy::Breaker))
    }

    /// Each in a line.
    pub(crate) fn described(&self) -> impl Iterator<Item = String> {
        let limiters = self.limiters.iter().map(rate_limiter::described);
        limiters.chain(self.breakers.iter().map(circuit_breaker::described))
    }

    /// After so long nothing that was charged or admitted counts any more, in microseconds.
    pub(crate) fn rest_us(&self) -> u64 {
        let limiters = self.limiters.iter().map(rate_limiter::rest_us);
        limiters.chain(self.breakers.iter().map(circuit_breaker::rest_us)).max().unwrap_or(0)
    }

    /// How long somebody may wait at most, in microseconds.
    pub(crate) fn longest_wait_us(&self) -> u64 {
        self.limiters.iter().map(|config| rate_limiter::longest_wait_us(&config.on_limit)).max().unwrap_or(0)
    }
}
