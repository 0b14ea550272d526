//! Calls of circuit breakers.

use std::time::Duration;

use tidegate::{CircuitBreaker, CircuitBreakerConfig, CircuitReport, Error, Failure, Mode, Permit};

use crate::actor::{Actor, Host};
use crate::strategies::asked::{Answer, Ask};

/// A circuit.
pub(crate) struct Subject {
    breaker: CircuitBreaker,
    tag: String,
}

impl Subject {
    pub(crate) fn open(host: &Host, config: &CircuitBreakerConfig, tag: String) -> Self {
        let breaker = host.gate.circuit_breaker(config.clone()).expect("the scenario's configurations are valid");
        Self { breaker, tag }
    }

    /// Makes a call, and what follows from it.
    pub(crate) async fn ask(&self, actor: &mut Actor) {
        actor.ask_breaker(&self.breaker, &self.tag).await;
    }
}

impl Actor {
    async fn ask_breaker(&mut self, breaker: &CircuitBreaker, tag: &str) {
        if self.random.chance(self.of.orders_per_mille) {
            self.order(breaker, tag).await;
        } else if self.random.chance(100) {
            self.note(tag, Ask::Status, breaker.status(), reported).await;
        } else {
            self.guarded(breaker, tag).await;
        }
    }

    async fn guarded(&mut self, breaker: &CircuitBreaker, tag: &str) {
        let report = self.note(tag, Ask::Admit, breaker.admit(), reported).await;
        let Some(Ok(CircuitReport { permit: Some(permit), .. })) = report else { return };
        let elapsed = Duration::from_micros(self.random.between(100, 50_000));
        self.wait(elapsed).await;
        if self.random.chance(100) {
            // Its outcome comes late: the circuit may have changed, and a probe may have been given
            // up.
            self.pause(700_000).await;
        }
        self.outcome(breaker, tag, permit, elapsed).await;
    }

    async fn outcome(&mut self, breaker: &CircuitBreaker, tag: &str, permit: Permit, elapsed: Duration) {
        if self.random.chance(self.of.returns_per_mille / 4) {
            self.note(tag, Ask::Cancelled(permit), breaker.cancelled(permit, elapsed), reported).await;
        } else if self.random.chance(self.of.failures_per_mille) {
            let failed = breaker.failed(permit, elapsed, Failure::default());
            self.note(tag, Ask::Failed(permit), failed, reported).await;
        } else {
            self.note(tag, Ask::Succeeded(permit), breaker.succeeded(permit, elapsed), reported).await;
        }
    }

    async fn order(&mut self, breaker: &CircuitBreaker, tag: &str) {
        if self.random.chance(300) {
            self.note(tag, Ask::Reset, breaker.reset(), reported).await;
            return;
        }
        let modes = [Mode::ForcedOpen, Mode::ForcedClosed, Mode::Disabled, Mode::MetricsOnly];
        for mode in [self.random.pick(&modes), Mode::Normal] {
            self.note(tag, Ask::SetMode(mode), breaker.set_mode(mode), reported).await;
            self.pause(100_000).await;
        }
    }
}

pub(super) fn reported(result: &Result<CircuitReport, Error>) -> Answer {
    match result {
        Ok(report) => Answer::Report(Box::new(report.clone())),
        Err(error) => Answer::Error(error.to_string()),
    }
}
