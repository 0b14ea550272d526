//! Circuit breakers.

mod log;
mod node;

use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use tidegate::key::EntityKey;
use tidegate::{CircuitBreaker, CircuitBreakerConfig, Failure, Mode, Permit};
use tidegate_conformance::protocol::{self, Step, Write};
use tidegate_conformance::strategies::BreakerCall as Call;

use self::log::ReportLine;
pub(super) use self::node::NODE;
use super::{Given, Kind, Played, Policy, given};
use crate::log::{Answer, contract_problems};

pub(super) const BREAKER: Kind = Kind {
    name: "breaker",
    open: |gate, config| {
        let config = CircuitBreakerConfig::from_json(&config.to_string())?;
        Ok(Box::new(gate.circuit_breaker(config)?))
    },
    problems: contract_problems,
};

impl Policy for CircuitBreaker {
    fn entity(&self, write: &Write) -> Result<EntityKey> {
        Ok(EntityKey::new("cb", &self.config().name, &write.key))
    }

    fn play<'a>(&'a self, step: &'a Step, earlier: &'a [Given]) -> Played<'a> {
        Box::pin(async { play(self, step.typed()?, earlier).await })
    }

    fn settles_later(&self) -> bool {
        true
    }
}

async fn play(breaker: &CircuitBreaker, call: Call, earlier: &[Given]) -> Result<(Answer, Given)> {
    let permit_of = |step| given::<Permit>(earlier, step).copied();
    let skipped = || Ok((Answer::skipped(), None));
    let report = match call {
        Call::Admit { key } => breaker.keyed(&key).admit().await?,
        Call::Status { key } => breaker.keyed(&key).status().await?,
        Call::Reset { key } => breaker.keyed(&key).reset().await?,
        Call::SetMode { key, mode } => breaker.keyed(&key).set_mode(mode_of(mode)?).await?,
        Call::Succeeded { key, permit, elapsed_ms } => {
            let Some(permit) = permit_of(permit) else { return skipped() };
            breaker.keyed(&key).succeeded(permit, Duration::from_millis(elapsed_ms)).await?
        }
        Call::Failed { key, permit, elapsed_ms, error } => {
            let Some(permit) = permit_of(permit) else { return skipped() };
            breaker.keyed(&key).failed(permit, Duration::from_millis(elapsed_ms), failure(error)).await?
        }
        Call::Cancelled { key, permit, elapsed_ms } => {
            let Some(permit) = permit_of(permit) else { return skipped() };
            breaker.keyed(&key).cancelled(permit, Duration::from_millis(elapsed_ms)).await?
        }
    };
    let given: Given = report.permit.map(|permit| Box::new(permit) as _);
    Ok((Answer::new("report", &ReportLine::from(&report)), given))
}

fn mode_of(mode: String) -> Result<Mode> {
    Ok(serde_json::from_value(Value::from(mode))?)
}

fn failure(of: protocol::Failure) -> Failure {
    let protocol::Failure { name, message, code, status, causes } = of;
    Failure { name, message, code, status, causes: causes.into_iter().map(failure).collect() }
}
