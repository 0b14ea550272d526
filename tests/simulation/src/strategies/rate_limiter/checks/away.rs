//! What is decided without the store is what the configuration says, and is said to be.
//!
//! Shares are each host's own: what it lets go while the store is away keeps the promise of a limit
//! divided by the hosts.

use std::collections::BTreeMap;

use tidegate::{Limit, RateLimiterConfig, Verdict, WhenAway};

use super::window::check_share;
use super::{Violation, cost, decision};
use crate::checks::{AWAY, not_as_configured};
use crate::record::Record;
use crate::scenario::FaultKind;
use crate::strategies::asked::Ask;

pub(super) fn check(record: &Record, tag: &str, config: &RateLimiterConfig, found: &mut Vec<Violation>) {
    let mut by_host: BTreeMap<usize, Vec<(u64, u32)>> = BTreeMap::new();
    for call in record.on(tag) {
        let Some(decision) = decision(call).filter(|decision| decision.degraded) else { continue };
        let allowed = decision.verdict == Verdict::Allowed;
        let wrong = match config.when_away {
            // A limiter's share has a number.
            WhenAway::Error | WhenAway::Own => true,
            WhenAway::Open => !allowed,
            WhenAway::Closed => allowed,
            WhenAway::Share { .. } => false,
        };
        if wrong && !matches!(call.ask, Ask::Refund(..)) {
            found.push(not_as_configured(tag, config.when_away, call));
        }
        if let (Some(cost), Some(at_us)) = (cost(&call.ask), decision.charged_at_us.filter(|_| allowed)) {
            let given_back = |call: &crate::record::Call| call.ask == Ask::Refund(cost, at_us);
            if !record.on(tag).any(given_back) {
                by_host.entry(call.host).or_default().push((at_us, cost));
            }
        }
    }
    if let WhenAway::Share { hosts } = config.when_away {
        for (host, calls) in by_host {
            check_host(record, tag, host, &calls, &config.limits, hosts, found);
        }
    }
}

fn check_host(
    record: &Record,
    tag: &str,
    host: usize,
    calls: &[(u64, u32)],
    limits: &[Limit],
    hosts: u32,
    found: &mut Vec<Violation>,
) {
    // A host that died has forgotten what it let go.
    let died = |kind: &FaultKind| *kind == FaultKind::HostCrash(host);
    let lives = 1 + record.scenario.faults.iter().filter(|fault| died(&fault.kind)).count() as u64;
    for limit in limits {
        if let Some(what) = check_share(calls, limit, hosts, lives) {
            found.push(Violation { promise: AWAY, what: format!("{tag} on host {host}: {what}") });
        }
    }
}
