//! What is promised of limiters.

mod away;
mod charges;
mod lease;
mod queue;
mod recovery;
mod store;
mod window;
#[cfg(test)]
mod written;

use tidegate::{Algorithm, Decision, Limit, RateLimiterConfig, Verdict};

pub(crate) use self::recovery::lost;
pub(crate) use self::store::bounds;
use super::settings::capacity;
use crate::checks::Violation;
use crate::record::{Call, Record};
use crate::strategies::asked::{Answer, Ask};

/// The promises that were not kept to an entity.
pub(crate) fn check(record: &Record, tag: &str, config: &RateLimiterConfig, found: &mut Vec<Violation>) {
    window::check(record, tag, config, found);
    charges::check(record, tag, config, found);
    queue::check(record, tag, config, found);
    lease::check(record, tag, config, found);
    away::check(record, tag, config, found);
}

/// Permits that a caller holds, or a place that it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Charge {
    /// The time that it counts at: of a reserved place, a time to come; of a lease, when that was
    /// taken.
    at_us: u64,
    /// The time at which the call may go: on a lease, later than that at which its permit counts.
    goes_us: u64,
    /// When it was decided.
    decided_us: u64,
    /// From when on it begins to come back to a bucket, at the latest: from its place on, where
    /// another limit chose that.
    taken_us: u64,
    cost: u32,
    commit: Option<usize>,
}

/// What a call was admitted with.
fn charge(config: &RateLimiterConfig, call: &Call) -> Option<Charge> {
    let decision = decision(call)?;
    let cost = cost(&call.ask)?;
    let granted =
        decision.verdict == Verdict::Allowed || decision.verdict == Verdict::Wait && decision.ticket.is_none();
    let at_us = decision.charged_at_us.filter(|_| granted && !decision.degraded)?;
    let (goes_us, decided_us) = if decision.leased { (decision.at_us, at_us) } else { (at_us, decision.at_us) };
    let taken_us = if config.limits.len() > 1 { at_us.max(decided_us) } else { decided_us };
    Some(Charge { at_us, goes_us, decided_us, taken_us, cost, commit: call.commit })
}

/// The permits that a call asks for.
fn cost(ask: &Ask) -> Option<u32> {
    match ask {
        Ask::TryAcquire(cost) | Ask::Decide(cost, ..) | Ask::Acquire(cost, _) => Some(*cost),
        _ => None,
    }
}

fn decision(call: &Call) -> Option<&Decision> {
    match &call.answer {
        Answer::Decision(decision) => Some(decision),
        _ => None,
    }
}

/// The charges of an entity, but for those that anybody tried to give back: those may or may not
/// count any more.
fn kept_charges(record: &Record, tag: &str, config: &RateLimiterConfig) -> Vec<Charge> {
    let refund = |call: &Call| match call.ask {
        Ask::Refund(cost, at_us) => Some((at_us, cost)),
        _ => None,
    };
    let mut refunds: Vec<(u64, u32)> = record.on(tag).filter_map(refund).collect();
    let mut charges: Vec<Charge> = record.on(tag).filter_map(|call| charge(config, call)).collect();
    charges.retain(|charge| {
        let refund = refunds.iter().position(|refund| *refund == (charge.at_us, charge.cost));
        refund.map(|index| refunds.swap_remove(index)).is_none()
    });
    charges
}

/// What was given back in a line of commits of a bucket although it came back by itself: between
/// the time of a commit that gives back and the latest time of those before it, which nothing in a
/// bucket tells.
fn late_returns(record: &Record, line: &[usize], limit: &Limit) -> u64 {
    if !matches!(limit.algorithm, Algorithm::Gcra { .. } | Algorithm::TokenBucket { .. }) {
        return 0;
    }
    let late = line.iter().filter(|index| record.commits[**index].moved_back > 0).map(|index| {
        let before = line.iter().filter(|before| *before < index).map(|before| record.commits[*before].at_us);
        let lag_us = before.max().unwrap_or(0).saturating_sub(record.commits[*index].at_us);
        (lag_us * u64::from(limit.limit)).div_ceil(limit.window_count * 1_000)
    });
    late.sum()
}

/// How many more permits than promised may have been given because requests that give back arrived
/// twice. A number that is moved back is not validated, and a value that is replaced may have
/// become what it was again.
fn doubled_refunds(record: &Record, tag: &str, config: &RateLimiterConfig) -> u64 {
    let doubled = record.commits.iter().filter(|commit| commit.tag == tag && commit.again);
    let most_cost = record.scenario.actors.iter().map(|actor| actor.most_cost).max().unwrap_or(1);
    // What is left of a lease is given back at once.
    let lease = config.lease;
    let most_cost = most_cost.max(lease.map_or(0, |lease| lease.max_permits));
    doubled.map(|commit| commit.gives * u64::from(most_cost)).sum()
}
