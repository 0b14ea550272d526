//! Calls of workflow nodes.

use serde_json::value::RawValue;
use tidegate::Error;
use tidegate::nodes::{CircuitBreakerNode, CircuitPassage, NodeStep, RateLimiterNode};
use tidegate_conformance::protocol::Step;

use crate::host::{Given, failure};
use crate::log::{self, Answer, CircuitStepLine, NodeStepLine, ReportLine, SubjectLine};

/// What a step brings that an earlier one gave.
pub(crate) struct Brought {
    pub(crate) token: Option<String>,
    pub(crate) result: Option<String>,
}

/// A call of a rate limiter node.
pub(crate) async fn limit(
    node: &RateLimiterNode,
    step: &Step,
    brought: &Brought,
    given: &mut Given,
) -> Result<Answer, Error> {
    let context = step.context.as_deref().unwrap_or("{}");
    match step.call.as_str() {
        "subject" => {
            let subject = node.subject(context)?;
            let (name, key, priority) = (subject.name, subject.key, subject.priority);
            Ok(Answer::Subject(SubjectLine { name, key, priority }))
        }
        "abandon" => match &brought.token {
            Some(token) => Ok(Answer::Held(node.abandon(context, token).await?)),
            None => Ok(Answer::Skipped(true)),
        },
        "output" => output(brought, |result| node.output(context, result)),
        _ => Ok(Answer::NodeStep(step_line(next(node, context, brought).await?, given))),
    }
}

async fn next(node: &RateLimiterNode, context: &str, brought: &Brought) -> Result<NodeStep, Error> {
    match &brought.token {
        Some(token) => node.step(context, token).await,
        None => node.begin(context).await,
    }
}

fn step_line(step: NodeStep, given: &mut Given) -> NodeStepLine {
    match step {
        NodeStep::Wait { wait, token } => {
            given.token = Some(token.clone());
            NodeStepLine { done: false, wait_ms: log::ms(wait), token, result: None }
        }
        NodeStep::Done(passage) => {
            given.token.clone_from(&passage.token);
            given.result = Some(passage.json.clone());
            NodeStepLine {
                done: true,
                wait_ms: 0,
                token: passage.token.unwrap_or_default(),
                result: Some(raw(passage.json)),
            }
        }
    }
}

/// A call of a circuit breaker node.
pub(crate) async fn guard(
    node: &CircuitBreakerNode,
    step: &Step,
    brought: &Brought,
    given: &mut Given,
) -> Result<Answer, Error> {
    let token = brought.token.as_deref();
    let passage = match step.call.as_str() {
        "output" => {
            let context = step.context.as_deref().unwrap_or("{}");
            return output(brought, |result| node.output(context, result));
        }
        "succeeded" => node.succeeded(token).await?,
        "cancelled" => node.cancelled(token).await?,
        "failed" => node.failed(token, failure(step.error.clone().unwrap_or_default())).await?,
        "status" => node.status().await?,
        _ => node.admit().await?,
    };
    Ok(Answer::CircuitStep(circuit_line(passage, given)))
}

fn circuit_line(passage: CircuitPassage, given: &mut Given) -> CircuitStepLine {
    given.token.clone_from(&passage.token);
    given.result = Some(passage.json.clone());
    let report = ReportLine::from(&passage.report);
    CircuitStepLine { token: passage.token.unwrap_or_default(), result: raw(passage.json), report }
}

fn output(brought: &Brought, merge: impl FnOnce(&str) -> Result<String, Error>) -> Result<Answer, Error> {
    match &brought.result {
        Some(result) => Ok(Answer::Output(merge(result)?)),
        None => Ok(Answer::Skipped(true)),
    }
}

/// A result as its text.
fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("a node's result is JSON")
}
