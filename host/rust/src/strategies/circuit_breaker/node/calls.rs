//! Makes the calls of a circuit breaker node.

use wasmtime::Store;
use wasmtime::component::ResourceAny;

use super::request::{Answer, BreakerNodes, Request};
use crate::runtime::wit::nodes::FallbackAction;
use crate::runtime::wit::types::Problem;
use crate::runtime::{Exports, Guest, HostState, Policy, RunError, Runtime};
use crate::transaction::Transaction;

impl Exports for BreakerNodes {
    /// JSON text.
    type Config = String;
    type Request = Request;
    type Answer = Answer;

    fn open(
        config: &String,
        guest: &Guest,
        store: &mut Store<HostState>,
    ) -> wasmtime::Result<Result<ResourceAny, Vec<Problem>>> {
        guest.tidegate_policy_nodes().circuit_breaker_node().call_open(store, config)
    }

    fn call(
        request: &Request,
        entity: u32,
        guest: &Guest,
        store: &mut Store<HostState>,
        node: ResourceAny,
    ) -> wasmtime::Result<Answer> {
        let calls = guest.tidegate_policy_nodes().circuit_breaker_node();
        let step = match request {
            Request::Admit => Ok(calls.call_admit(store, node, entity)?),
            Request::Succeeded { token } => calls.call_succeeded(store, node, entity, token)?,
            Request::Failed { token, errors } => calls.call_failed(store, node, entity, token, errors)?,
            Request::Cancelled { token } => calls.call_cancelled(store, node, entity, token)?,
            Request::Status => Ok(calls.call_status(store, node, entity)?),
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
        let calls = guest.tidegate_policy_nodes().circuit_breaker_node();
        Ok(Settings {
            circuit_id: calls.call_circuit_id(&mut *store, node)?,
            fallback_action: calls.call_fallback_action(&mut *store, node)?,
            fallback_value: calls.call_fallback_value(&mut *store, node)?,
            output_variable: calls.call_output_variable(store, node)?,
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
        guest.tidegate_policy_nodes().circuit_breaker_node().call_output(store, node, context, result)
    })
}
