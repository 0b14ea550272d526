//! Calls of a circuit breaker node as data.

use crate::runtime::wit::circuit_breaker::{Error, Settle};
use crate::runtime::wit::nodes::CircuitStep;
use crate::runtime::wit::types::Problem;
use crate::strategies::circuit_breaker::request::{Breakers, refuses, weight};
use crate::strategy::Strategy;

/// The strategy: a circuit breaker node of the component.
#[derive(Debug)]
pub(crate) struct BreakerNodes;

/// A call of a node.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    Admit,
    Succeeded { token: String },
    Failed { token: String, errors: Vec<Error> },
    Cancelled { token: String },
    Status,
}

/// What it answers.
pub(crate) type Answer = Result<Box<CircuitStep>, Vec<Problem>>;

impl Request {
    /// The token of an outcome.
    pub(super) fn token(&self) -> Option<&str> {
        match self {
            Self::Succeeded { token } | Self::Failed { token, .. } | Self::Cancelled { token } => Some(token),
            Self::Admit | Self::Status => None,
        }
    }

    /// The same outcome by another token.
    pub(super) fn with_token(&self, own: &str) -> Self {
        let mut with = self.clone();
        match &mut with {
            Self::Succeeded { token } | Self::Failed { token, .. } | Self::Cancelled { token } => {
                own.clone_into(token);
            }
            Self::Admit | Self::Status => {}
        }
        with
    }
}

impl Strategy for BreakerNodes {
    /// Nodes and breakers of one name are one circuit.
    const TAG: &'static str = Breakers::TAG;
    const OUTLASTS_OUTAGE: bool = false;

    fn weight(answer: &Answer, before: u32) -> u32 {
        answer.as_ref().map_or(before, |step| weight(&step.report))
    }

    fn refuses(answer: &Answer) -> bool {
        answer.as_ref().is_ok_and(|step| refuses(&step.report))
    }

    fn gives(request: &Request) -> bool {
        matches!(request, Request::Admit)
    }

    fn undo(request: &Request, answer: &Answer) -> Option<Request> {
        let step = answer.as_ref().ok().filter(|step| Self::gives(request) && !step.token.is_empty())?;
        Some(Request::Cancelled { token: step.token.clone() })
    }

    fn settles_later(answer: &Answer) -> bool {
        answer.as_ref().is_ok_and(|step| step.report.settle == Settle::Later)
    }

    fn goes_ahead(request: &Request) -> bool {
        matches!(request, Request::Admit)
    }
}
