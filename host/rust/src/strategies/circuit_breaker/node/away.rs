//! What a circuit breaker node answers while the store is away: what this host's own circuit says.

use std::sync::Arc;

use super::handle::{CircuitBreakerNode, CircuitPassage, passage};
use super::request::Request;
use crate::error::Error;
use crate::key::EntityKey;
use crate::ledger::Ledger;

/// What the token of a permit of a host's own circuit begins with. Its outcome counts there alone,
/// also when the store is back.
const AWAY: &str = "away:";

impl CircuitBreakerNode {
    /// Makes a call on this host's own circuit, because the store failed with `error`.
    pub(super) fn ask_alone(&self, request: &Request, error: Error) -> Result<CircuitPassage, Error> {
        let Some((ledger, key)) = self.away() else { return Err(error) };
        match self.alone(ledger, &key, request) {
            // This host cannot keep more circuits apart.
            Err(full) if full.is_of_store() => Err(error),
            Ok(passage) => {
                ledger.note_degraded();
                Ok(passage)
            }
            failed => failed,
        }
    }

    /// The answer to an outcome that is not the store's to hear now; `None`: it is.
    pub(super) fn record_away(&self, request: &Request) -> Option<Result<CircuitPassage, Error>> {
        let (ledger, key) = self.away()?;
        let token = request.token()?;
        if let Some(own) = token.strip_prefix(AWAY) {
            return Some(self.alone(ledger, &key, &request.with_token(own)));
        }
        // Where nobody kept the token, this host's own circuit has probably admitted the call.
        let is_kept = !token.is_empty() && ledger.keeps(&key, &self.inner.policy, request);
        is_kept.then(|| self.tell(ledger, &key, request))
    }

    /// An outcome did not get through, because the store failed with `error`.
    pub(super) fn outcome_away(&self, request: &Request, error: Error) -> Result<CircuitPassage, Error> {
        match self.away() {
            Some((ledger, key)) => self.tell(ledger, &key, request),
            None => Err(error),
        }
    }

    /// Tells this host's own circuit of an outcome: one that the store has admitted, by a permit of
    /// its own.
    fn tell(&self, ledger: &Arc<Ledger>, key: &EntityKey, request: &Request) -> Result<CircuitPassage, Error> {
        if request.token().is_none_or(str::is_empty) {
            return self.alone(ledger, key, request);
        }
        let admission = self.alone(ledger, key, &Request::Admit)?;
        match admission.token.as_deref().and_then(|token| token.strip_prefix(AWAY)) {
            Some(own) => self.alone(ledger, key, &request.with_token(own)),
            None => Ok(admission),
        }
    }

    fn alone(&self, ledger: &Arc<Ledger>, key: &EntityKey, request: &Request) -> Result<CircuitPassage, Error> {
        let mut passage = passage(ledger.alone(key, &self.inner.policy, request)?)?;
        passage.token = passage.token.map(|token| format!("{AWAY}{token}"));
        passage.report.degraded = true;
        Ok(passage)
    }

    fn away(&self) -> Option<(&Arc<Ledger>, EntityKey)> {
        let ledger = self.inner.core.ledger()?;
        Some((ledger, self.inner.namespace.entity("")))
    }
}
