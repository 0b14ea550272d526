//! What ledger, memory and outage handling may know of a strategy. They name no strategy.
//!
//! A strategy is one interface of the component, such as that of rate limiters or that of rate
//! limiter nodes: its calls as data, and what an answer means to those who carry it. It has no
//! handle here, no settings and no errors: see `strategies/`.

use crate::runtime::{Exports, Policy, RunError, Runtime};
use crate::standing::Standing;
use crate::transaction::Transaction;

/// A kind of policy.
pub(crate) trait Strategy: Exports {
    /// The first part of the keys of its entities.
    const TAG: &'static str;
    /// Whether what a host has decided alone in one outage of the store counts in the next. If not,
    /// the state in the store is the true one when that is back.
    const OUTLASTS_OUTAGE: bool;

    /// How much would be given away if the entity were forgotten: permits that count, or failures.
    /// `before`: what it was before the call.
    fn weight(answer: &Self::Answer, before: u32) -> u32;

    /// Whether the answer denies what was asked for.
    fn refuses(answer: &Self::Answer) -> bool;

    /// Whether the answer may give something, which is taken back if nobody hears of it.
    fn gives(request: &Self::Request) -> bool;

    /// What takes back what the answer gave.
    fn undo(request: &Self::Request, answer: &Self::Answer) -> Option<Self::Request>;

    /// Whether what the call changed may be committed later than it is answered.
    fn settles_later(_answer: &Self::Answer) -> bool {
        false
    }

    /// Whether what this host holds on a lease may answer it.
    fn spends(_request: &Self::Request) -> bool {
        false
    }

    /// Whether the answer gave something of what this host held on a lease already.
    fn is_leased(_request: &Self::Request, _answer: &Self::Answer) -> bool {
        false
    }

    /// The lease that the answer has taken.
    fn lease(_answer: &Self::Answer) -> Option<Lease<Self::Request>> {
        None
    }

    /// How many permits of a lease the call has given back.
    fn released(_answer: &Self::Answer) -> u32 {
        0
    }

    /// If the call posts what was let go without the store: how much.
    fn owed(_request: &mut Self::Request) -> Option<Owed<'_>> {
        None
    }

    /// Whether it has no need to wait for an outcome that changes nothing.
    fn goes_ahead(_request: &Self::Request) -> bool {
        false
    }

    /// Whether it changes just what the one before has changed, as no rule tells them apart.
    fn repeats(_request: &Self::Request, _before: &Self::Request) -> bool {
        false
    }

    /// Whether what stands may answer it.
    fn may_stand(_request: &Self::Request) -> bool {
        false
    }

    /// The answer by what stands, which moves the cells of the entity 0 as the call would. `None`:
    /// it must be run, and nothing was changed.
    fn standing(
        _stand: &Self::Stand,
        _request: &Self::Request,
        _transaction: &mut Transaction,
    ) -> Option<Self::Answer> {
        None
    }

    /// Whether two calls in a row go through the component together: see [`Exports::call_many`].
    fn joins(_request: &Self::Request, _next: &Self::Request) -> bool {
        false
    }
}

/// Permits that this host has taken to spend them alone.
#[derive(Debug)]
pub(crate) struct Lease<R> {
    /// For how long, in milliseconds.
    pub(crate) life_ms: u64,
    /// What gives back what is left then.
    pub(crate) release: R,
}

/// What was let go without the store and is to be charged.
#[derive(Debug)]
pub(crate) struct Owed<'a> {
    pub(crate) cost: &'a mut u32,
    /// For how long a permit can count at most, in microseconds.
    pub(crate) counts_for_us: u64,
}

/// Makes a call on the entity 0 of a transaction.
pub(crate) fn run<S: Strategy>(
    request: &S::Request,
    runtime: &Runtime,
    policy: &Policy<S>,
    transaction: &mut Transaction,
) -> Result<S::Answer, RunError> {
    let answer =
        runtime.run(policy, transaction, |guest, store, resource| S::call(request, 0, guest, store, resource))?;
    weigh::<S>(transaction, 0, &answer);
    Ok(answer)
}

/// Makes a call on the entity 0 of a transaction that has its true cells: by what stands there, if
/// it can.
pub(crate) fn answer<S: Strategy>(
    request: &S::Request,
    runtime: &Runtime,
    policy: &Policy<S>,
    transaction: &mut Transaction,
    standing: &mut Standing,
) -> Result<S::Answer, RunError> {
    if !S::may_stand(request) {
        standing.end();
        return run(request, runtime, policy, transaction);
    }
    if let Some(answer) = standing.answer(policy, |stand| S::standing(stand, request, transaction)) {
        weigh::<S>(transaction, 0, &answer);
        return Ok(answer);
    }
    standing.end();
    let is_wanted = standing.is_wanted();
    let (answer, stand) = runtime.run(policy, transaction, |guest, store, resource| {
        let answer = S::call(request, 0, guest, store, resource)?;
        let stand = if is_wanted { S::stands(&answer, 0, guest, store, resource)? } else { None };
        Ok((answer, stand))
    })?;
    if is_wanted {
        standing.keep(policy, stand);
    }
    weigh::<S>(transaction, 0, &answer);
    Ok(answer)
}

/// Makes several calls in one call of the component, each on the entity beside it.
pub(crate) fn run_many<S: Strategy>(
    requests: &[(u32, &S::Request)],
    runtime: &Runtime,
    policy: &Policy<S>,
    transaction: &mut Transaction,
) -> Result<Vec<S::Answer>, RunError> {
    let answers = runtime.run(policy, transaction, |guest, store, resource| {
        let answers = S::call_many(requests, guest, store, resource)?;
        // As bad as a trap: whose answer is whose?
        wasmtime::ensure!(answers.len() == requests.len(), "{} answers to {} calls", answers.len(), requests.len());
        Ok(answers)
    })?;
    for ((entity, _), answer) in requests.iter().zip(&answers) {
        weigh::<S>(transaction, *entity as usize, answer);
    }
    Ok(answers)
}

fn weigh<S: Strategy>(transaction: &mut Transaction, entity: usize, answer: &S::Answer) {
    let entity = transaction.entity_mut(entity);
    entity.weight = S::weight(answer, entity.weight);
}
