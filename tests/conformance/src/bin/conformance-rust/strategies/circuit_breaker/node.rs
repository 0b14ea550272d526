//! Circuit breaker nodes.

use anyhow::Result;
use serde::Serialize;
use serde_json::value::RawValue;
use tidegate::key::EntityKey;
use tidegate::nodes::{CircuitBreakerNode, CircuitPassage};
use tidegate_conformance::protocol::{Step, Write};
use tidegate_conformance::strategies::BreakerNodeCall as Call;

use super::super::{Given, Kind, NodeGiven, Played, Policy, output, token};
use super::failure;
use super::log::ReportLine;
use crate::log::{Answer, problems, raw};

pub(in super::super) const NODE: Kind = Kind {
    name: "breaker-node",
    open: |gate, config| Ok(Box::new(gate.circuit_breaker_node(config.as_str().unwrap_or_default())?)),
    problems,
};

/// A step of a circuit breaker node.
#[derive(Serialize)]
struct CircuitStepLine {
    token: String,
    result: Box<RawValue>,
    report: ReportLine,
}

impl Policy for CircuitBreakerNode {
    fn entity(&self, _: &Write) -> Result<EntityKey> {
        Ok(EntityKey::new("cb", self.circuit_id(), ""))
    }

    fn play<'a>(&'a self, step: &'a Step, earlier: &'a [Given]) -> Played<'a> {
        Box::pin(async { play(self, step.typed()?, earlier).await })
    }

    fn settles_later(&self) -> bool {
        true
    }
}

async fn play(node: &CircuitBreakerNode, call: Call, earlier: &[Given]) -> Result<(Answer, Given)> {
    let passage = match call {
        Call::Admit {} => node.admit().await?,
        Call::Status {} => node.status().await?,
        Call::Succeeded { ticket, token: brought } => {
            node.succeeded(token(earlier, ticket, brought).as_deref()).await?
        }
        Call::Failed { ticket, token: brought, error } => {
            node.failed(token(earlier, ticket, brought).as_deref(), failure(error)).await?
        }
        Call::Cancelled { ticket, token: brought } => {
            node.cancelled(token(earlier, ticket, brought).as_deref()).await?
        }
        Call::Output { context, result } => {
            return output(earlier, result, |result| node.output(&context, result));
        }
    };
    Ok(line(passage))
}

fn line(passage: CircuitPassage) -> (Answer, Given) {
    let given = NodeGiven { token: passage.token.clone(), result: Some(passage.json.clone()) };
    let report = ReportLine::from(&passage.report);
    let line = CircuitStepLine { token: passage.token.unwrap_or_default(), result: raw(passage.json), report };
    (Answer::new("circuitStep", &line), Some(Box::new(given)))
}
