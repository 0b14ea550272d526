//! Makes the calls of a rate limiter.

use wasmtime::Store;

use super::request::{Answer, Limiters, Request};
use super::stand::Stand;
use crate::runtime::wit::rate_limiter as wit;
use crate::runtime::wit::types::Problem;
use crate::runtime::{Exports, Guest, HostState, Policy, Resource, RunError, Runtime};
use crate::transaction::Transaction;

/// What a limiter is opened with.
#[derive(Debug)]
pub(crate) enum Config {
    Whole(wit::Config),
    /// The part of it that falls to one of this many hosts.
    Share(wit::Config, u32),
}

impl Exports for Limiters {
    type Config = Config;
    type Request = Request;
    type Answer = Answer;
    type Stand = Stand;

    fn open(
        config: &Config,
        guest: &Guest,
        store: &mut Store<HostState>,
    ) -> wasmtime::Result<Result<Resource, Vec<Problem>>> {
        let (config, hosts) = match config {
            Config::Whole(config) => return guest.limiter_open(store, config),
            Config::Share(config, hosts) => (config, *hosts),
        };
        let whole = match guest.limiter_open(&mut *store, config)? {
            Ok(whole) => whole,
            Err(problems) => return Ok(Err(problems)),
        };
        let share = guest.limiter_share(&mut *store, whole, hosts)?;
        guest.drop_resource(store, whole)?;
        Ok(share)
    }

    fn call(
        request: &Request,
        entity: u32,
        guest: &Guest,
        store: &mut Store<HostState>,
        limiter: Resource,
    ) -> wasmtime::Result<Answer> {
        Ok(match *request {
            Request::Acquire { cost, priority, ticket } => {
                guest.limiter_acquire(store, limiter, entity, cost, priority, ticket)?.into()
            }
            Request::TryAcquire { cost } => guest.limiter_try_acquire(store, limiter, entity, cost)?.into(),
            Request::Peek { cost } => guest.limiter_peek(store, limiter, entity, cost)?.into(),
            Request::Refund { cost, charged_at_us, full_at_us } => {
                Answer::Decision(guest.limiter_refund(store, limiter, entity, cost, charged_at_us, full_at_us)?)
            }
            Request::Charge { cost } => Answer::Decision(guest.limiter_charge(store, limiter, entity, cost)?),
            Request::Post { cost, .. } => Answer::Decision(guest.limiter_post(store, limiter, entity, cost)?),
            Request::Release { now } => Answer::Released(guest.limiter_release(store, limiter, entity, now)?),
            Request::Cancel { ticket } => Answer::WasWaiting(guest.limiter_cancel(store, limiter, entity, ticket)?),
            Request::Reset => {
                guest.limiter_reset(store, limiter, entity)?;
                Answer::Reset
            }
        })
    }

    fn stands(
        answer: &Answer,
        entity: u32,
        guest: &Guest,
        store: &mut Store<HostState>,
        limiter: Resource,
    ) -> wasmtime::Result<Option<Stand>> {
        let is_plain = |decision: &&wit::Decision| decision.verdict == wit::Verdict::Allowed && decision.discarded == 0;
        let Some(decision) = answer.decision().filter(is_plain) else { return Ok(None) };
        Ok(guest.limiter_stands(store, limiter, entity)?.and_then(|stand| Stand::new(stand, *decision)))
    }

    fn call_many(
        requests: &[(u32, &Request)],
        guest: &Guest,
        store: &mut Store<HostState>,
        limiter: Resource,
    ) -> wasmtime::Result<Vec<Answer>> {
        let Some(asks) = asks(requests) else {
            return requests
                .iter()
                .map(|(entity, request)| Self::call(request, *entity, guest, store, limiter))
                .collect();
        };
        let decided = guest.limiter_try_acquire_many(store, limiter, &asks)?;
        Ok(decided.into_iter().map(Answer::from).collect())
    }
}

/// What calls ask for that all ask for permits now.
fn asks(requests: &[(u32, &Request)]) -> Option<Vec<wit::Ask>> {
    let ask = |(entity, request): &(u32, &Request)| {
        let Request::TryAcquire { cost } = **request else { return None };
        Some(wit::Ask { entity: *entity, cost })
    };
    requests.iter().map(ask).collect()
}

impl From<Result<wit::Decision, wit::CostNeverFits>> for Answer {
    fn from(decided: Result<wit::Decision, wit::CostNeverFits>) -> Self {
        decided.map_or_else(Self::NeverFits, Self::Decision)
    }
}

/// What a limiter's values depend on, in words.
pub(super) fn basis(runtime: &Runtime, policy: &Policy<Limiters>) -> Result<String, RunError> {
    runtime.run(policy, &mut Transaction::default(), Guest::limiter_basis)
}

/// For how long a permit can count at most, in microseconds.
pub(super) fn counts_for_us(runtime: &Runtime, policy: &Policy<Limiters>) -> Result<u64, RunError> {
    runtime.run(policy, &mut Transaction::default(), Guest::limiter_counts_for_us)
}
