//! Calls of a rate limiter node as data.

use crate::runtime::wit::nodes::Step;
use crate::runtime::wit::types::Problem;
use crate::strategies::rate_limiter::request::Limiters;
use crate::strategy::Strategy;

/// The strategy: a rate limiter node of the component.
#[derive(Debug)]
pub(crate) struct LimiterNodes;

/// A call of a node on one key.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    Step { priority: i32, token: String },
    Abandon { token: String },
}

/// What it answers.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Step(Step),
    /// Whether there was anything to give back.
    Abandoned(bool),
    Problems(Vec<Problem>),
}

impl Answer {
    fn step(&self) -> Option<&Step> {
        match self {
            Self::Step(step) => Some(step),
            Self::Abandoned(_) | Self::Problems(_) => None,
        }
    }

    /// The answer to a step. The component's export for a step returns one by its type, or
    /// problems; only `abandon` is answered otherwise.
    pub(super) fn stepped(self) -> Result<Step, Vec<Problem>> {
        match self {
            Self::Step(step) => Ok(step),
            Self::Problems(problems) => Err(problems),
            Self::Abandoned(_) => unreachable!("the call is a step"),
        }
    }

    /// Whether there was anything to give back.
    pub(super) fn was_abandoned(&self) -> bool {
        matches!(self, Self::Abandoned(true))
    }
}

impl Strategy for LimiterNodes {
    /// Nodes and limiters of one name limit together.
    const TAG: &'static str = Limiters::TAG;
    const OUTLASTS_OUTAGE: bool = true;

    /// How many permits count is only told to the node's user.
    fn weight(answer: &Answer, before: u32) -> u32 {
        let passed = answer.step().is_some_and(|step| step.passed);
        before.saturating_add(u32::from(passed))
    }

    fn refuses(answer: &Answer) -> bool {
        answer.step().is_some_and(|step| step.done && !step.passed)
    }

    fn gives(request: &Request) -> bool {
        matches!(request, Request::Step { .. })
    }

    fn undo(request: &Request, answer: &Answer) -> Option<Request> {
        let step = answer.step().filter(|step| Self::gives(request) && !step.token.is_empty())?;
        Some(Request::Abandon { token: step.token.clone() })
    }
}
