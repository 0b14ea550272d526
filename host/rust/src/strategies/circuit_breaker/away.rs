//! What a circuit breaker answers while the store is away.

use std::sync::Arc;
use std::time::Duration;

use super::handle::CircuitBreaker;
use super::report::{CircuitReport, Effect, Mode, Permit, State};
use super::request::Request;
use crate::away::WhenAway;
use crate::error::Error;
use crate::key::EntityKey;
use crate::ledger::Ledger;

impl CircuitBreaker {
    /// The answer of the settings to an admission that the store has not answered.
    pub(super) fn admit_away(&self, error: Error) -> Result<CircuitReport, Error> {
        let Some((ledger, key)) = self.away() else {
            // The memory store is full: there are no other hosts, and nothing comes back.
            return match self.config().when_away {
                WhenAway::Error | WhenAway::Own => Err(error),
                WhenAway::Open => Ok(CircuitReport::let_go()),
                WhenAway::Closed | WhenAway::Share { .. } => Ok(CircuitReport::refused(Duration::ZERO)),
            };
        };
        let answer = match self.config().when_away {
            WhenAway::Error => return Err(error),
            WhenAway::Open => CircuitReport::let_go(),
            WhenAway::Closed => CircuitReport::refused(ledger.retry_after(&key)),
            WhenAway::Share { .. } | WhenAway::Own => match self.alone(ledger, &key, &Request::Admit) {
                // This host cannot keep more circuits apart.
                Err(error) if error.is_of_store() => CircuitReport::refused(ledger.retry_after(&key)),
                answer => answer?,
            },
        };
        ledger.note_degraded();
        Ok(answer)
    }

    /// Takes in the outcome of a call that was admitted without the store.
    pub(super) fn record_alone(&self, request: &Request) -> Result<CircuitReport, Error> {
        match self.own_state() {
            Some((ledger, key)) => self.alone(ledger, &key, request),
            None => Ok(CircuitReport::ignored()),
        }
    }

    /// Keeps the outcome of a call that was admitted by the store for when that is back, if it is
    /// away. True: it was.
    pub(super) fn keeps_outcome(&self, request: &Request) -> bool {
        self.away().is_some_and(|(ledger, key)| ledger.keeps(&key, &self.inner.policy, request))
    }

    /// The outcome of such a call did not get through now. By shares, this host's own circuit is
    /// told, by a permit of its own.
    pub(super) fn outcome_away(&self, request: &Request) -> Result<CircuitReport, Error> {
        let Some((ledger, key)) = self.own_state() else { return Ok(CircuitReport::ignored()) };
        match self.alone(ledger, &key, &Request::Admit) {
            Ok(CircuitReport { permit: Some(permit), .. }) => {
                self.alone(ledger, &key, &request.clone().with_permit(permit.into()))
            }
            Err(error) if !error.is_of_store() => Err(error),
            _ => Ok(CircuitReport::ignored()),
        }
    }

    /// Reads the circuit while the store is away.
    pub(super) fn status_away(&self, error: Error) -> Result<CircuitReport, Error> {
        match self.own_state() {
            Some((ledger, key)) => self.alone(ledger, &key, &Request::Status),
            None => Err(error),
        }
    }

    /// Where this host's own state decides.
    fn own_state(&self) -> Option<(&Arc<Ledger>, EntityKey)> {
        self.away().filter(|_| self.config().when_away.is_own_state())
    }

    fn away(&self) -> Option<(&Arc<Ledger>, EntityKey)> {
        let ledger = self.inner.core.ledger()?;
        Some((ledger, self.inner.namespace.entity(&self.key)))
    }

    /// Makes a call on the circuit that only this host keeps.
    fn alone(&self, ledger: &Ledger, key: &EntityKey, request: &Request) -> Result<CircuitReport, Error> {
        let mut answer = CircuitReport::from(ledger.alone(key, &self.inner.policy, request)?);
        answer.degraded = true;
        answer.permit = answer.permit.map(|permit| Permit { degraded: true, ..permit });
        Ok(answer)
    }
}

impl CircuitReport {
    /// Admitted by nobody: the outcome counts nowhere.
    fn let_go() -> Self {
        let permit = Permit { generation: 0, admitted_at_us: 0, probe: 0, degraded: true };
        Self { permit: Some(permit), ..Self::without_store(Effect::Admitted, State::Closed) }
    }

    /// Refused until the store is tried again.
    fn refused(retry_after: Duration) -> Self {
        Self { retry_after, ..Self::without_store(Effect::RefusedAway, State::Open) }
    }

    /// An outcome that counts nowhere.
    fn ignored() -> Self {
        Self::without_store(Effect::Ignored, State::Closed)
    }

    /// An answer that says nothing of counts.
    fn without_store(effect: Effect, state: State) -> Self {
        Self {
            effect,
            state,
            mode: Mode::Normal,
            generation: 0,
            permit: None,
            failures: 0,
            consecutive: 0,
            calls: 0,
            failed: 0,
            slow: 0,
            failure_rate: 0.0,
            slow_rate: 0.0,
            successes: 0,
            probes: 0,
            retry_after: Duration::ZERO,
            last_failure: None,
            event: None,
            discarded: 0,
            degraded: true,
        }
    }
}
