//! What a rate limiter answers while the store is away.

use std::sync::Arc;
use std::time::Duration;

use super::{Ask, Decision, Inner, Reason, Verdict};
use crate::away::WhenAway;
use crate::call::{Answer, Request};
use crate::error::Error;
use crate::key::EntityKey;
use crate::ledger::Ledger;
use crate::runtime::Policy;
use crate::runtime::wit::rate_limiter::Fault;

impl Inner {
    /// The answer of the settings to a call that the store has not answered.
    pub(super) fn while_away(&self, ask: Ask<'_>, request: &Request, error: Error) -> Result<Decision, Error> {
        let when_away = self.config.when_away;
        let Some(ledger) = self.core.ledger() else {
            // The memory store is full: there are no other hosts, and nothing comes back.
            return match when_away {
                WhenAway::Error => Err(error),
                WhenAway::Open => Ok(Decision::without_store(Verdict::Allowed, Duration::ZERO)),
                WhenAway::Closed | WhenAway::Share { .. } => {
                    Ok(Decision::without_store(Verdict::Denied, Duration::ZERO))
                }
            };
        };
        let key = self.namespace.entity(ask.key);
        let decision = match (when_away, &self.share) {
            (WhenAway::Error, _) => return Err(error),
            (WhenAway::Open, _) => Decision::without_store(Verdict::Allowed, Duration::ZERO),
            (WhenAway::Share { .. }, Some(share)) => self.by_share(ledger, &key, share, ask.cost, request)?,
            (WhenAway::Closed | WhenAway::Share { .. }, _) => refused(ledger, &key),
        };
        ledger.note_degraded();
        if decision.is_allowed() && takes(request) {
            ledger.owe(key, &self.policy, ask.cost);
        }
        Ok(decision)
    }

    /// Gives back what was let go without the store.
    pub(super) fn give_back(&self, ask: Ask<'_>, given: &Decision) -> Result<Decision, Error> {
        let Some(ledger) = self.core.ledger() else { return Ok(given.clone()) };
        let key = self.namespace.entity(ask.key);
        if given.is_allowed() {
            ledger.forgive(&key, ask.cost);
        }
        match (&self.share, given.charged_at_us) {
            (Some(share), Some(charged_at_us)) => {
                self.by_share(ledger, &key, share, ask.cost, &Request::Refund { cost: ask.cost, charged_at_us })
            }
            _ => Ok(given.clone()),
        }
    }

    /// Decides by this host's share of the limits.
    fn by_share(
        &self,
        ledger: &Arc<Ledger>,
        key: &EntityKey,
        share: &Policy,
        cost: u32,
        request: &Request,
    ) -> Result<Decision, Error> {
        // Nobody waits in a queue that only one host sees.
        let request = match *request {
            Request::Acquire { cost, .. } => Request::TryAcquire { cost },
            ref other => other.clone(),
        };
        match ledger.call_alone(key, share, &request) {
            Ok(Answer::Decision(decision)) => Ok(Decision { degraded: true, ..decision.into() }),
            Ok(Answer::Fault(Fault::CostNeverFits)) => Err(self.never_fits(cost)),
            Ok(_) => Err(Error::Misuse("the answer to another question".to_owned())),
            // This host cannot keep more keys apart.
            Err(error) if error.is_store_away() => Ok(refused(ledger, key)),
            Err(error) => Err(error),
        }
    }
}

/// Denied until the store is tried again.
fn refused(ledger: &Ledger, key: &EntityKey) -> Decision {
    Decision::without_store(Verdict::Denied, ledger.retry_after(key))
}

/// Whether the answer lets something go that is to be charged.
fn takes(request: &Request) -> bool {
    matches!(request, Request::Acquire { .. } | Request::TryAcquire { .. })
}

impl Decision {
    /// An answer that says nothing of counts.
    fn without_store(verdict: Verdict, retry_after: Duration) -> Self {
        Self {
            verdict,
            reason: if verdict == Verdict::Denied { Reason::StoreAway } else { Reason::None },
            at_us: 0,
            charged_at_us: None,
            binding: 0,
            count: 0,
            limit: 0,
            remaining: 0,
            reset_after: Duration::ZERO,
            retry_after,
            wait: Duration::ZERO,
            position: None,
            waiting: 0,
            ticket: None,
            discarded: 0,
            leased: false,
            release_after: None,
            degraded: true,
        }
    }
}
