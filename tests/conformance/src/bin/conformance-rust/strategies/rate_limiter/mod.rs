//! Rate limiters.

mod log;
mod node;

use anyhow::Result;
use tidegate::key::EntityKey;
use tidegate::{Ask, Decision, RateLimiter, RateLimiterConfig};
use tidegate_conformance::protocol::{Step, Write};
use tidegate_conformance::strategies::LimiterCall as Call;

use self::log::DecisionLine;
pub(super) use self::node::NODE;
use super::{Given, Kind, Played, Policy, given};
use crate::log::{Answer, contract_problems};

pub(super) const LIMITER: Kind = Kind {
    name: "limiter",
    open: |gate, config| {
        let config = RateLimiterConfig::from_json(&config.to_string())?;
        Ok(Box::new(gate.rate_limiter(config)?))
    },
    problems: contract_problems,
};

impl Policy for RateLimiter {
    fn entity(&self, write: &Write) -> Result<EntityKey> {
        Ok(EntityKey::new("rl", &self.config().name, &write.key))
    }

    fn play<'a>(&'a self, step: &'a Step, earlier: &'a [Given]) -> Played<'a> {
        Box::pin(async { play(self, step.typed()?, earlier).await })
    }

    fn settles_later(&self) -> bool {
        false
    }
}

async fn play(limiter: &RateLimiter, call: Call, earlier: &[Given]) -> Result<(Answer, Given)> {
    let ticket_of = |step| given::<Decision>(earlier, step).and_then(|decision| decision.ticket);
    let decision = match call {
        Call::Acquire { key, cost, priority, ticket } => {
            limiter.decide(Ask::of(&key).cost(cost).priority(priority), ticket_of(ticket)).await?
        }
        Call::TryAcquire { key, cost } => limiter.try_acquire(Ask::of(&key).cost(cost)).await?,
        Call::Peek { key, cost } => limiter.peek(Ask::of(&key).cost(cost)).await?,
        Call::Refund { key, cost, charged } => {
            let charged = given::<Decision>(earlier, charged).filter(|decision| decision.charged_at_us.is_some());
            let Some(charged) = charged else { return Ok((Answer::skipped(), None)) };
            limiter.refund(Ask::of(&key).cost(cost), charged).await?
        }
        Call::Charge { key, cost } => limiter.charge(&key, cost).await?,
        Call::Cancel { key, ticket } => {
            let Some(ticket) = ticket_of(ticket) else { return Ok((Answer::skipped(), None)) };
            return Ok((Answer::new("wasWaiting", &limiter.cancel(&key, ticket).await?), None));
        }
        Call::Reset { key } => {
            limiter.reset(&key).await?;
            return Ok((Answer::done(), None));
        }
    };
    Ok((Answer::new("decision", &DecisionLine::from(&decision)), Some(Box::new(decision))))
}
