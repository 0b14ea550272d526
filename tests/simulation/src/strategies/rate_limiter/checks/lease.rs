//! A lease is spent in its time: who goes on one goes no later after its charge than its life.
//!
//! What the hosts say of their times is held to the promise of the limiter elsewhere; here it is
//! held to the true time.

use tidegate::RateLimiterConfig;

use super::{Violation, cost, decision};
use crate::clock::START_US;
use crate::link::LIMIT_US;
use crate::record::Record;
use crate::scenario::FaultKind;

/// A host believes the store's clock to be no more than one answer behind, and a call may wait for
/// one more.
const SLACK_US: u64 = 2 * LIMIT_US;

pub(super) fn check(record: &Record, tag: &str, config: &RateLimiterConfig, found: &mut Vec<Violation>) {
    let asks = record.on(tag).filter(|call| cost(&call.ask).is_some());
    let leased = asks.filter_map(|call| Some((call, decision(call).filter(|decision| decision.leased)?)));
    let Some(lease) = config.lease else {
        found.extend(leased.map(|(call, _)| violation(format!("{tag}: {:?} went on a lease that is none", call.ask))));
        return;
    };
    let clocks_jump = |kind: &FaultKind| matches!(kind, FaultKind::ClockJump(..) | FaultKind::Failover { .. });
    if record.scenario.faults.iter().any(|fault| clocks_jump(&fault.kind)) {
        return;
    }
    for (call, decision) in leased {
        let charged_us = decision.charged_at_us.unwrap_or(0);
        let (went_us, life_us) = (START_US + call.ended.0, lease.life_ms * 1_000);
        if went_us > charged_us + life_us + SLACK_US {
            found.push(violation(format!("{tag}: {:?} went at {went_us} on a charge of {charged_us}", call.ask)));
        }
    }
}

fn violation(what: String) -> Violation {
    Violation { promise: "a lease is spent in its time", what }
}
