//! How the Rust host makes the calls of each strategy. The rest of the driver asks the list here
//! and names no strategy.

mod circuit_breaker;
mod rate_limiter;

use std::any::Any;
use std::pin::Pin;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tidegate::key::EntityKey;
use tidegate::{Error, Problem, Tidegate};
use tidegate_conformance::protocol::{Step, Write};

use crate::log::{self, Answer};

/// All kinds of policies.
const KINDS: [Kind; 4] = [rate_limiter::LIMITER, circuit_breaker::BREAKER, rate_limiter::NODE, circuit_breaker::NODE];

/// A kind of policy.
pub(crate) struct Kind {
    name: &'static str,
    /// Opens one on its settings.
    pub(crate) open: fn(&Tidegate, &Value) -> Opened,
    /// The problems of its settings as the log has them.
    pub(crate) problems: fn(Vec<Problem>) -> Vec<log::Problem>,
}

/// The kind of this name.
pub(crate) fn kind(name: &str) -> Result<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name).with_context(|| format!("there is no kind {name:?} of policy"))
}

/// A policy, or why its settings open none.
pub(crate) type Opened = Result<Box<dyn Policy>, Error>;

/// An opened policy.
pub(crate) trait Policy {
    /// The entity that a stranger writes to.
    fn entity(&self, write: &Write) -> Result<EntityKey>;

    /// Makes a call, which may bring back what earlier steps gave.
    fn play<'a>(&'a self, step: &'a Step, earlier: &'a [Given]) -> Played<'a>;

    /// Whether calls leave something to settle in the background.
    fn settles_later(&self) -> bool;
}

/// What came of a call: its answer, and what a later one may bring back.
pub(crate) type Played<'a> = Pin<Box<dyn Future<Output = Result<(Answer, Given)>> + 'a>>;

/// What a step gave that a later one may bring back: what that is, its strategy knows.
pub(crate) type Given = Option<Box<dyn Any>>;

/// What a node gave.
#[derive(Clone, Default)]
struct NodeGiven {
    token: Option<String>,
    /// The text of its result.
    result: Option<String>,
}

/// What an earlier step gave, if it gave that.
fn given<T: Any>(earlier: &[Given], step: Option<usize>) -> Option<&T> {
    earlier.get(step?)?.as_ref()?.downcast_ref()
}

/// The token that a call brings: one that no step gave, or that of the step it names.
fn token(earlier: &[Given], step: Option<usize>, token: Option<String>) -> Option<String> {
    token.or_else(|| given::<NodeGiven>(earlier, step)?.token.clone())
}

/// The answer to a call that puts the result of an earlier step into a context.
fn output(
    earlier: &[Given],
    step: Option<usize>,
    merge: impl FnOnce(&str) -> Result<String, Error>,
) -> Result<(Answer, Given)> {
    match given::<NodeGiven>(earlier, step).and_then(|given| given.result.as_deref()) {
        Some(result) => Ok((Answer::new("output", &merge(result)?), None)),
        None => Ok((Answer::skipped(), None)),
    }
}
