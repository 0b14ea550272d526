//! Calls of a rate limiter as data.

use super::stand::Stand;
use crate::runtime::wit::rate_limiter::{CostNeverFits, Decision, Verdict};
use crate::strategy::{Lease, Owed, Strategy};
use crate::transaction::Transaction;

/// The strategy: a limiter of the component.
#[derive(Debug)]
pub(crate) struct Limiters;

/// A call of a limiter on one key.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    Acquire { cost: u32, priority: i32, ticket: u64 },
    TryAcquire { cost: u32 },
    Peek { cost: u32 },
    Refund { cost: u32, charged_at_us: u64, full_at_us: u64 },
    Charge { cost: u32 },
    Post { cost: u32, counts_for_us: u64 },
    Release { now: bool },
    Cancel { ticket: u64 },
    Reset,
}

/// What it answers.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Decision(Decision),
    NeverFits(CostNeverFits),
    WasWaiting(bool),
    Released(u32),
    Reset,
}

impl Answer {
    pub(super) fn decision(&self) -> Option<&Decision> {
        match self {
            Self::Decision(decision) => Some(decision),
            Self::NeverFits(_) | Self::WasWaiting(_) | Self::Released(_) | Self::Reset => None,
        }
    }

    /// The answer to a call that asks for a decision: to acquire, try to acquire, peek, refund,
    /// charge or post. The component's exports for these return one by their types, or a cost that
    /// never fits; the other answers belong to release, cancel and reset, which are read elsewhere.
    pub(super) fn decided(self) -> Result<Decision, CostNeverFits> {
        match self {
            Self::Decision(decision) => Ok(decision),
            Self::NeverFits(never) => Err(never),
            Self::WasWaiting(_) | Self::Released(_) | Self::Reset => unreachable!("the call asks for a decision"),
        }
    }

    /// Whether a waiter was taken out of the queue.
    pub(super) fn was_waiting(&self) -> bool {
        matches!(self, Self::WasWaiting(true))
    }
}

impl Strategy for Limiters {
    const TAG: &'static str = "rl";
    const OUTLASTS_OUTAGE: bool = true;

    fn weight(answer: &Answer, before: u32) -> u32 {
        answer.decision().map_or(before, |decision| decision.count.saturating_add(decision.waiting))
    }

    fn refuses(answer: &Answer) -> bool {
        answer.decision().is_some_and(|decision| decision.verdict == Verdict::Denied)
    }

    fn gives(request: &Request) -> bool {
        matches!(request, Request::Acquire { .. } | Request::TryAcquire { .. })
    }

    fn undo(request: &Request, answer: &Answer) -> Option<Request> {
        let (Request::Acquire { cost, .. } | Request::TryAcquire { cost }) = *request else { return None };
        let decision = answer.decision()?;
        let Decision { ticket, charged_at_us, full_at_us, .. } = *decision;
        if ticket != 0 {
            return Some(Request::Cancel { ticket });
        }
        (charged_at_us != 0).then_some(Request::Refund { cost, charged_at_us, full_at_us })
    }

    fn spends(request: &Request) -> bool {
        match request {
            Request::Acquire { ticket, .. } => *ticket == 0,
            Request::TryAcquire { .. } | Request::Peek { .. } | Request::Refund { .. } | Request::Charge { .. } => true,
            Request::Post { .. } | Request::Release { .. } | Request::Cancel { .. } | Request::Reset => false,
        }
    }

    fn is_leased(request: &Request, answer: &Answer) -> bool {
        Self::gives(request) && answer.decision().is_some_and(|decision| decision.leased)
    }

    fn lease(answer: &Answer) -> Option<Lease<Request>> {
        let life_ms = answer.decision()?.release_after_ms;
        (life_ms > 0).then_some(Lease { life_ms, release: Request::Release { now: true } })
    }

    fn released(answer: &Answer) -> u32 {
        match answer {
            Answer::Released(permits) => *permits,
            Answer::Decision(_) | Answer::NeverFits(_) | Answer::WasWaiting(_) | Answer::Reset => 0,
        }
    }

    fn owed(request: &mut Request) -> Option<Owed<'_>> {
        let Request::Post { cost, counts_for_us } = request else { return None };
        Some(Owed { cost, counts_for_us: *counts_for_us })
    }

    fn may_stand(request: &Request) -> bool {
        match request {
            Request::Acquire { ticket, .. } => *ticket == 0,
            Request::TryAcquire { .. } => true,
            Request::Peek { .. }
            | Request::Refund { .. }
            | Request::Charge { .. }
            | Request::Post { .. }
            | Request::Release { .. }
            | Request::Cancel { .. }
            | Request::Reset => false,
        }
    }

    fn standing(stand: &Stand, request: &Request, transaction: &mut Transaction) -> Option<Answer> {
        let (Request::Acquire { cost, .. } | Request::TryAcquire { cost }) = request else { return None };
        stand.answer(*cost, transaction).map(Answer::Decision)
    }

    fn joins(request: &Request, next: &Request) -> bool {
        matches!((request, next), (Request::TryAcquire { .. }, Request::TryAcquire { .. }))
    }
}
