//! What a rate limiter answers while the store is away.

use std::sync::Arc;
use std::time::Duration;

use super::decision::{Ask, Decision, Reason, Verdict};
use super::handle::Inner;
use super::request::{Limiters, Request};
use crate::away::WhenAway;
use crate::call::Call;
use crate::error::Error;
use crate::key::EntityKey;
use crate::ledger::Ledger;
use crate::runtime::Policy;

impl Inner {
    /// The answer of the settings to a call that the store has not answered; `None`: an error.
    pub(super) fn while_away(&self, ask: Ask<'_>, request: &Request) -> Option<Result<Decision, Error>> {
        let when_away = self.config.when_away;
        let Some(ledger) = self.core.ledger() else {
            // The memory store is full: there are no other hosts, and nothing comes back.
            let verdict = match when_away {
                WhenAway::Error => return None,
                _ if is_charge(request) => Verdict::Allowed,
                WhenAway::Open => Verdict::Allowed,
                WhenAway::Closed | WhenAway::Share { .. } | WhenAway::Own => Verdict::Denied,
            };
            return Some(Ok(Decision::without_store(verdict, Duration::ZERO)));
        };
        let key = self.namespace.entity(ask.key);
        let decision = match (when_away, &self.share) {
            (WhenAway::Error, _) => return None,
            (WhenAway::Open, _) => Ok(Decision::without_store(Verdict::Allowed, Duration::ZERO)),
            (WhenAway::Share { .. }, Some(share)) => self.by_share(ledger, &key, share, &of_this_host(request)),
            (WhenAway::Closed | WhenAway::Share { .. } | WhenAway::Own, _) => Ok(refused(ledger, &key)),
        };
        // What was used already cannot be refused.
        let decision = decision.map(|decision| match decision.reason {
            Reason::StoreAway if is_charge(request) => Decision::without_store(Verdict::Allowed, Duration::ZERO),
            _ => decision,
        });
        ledger.note_degraded();
        if takes(request) && decision.as_ref().is_ok_and(Decision::is_allowed) {
            let post = Request::Post { cost: ask.cost, counts_for_us: self.counts_for_us };
            ledger.owe(key, Call::unasked(&self.policy, post));
        }
        Some(decision)
    }

    /// Keeps a refund of what the store has charged for when it is back, if it is away. The answer
    /// then; `None`: it is not.
    pub(super) fn refund_later(&self, ask: Ask<'_>, request: &Request) -> Option<Result<Decision, Error>> {
        let ledger = self.core.ledger().filter(|_| self.config.when_away != WhenAway::Error)?;
        let is_refund = matches!(request, Request::Refund { .. });
        let is_kept = is_refund && ledger.keeps(&self.namespace.entity(ask.key), &self.policy, request);
        is_kept.then(|| self.while_away(ask, request)).flatten()
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
                let full_at_us = given.full_at_us.unwrap_or_default();
                let request = Request::Refund { cost: ask.cost, charged_at_us, full_at_us };
                self.by_share(ledger, &key, share, &request)
            }
            _ => Ok(given.clone()),
        }
    }

    /// Decides by this host's share of the limits.
    fn by_share(
        &self,
        ledger: &Arc<Ledger>,
        key: &EntityKey,
        share: &Policy<Limiters>,
        request: &Request,
    ) -> Result<Decision, Error> {
        match ledger.alone(key, share, request) {
            Ok(answer) => Ok(Decision { degraded: true, ..self.decided(answer)? }),
            // This host cannot keep more keys apart.
            Err(error) if error.is_of_store() => Ok(refused(ledger, key)),
            Err(error) => Err(error),
        }
    }
}

/// What a host asks itself in place of the store: nobody waits in a queue that only one host sees,
/// and what the store has charged is not this host's to give back.
fn of_this_host(request: &Request) -> Request {
    match *request {
        Request::Acquire { cost, .. } => Request::TryAcquire { cost },
        Request::Refund { .. } => Request::Peek { cost: 0 },
        Request::TryAcquire { .. }
        | Request::Peek { .. }
        | Request::Charge { .. }
        | Request::Post { .. }
        | Request::Release { .. }
        | Request::Cancel { .. }
        | Request::Reset => request.clone(),
    }
}

/// Denied until the store is tried again.
fn refused(ledger: &Ledger, key: &EntityKey) -> Decision {
    Decision::without_store(Verdict::Denied, ledger.retry_after(key))
}

/// Whether the answer lets something go that is to be charged.
fn takes(request: &Request) -> bool {
    is_charge(request) || matches!(request, Request::Acquire { .. } | Request::TryAcquire { .. })
}

fn is_charge(request: &Request) -> bool {
    matches!(request, Request::Charge { .. })
}

impl Decision {
    /// An answer that says nothing of counts.
    fn without_store(verdict: Verdict, retry_after: Duration) -> Self {
        Self {
            verdict,
            reason: if verdict == Verdict::Denied { Reason::StoreAway } else { Reason::None },
            at_us: 0,
            charged_at_us: None,
            full_at_us: None,
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
