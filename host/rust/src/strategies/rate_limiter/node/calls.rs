//! Makes the calls of a rate limiter node.

use std::convert::Infallible;

use wasmtime::Store;

use super::request::{Answer, LimiterNodes, Request};
use crate::runtime::wit::nodes::Subject;
use crate::runtime::wit::types::Problem;
use crate::runtime::{Exports, Guest, HostState, Policy, Resource, RunError, Runtime};
use crate::transaction::Transaction;

impl Exports for LimiterNodes {
    /// JSON text.
    type Config = String;
    type Request = Request;
    type Answer = Answer;
    type Stand = Infallible;

    fn open(
        config: &String,
        guest: &Guest,
        store: &mut Store<HostState>,
    ) -> wasmtime::Result<Result<Resource, Vec<Problem>>> {
        guest.rate_limiter_node_open(store, config)
    }

    fn call(
        request: &Request,
        entity: u32,
        guest: &Guest,
        store: &mut Store<HostState>,
        node: Resource,
    ) -> wasmtime::Result<Answer> {
        Ok(match request {
            Request::Step { priority, token } => {
                let stepped = guest.rate_limiter_node_step(store, node, entity, *priority, token)?;
                stepped.map_or_else(Answer::Problems, Answer::Step)
            }
            Request::Abandon { token } => {
                Answer::Abandoned(guest.rate_limiter_node_abandon(store, node, entity, token)?)
            }
        })
    }
}

/// The members of a context that the node looks at, and where its results go.
pub(super) fn reads(
    runtime: &Runtime,
    policy: &Policy<LimiterNodes>,
) -> Result<(Vec<String>, Option<String>), RunError> {
    runtime.run(policy, &mut Transaction::default(), |guest, store, node| {
        Ok((guest.rate_limiter_node_reads(&mut *store, node)?, guest.rate_limiter_node_output_variable(store, node)?))
    })
}

/// What the node limits for a context.
pub(super) fn subject(
    runtime: &Runtime,
    policy: &Policy<LimiterNodes>,
    context: &str,
) -> Result<Result<Subject, Vec<Problem>>, RunError> {
    runtime.run(policy, &mut Transaction::default(), |guest, store, node| {
        guest.rate_limiter_node_subject(store, node, context)
    })
}

/// The text of a context with a result in it.
pub(super) fn output(
    runtime: &Runtime,
    policy: &Policy<LimiterNodes>,
    context: &str,
    result: &str,
) -> Result<Result<String, Vec<Problem>>, RunError> {
    runtime.run(policy, &mut Transaction::default(), |guest, store, node| {
        guest.rate_limiter_node_output(store, node, context, result)
    })
}
