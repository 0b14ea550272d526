//! Makes the calls of a circuit breaker node.

use std::convert::Infallible;

use wasmtime::Store;

use super::request::{Answer, BreakerNodes, Request};
use crate::runtime::wit::nodes::FallbackAction;
use crate::runtime::wit::types::Problem;
use crate::runtime::{Exports, Guest, HostState, Policy, Resource, RunError, Runtime};
use crate::transaction::Transaction;

impl Exports for BreakerNodes {
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
        guest.circuit_breaker_node_open(store, config)
    }

    fn call(
        request: &Request,
        entity: u32,
        guest: &Guest,
        store: &mut Store<HostState>,
        node: Resource,
    ) -> wasmtime::Result<Answer> {
        let step = match request {
            Request::Admit => Ok(guest.circuit_breaker_node_admit(store, node, entity)?),
            Request::Succeeded { token } => guest.circuit_breaker_node_succeeded(store, node, entity, token)?,
            Request::Failed { token, errors } => {
                guest.circuit_breaker_node_failed(store, node, entity, token, errors)?
            }
            Request::Cancelled { token } => guest.circuit_breaker_node_cancelled(store, node, entity, token)?,
            Request::Status => Ok(guest.circuit_breaker_node_status(store, node, entity)?),
        };
        Ok(step.map(Box::new))
    }
}

/// What a node's configuration says that its host goes by.
pub(super) struct Settings {
    pub(super) circuit_id: String,
    pub(super) fallback_action: FallbackAction,
    /// JSON text.
    pub(super) fallback_value: Option<String>,
    pub(super) output_variable: Option<String>,
}

/// Reads what a node's configuration says.
pub(super) fn settings(runtime: &Runtime, policy: &Policy<BreakerNodes>) -> Result<Settings, RunError> {
    runtime.run(policy, &mut Transaction::default(), |guest, store, node| {
        Ok(Settings {
            circuit_id: guest.circuit_breaker_node_circuit_id(&mut *store, node)?,
            fallback_action: guest.circuit_breaker_node_fallback_action(&mut *store, node)?,
            fallback_value: guest.circuit_breaker_node_fallback_value(&mut *store, node)?,
            output_variable: guest.circuit_breaker_node_output_variable(store, node)?,
        })
    })
}

/// The text of a context with a result in it.
pub(super) fn output(
    runtime: &Runtime,
    policy: &Policy<BreakerNodes>,
    context: &str,
    result: &str,
) -> Result<Result<String, Vec<Problem>>, RunError> {
    runtime.run(policy, &mut Transaction::default(), |guest, store, node| {
        guest.circuit_breaker_node_output(store, node, context, result)
    })
}
