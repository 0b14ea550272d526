//! Calls of nodes as data, as [`crate::call`] has those of policies.

use wasmtime::Store;
use wasmtime::component::ResourceAny;

use crate::runtime::wit::circuit_breaker::Error as WitError;
use crate::runtime::wit::nodes::{CircuitStep, Step};
use crate::runtime::wit::types::Problem;
use crate::runtime::{Guest, HostState};

/// A call of one of a node's functions that see an entity.
#[derive(Debug, Clone)]
pub(crate) enum NodeRequest {
    Step { priority: i32, token: String },
    Abandon { token: String },
    Admit,
    Succeeded { token: String },
    Failed { token: String, errors: Vec<WitError> },
    Cancelled { token: String },
    Status,
}

/// What a node answered.
#[derive(Debug, Clone)]
pub(crate) enum NodeAnswer {
    Step(Step),
    Held(bool),
    Circuit(Box<CircuitStep>),
    Problems(Vec<Problem>),
}

impl NodeRequest {
    /// Whether the answer may give something that is taken back if nobody hears it.
    pub(crate) fn gives(&self) -> bool {
        matches!(self, Self::Step { .. } | Self::Admit)
    }

    /// What takes back what an answer gave.
    pub(crate) fn undo(&self, answer: &NodeAnswer) -> Option<Self> {
        match (self, answer) {
            (Self::Step { .. }, NodeAnswer::Step(step)) if !step.token.is_empty() => {
                Some(Self::Abandon { token: step.token.clone() })
            }
            (Self::Admit, NodeAnswer::Circuit(step)) if !step.token.is_empty() => {
                Some(Self::Cancelled { token: step.token.clone() })
            }
            _ => None,
        }
    }

    /// Makes the call, on the entity 0 of a transaction.
    pub(crate) fn run(
        &self,
        guest: &Guest,
        store: &mut Store<HostState>,
        node: ResourceAny,
    ) -> wasmtime::Result<NodeAnswer> {
        let nodes = guest.tidegate_policy_nodes();
        let (limiter, breaker) = (nodes.rate_limiter_node(), nodes.circuit_breaker_node());
        Ok(match self {
            Self::Step { priority, token } => {
                let stepped = limiter.call_step(store, node, 0, *priority, token)?;
                stepped.map_or_else(NodeAnswer::Problems, NodeAnswer::Step)
            }
            Self::Abandon { token } => NodeAnswer::Held(limiter.call_abandon(store, node, 0, token)?),
            Self::Admit => circuit(Ok(breaker.call_admit(store, node, 0)?)),
            Self::Succeeded { token } => circuit(breaker.call_succeeded(store, node, 0, token)?),
            Self::Failed { token, errors } => circuit(breaker.call_failed(store, node, 0, token, errors)?),
            Self::Cancelled { token } => circuit(breaker.call_cancelled(store, node, 0, token)?),
            Self::Status => circuit(Ok(breaker.call_status(store, node, 0)?)),
        })
    }
}

fn circuit(step: Result<CircuitStep, Vec<Problem>>) -> NodeAnswer {
    step.map_or_else(NodeAnswer::Problems, |step| NodeAnswer::Circuit(Box::new(step)))
}
