//! Calls of the component as data, so that they can wait in line, be repeated and be undone.

use wasmtime::Store;
use wasmtime::component::ResourceAny;

use crate::nodes::call::{NodeAnswer, NodeRequest};
use crate::runtime::wit::circuit_breaker::{Effect, Error as WitError, Mode, Permit, Report, Settle, State};
use crate::runtime::wit::rate_limiter::{Ask, CostNeverFits, Decision, Verdict};
use crate::runtime::{Guest, HostState, Policy, RunError, Runtime};
use crate::store::memory::HEAVIEST;
use crate::transaction::Transaction;

/// A call of one of the component's functions on one entity.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    Acquire { cost: u32, priority: i32, ticket: u64 },
    TryAcquire { cost: u32 },
    Peek { cost: u32 },
    Refund { cost: u32, charged_at_us: u64, full_at_us: u64 },
    Charge { cost: u32 },
    Post { cost: u32 },
    Release { now: bool },
    CancelTicket { ticket: u64 },
    Forget,
    Admit,
    Succeeded { permit: Permit, elapsed_ms: u64 },
    Failed { permit: Permit, elapsed_ms: u64, errors: Vec<WitError> },
    Cancelled { permit: Permit, elapsed_ms: u64 },
    Status,
    SetMode { mode: Mode },
    Close,
    Node(NodeRequest),
}

/// What the component answered.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Decision(Decision),
    NeverFits(CostNeverFits),
    WasWaiting(bool),
    Released(u32),
    Done,
    Report(Report),
    Node(NodeAnswer),
}

impl Answer {
    /// Whether what the call changed may be committed later.
    pub(crate) fn settles_later(&self) -> bool {
        match self {
            Self::Report(report) => report.settle == Settle::Later,
            Self::Node(NodeAnswer::Circuit(step)) => step.report.settle == Settle::Later,
            _ => false,
        }
    }

    /// The decision that it is.
    pub(crate) fn decision(&self) -> Option<&Decision> {
        match self {
            Self::Decision(decision) => Some(decision),
            _ => None,
        }
    }

    /// How much forgetting the entity that it is about would give away: the permits that count, or
    /// the failures. `before`: what it was before the call.
    fn weight(&self, before: u32) -> u32 {
        match self {
            Self::Decision(decision) => decision.count.saturating_add(decision.waiting),
            Self::Report(report) => weight_of(report),
            Self::Node(NodeAnswer::Circuit(step)) => weight_of(&step.report),
            // How many count is only told to the node's user.
            Self::Node(NodeAnswer::Step(step)) if step.passed => before.saturating_add(1),
            _ => before,
        }
    }

    /// Whether it denies what was asked for.
    pub(crate) fn refuses(&self) -> bool {
        match self {
            Self::Decision(decision) => decision.verdict == Verdict::Denied,
            Self::Report(report) => refuses(report),
            Self::Node(NodeAnswer::Step(step)) => step.done && !step.passed,
            Self::Node(NodeAnswer::Circuit(step)) => refuses(&step.report),
            Self::Node(NodeAnswer::Held(_) | NodeAnswer::Problems(_))
            | Self::NeverFits(_)
            | Self::WasWaiting(_)
            | Self::Released(_)
            | Self::Done => false,
        }
    }
}

fn weigh(transaction: &mut Transaction, entity: usize, answer: &Answer) {
    let entity = transaction.entity_mut(entity);
    entity.weight = answer.weight(entity.weight);
}

fn decided_as(result: Result<Decision, CostNeverFits>) -> Answer {
    result.map_or_else(Answer::NeverFits, Answer::Decision)
}

/// A circuit that is not closed, or that somebody has ordered a mode for, protects more than any
/// count says.
fn weight_of(report: &Report) -> u32 {
    if report.state == State::Closed && report.mode == Mode::Normal {
        return report.failures.max(report.consecutive).max(report.failed);
    }
    HEAVIEST
}

fn refuses(report: &Report) -> bool {
    matches!(report.effect, Effect::RefusedOpen | Effect::RefusedProbes | Effect::RefusedForced)
}

impl Request {
    /// Whether the answer may give something that is taken back if nobody hears it.
    pub(crate) fn gives(&self) -> bool {
        match self {
            Self::Node(request) => request.gives(),
            _ => matches!(self, Self::Acquire { .. } | Self::TryAcquire { .. } | Self::Admit),
        }
    }

    /// Whether what this host holds of a limit may answer it.
    pub(crate) fn spends(&self) -> bool {
        match self {
            Self::Acquire { ticket, .. } => *ticket == 0,
            _ => {
                matches!(self, Self::TryAcquire { .. } | Self::Peek { .. } | Self::Refund { .. } | Self::Charge { .. })
            }
        }
    }

    /// What takes back what an answer gave.
    pub(crate) fn undo(&self, answer: &Answer) -> Option<Self> {
        match (self, answer) {
            (Self::Acquire { .. } | Self::TryAcquire { .. }, Answer::Decision(decision)) if decision.ticket != 0 => {
                Some(Self::CancelTicket { ticket: decision.ticket })
            }
            (Self::Acquire { cost, .. } | Self::TryAcquire { cost }, Answer::Decision(decision)) => {
                let Decision { charged_at_us, full_at_us, .. } = *decision;
                (charged_at_us != 0).then_some(Self::Refund { cost: *cost, charged_at_us, full_at_us })
            }
            (Self::Admit, Answer::Report(report)) if report.effect == Effect::Admitted => {
                Some(Self::Cancelled { permit: report.permit, elapsed_ms: 0 })
            }
            (Self::Node(request), Answer::Node(answer)) => request.undo(answer).map(Self::Node),
            _ => None,
        }
    }

    /// Whether it asks to make a call through a circuit.
    pub(crate) fn admits(&self) -> bool {
        matches!(self, Self::Admit | Self::Node(NodeRequest::Admit))
    }

    /// Whether it changes what another has changed just before, which no rule tells apart:
    /// successes of one generation that are no probes.
    pub(crate) fn repeats(&self, other: &Self) -> bool {
        let plain = |permit: &Permit| permit.probe == 0;
        match (self, other) {
            (Self::Succeeded { permit, .. }, Self::Succeeded { permit: before, .. }) => {
                permit.generation == before.generation && plain(permit) && plain(before)
            }
            _ => false,
        }
    }

    /// The same outcome of a call with another permit.
    pub(crate) fn with_permit(&self, permit: Permit) -> Self {
        match self.clone() {
            Self::Succeeded { elapsed_ms, .. } => Self::Succeeded { permit, elapsed_ms },
            Self::Failed { elapsed_ms, errors, .. } => Self::Failed { permit, elapsed_ms, errors },
            Self::Cancelled { elapsed_ms, .. } => Self::Cancelled { permit, elapsed_ms },
            other => other,
        }
    }

    /// Makes the call, on the entity 0 of a transaction.
    pub(crate) fn run(
        &self,
        runtime: &Runtime,
        policy: &Policy,
        transaction: &mut Transaction,
    ) -> Result<Answer, RunError> {
        let answer = runtime.run(policy, transaction, |guest, store, resource| match self {
            Self::Acquire { .. }
            | Self::TryAcquire { .. }
            | Self::Peek { .. }
            | Self::Refund { .. }
            | Self::Charge { .. }
            | Self::Post { .. }
            | Self::Release { .. }
            | Self::CancelTicket { .. }
            | Self::Forget => self.limit(guest, store, resource),
            Self::Node(request) => request.run(guest, store, resource).map(Answer::Node),
            _ => self.guard(guest, store, resource),
        })?;
        weigh(transaction, 0, &answer);
        Ok(answer)
    }

    /// Asks for permits, several times one after the other, in one call of the component.
    pub(crate) fn try_acquire_many(
        asks: &[Ask],
        runtime: &Runtime,
        policy: &Policy,
        transaction: &mut Transaction,
    ) -> Result<Vec<Answer>, RunError> {
        let decided = runtime.run(policy, transaction, |guest, store, limiter| {
            let limiters = guest.tidegate_policy_rate_limiter().limiter();
            let decided = limiters.call_try_acquire_many(store, limiter, asks)?;
            // As bad as a trap: whose decision is whose?
            wasmtime::ensure!(decided.len() == asks.len(), "{} answers to {} calls", decided.len(), asks.len());
            Ok(decided)
        })?;
        let decided = asks.iter().zip(decided).map(|(ask, decided)| {
            let answer = decided_as(decided);
            weigh(transaction, ask.entity as usize, &answer);
            answer
        });
        Ok(decided.collect())
    }

    /// A call of a rate limiter.
    fn limit(&self, guest: &Guest, store: &mut Store<HostState>, limiter: ResourceAny) -> wasmtime::Result<Answer> {
        let exports = guest.tidegate_policy_rate_limiter().limiter();
        Ok(match *self {
            Self::Acquire { cost, priority, ticket } => {
                decided_as(exports.call_acquire(store, limiter, 0, cost, priority, ticket)?)
            }
            Self::TryAcquire { cost } => decided_as(exports.call_try_acquire(store, limiter, 0, cost)?),
            Self::Peek { cost } => decided_as(exports.call_peek(store, limiter, 0, cost)?),
            Self::Refund { cost, charged_at_us, full_at_us } => {
                Answer::Decision(exports.call_refund(store, limiter, 0, cost, charged_at_us, full_at_us)?)
            }
            Self::Charge { cost } => Answer::Decision(exports.call_charge(store, limiter, 0, cost)?),
            Self::Post { cost } => Answer::Decision(exports.call_post(store, limiter, 0, cost)?),
            Self::Release { now } => Answer::Released(exports.call_release(store, limiter, 0, now)?),
            Self::CancelTicket { ticket } => Answer::WasWaiting(exports.call_cancel(store, limiter, 0, ticket)?),
            _ => {
                exports.call_reset(store, limiter, 0)?;
                Answer::Done
            }
        })
    }

    /// A call of a circuit breaker.
    fn guard(&self, guest: &Guest, store: &mut Store<HostState>, breaker: ResourceAny) -> wasmtime::Result<Answer> {
        let exports = guest.tidegate_policy_circuit_breaker().breaker();
        let report = match self {
            Self::Admit => exports.call_admit(store, breaker, 0)?,
            Self::Succeeded { permit, elapsed_ms } => {
                exports.call_succeeded(store, breaker, 0, *permit, *elapsed_ms)?
            }
            Self::Failed { permit, elapsed_ms, errors } => {
                exports.call_failed(store, breaker, 0, *permit, *elapsed_ms, errors)?
            }
            Self::Cancelled { permit, elapsed_ms } => {
                exports.call_cancelled(store, breaker, 0, *permit, *elapsed_ms)?
            }
            Self::SetMode { mode } => exports.call_set_mode(store, breaker, 0, *mode)?,
            Self::Close => exports.call_reset(store, breaker, 0)?,
            _ => exports.call_status(store, breaker, 0)?,
        };
        Ok(Answer::Report(report))
    }
}
