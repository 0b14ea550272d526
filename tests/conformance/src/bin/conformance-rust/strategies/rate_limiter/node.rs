//! Rate limiter nodes.

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::value::RawValue;
use tidegate::key::EntityKey;
use tidegate::nodes::{NodeStep, RateLimiterNode};
use tidegate_conformance::protocol::{Step, Write};
use tidegate_conformance::strategies::LimiterNodeCall as Call;

use super::super::{Given, Kind, NodeGiven, Played, Policy, output, token};
use crate::log::{Answer, ms, problems, raw};

pub(in super::super) const NODE: Kind = Kind {
    name: "limiter-node",
    open: |gate, config| Ok(Box::new(gate.rate_limiter_node(config.as_str().unwrap_or_default())?)),
    problems,
};

/// A step of a rate limiter node; the result is as the node wrote it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeStepLine {
    done: bool,
    wait_ms: u64,
    token: String,
    result: Option<Box<RawValue>>,
}

/// What a rate limiter node limits.
#[derive(Serialize)]
struct SubjectLine {
    name: String,
    key: String,
    priority: i32,
}

impl Policy for RateLimiterNode {
    fn entity(&self, write: &Write) -> Result<EntityKey> {
        let subject = self.subject(&write.context).context("the entity has no name")?;
        Ok(EntityKey::new("rl", &subject.name, &subject.key))
    }

    fn play<'a>(&'a self, step: &'a Step, earlier: &'a [Given]) -> Played<'a> {
        Box::pin(async { play(self, step.typed()?, earlier).await })
    }

    fn settles_later(&self) -> bool {
        false
    }
}

async fn play(node: &RateLimiterNode, call: Call, earlier: &[Given]) -> Result<(Answer, Given)> {
    match call {
        Call::Subject { context } => {
            let subject = node.subject(&context)?;
            let (name, key, priority) = (subject.name, subject.key, subject.priority);
            Ok((Answer::new("subject", &SubjectLine { name, key, priority }), None))
        }
        Call::Step { context, ticket, token: brought } => Ok(line(match token(earlier, ticket, brought) {
            Some(token) => node.step(&context, &token).await?,
            None => node.begin(&context).await?,
        })),
        Call::Abandon { context, ticket, token: brought } => match token(earlier, ticket, brought) {
            Some(token) => Ok((Answer::new("held", &node.abandon(&context, &token).await?), None)),
            None => Ok((Answer::skipped(), None)),
        },
        Call::Output { context, result } => output(earlier, result, |result| node.output(&context, result)),
    }
}

fn line(step: NodeStep) -> (Answer, Given) {
    let (line, given) = match step {
        NodeStep::Wait { wait, token } => {
            let given = NodeGiven { token: Some(token.clone()), result: None };
            (NodeStepLine { done: false, wait_ms: ms(wait), token, result: None }, given)
        }
        NodeStep::Done(passage) => {
            let given = NodeGiven { token: passage.token.clone(), result: Some(passage.json.clone()) };
            let (token, result) = (passage.token.unwrap_or_default(), Some(raw(passage.json)));
            (NodeStepLine { done: true, wait_ms: 0, token, result }, given)
        }
    };
    (Answer::new("nodeStep", &line), Some(Box::new(given)))
}
