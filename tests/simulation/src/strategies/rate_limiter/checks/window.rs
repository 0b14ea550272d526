//! Admitted permits in every window are at most the limit.
//!
//! A store that was restarted, failed over or lost cells has forgotten some commits. What it had at
//! any one time is a *line* of commits, each on top of the one before; the promise holds for the
//! permits of each line. So a store that lost what it had k times gives at most 1 + k times the
//! limit, and exactly what was lost more than the limit.
//!
//! A bucket gives back what a charge still takes of it *at the time of the refund*. A host whose
//! time lags gives back what comes back of that until the time of a charge which others have
//! committed before, and no more than that is allowed beside.

use std::collections::BTreeMap;

use tidegate::{Algorithm, Limit, RateLimiterConfig};

use super::{Charge, Violation, capacity, charge, cost, decision, doubled_refunds, kept_charges, late_returns};
use crate::record::Record;
use crate::strategies::asked::{Answer, Ask};

const PROMISE: &str = "permits in every window are at most the limit";

pub(super) fn check(record: &Record, tag: &str, config: &RateLimiterConfig, found: &mut Vec<Violation>) {
    let charges = kept_charges(record, tag, config);
    let spare = doubled_refunds(record, tag, config) + stray_refunds(record, tag);
    for tip in record.tips(tag) {
        let line: Vec<usize> = record.line(tip).collect();
        let mut charges: Vec<Charge> = charges
            .iter()
            .filter(|charge| charge.commit.is_some_and(|commit| line.contains(&commit)))
            .copied()
            .collect();
        charges.sort_by_key(|charge| charge.goes_us);
        for limit in &config.limits {
            let spare = spare + stray_leases(record, tag, &line, config) + late_returns(record, &line, limit);
            check_line(&charges, limit, spare, tag, found);
        }
    }
    if let Some(charge) = charges.iter().find(|charge| charge.commit.is_none()) {
        let what = format!("{tag}: {} permits were given at {} without a commit", charge.cost, charge.at_us);
        found.push(Violation { promise: PROMISE, what });
    }
}

/// Permits that were charged in a line that the store has lost, and given back to another.
fn stray_refunds(record: &Record, tag: &str) -> u64 {
    if record.tips(tag).len() < 2 {
        return 0;
    }
    let refunded = record.on(tag).filter_map(|call| match (&call.ask, &call.answer) {
        (Ask::Refund(cost, _), _) => Some(*cost),
        // What a caller who went away was given goes back by itself.
        (ask, Answer::Dropped) => cost(ask),
        _ => None,
    });
    refunded.map(u64::from).sum()
}

/// What was left of leases that were charged outside a line, and may have been given back to it.
fn stray_leases(record: &Record, tag: &str, line: &[usize], config: &RateLimiterConfig) -> u64 {
    let Some(lease) = config.lease else { return 0 };
    let mut left: BTreeMap<usize, u32> = BTreeMap::new();
    for call in record.on(tag).filter(|call| charge(config, call).is_some()) {
        let (Some(commit), Some(decision)) = (call.commit, decision(call)) else { continue };
        if !line.contains(&commit) && (decision.leased || decision.release_after.is_some()) {
            let rest = left.entry(commit).or_insert(lease.max_permits);
            *rest = decision.remaining.min(*rest);
        }
    }
    left.into_values().map(u64::from).sum()
}

fn check_line(charges: &[Charge], limit: &Limit, spare: u64, tag: &str, found: &mut Vec<Violation>) {
    let window_us = limit.window_count * 1_000;
    let most = u64::from(limit.limit);
    let (worst, bound) = match limit.algorithm {
        Algorithm::SlidingWindow { .. } | Algorithm::SlidingLog => (most_in_any(charges, window_us), most),
        Algorithm::FixedWindow => (most_in_aligned(charges, window_us), most),
        Algorithm::SlidingWindowCounter => {
            let aligned = most_in_aligned(charges, window_us);
            if aligned > most + spare {
                (aligned, most)
            } else {
                (most_in_any(charges, window_us), (2 * most).saturating_sub(1))
            }
        }
        Algorithm::Gcra { .. } | Algorithm::TokenBucket { .. } => {
            (most_over_rate(charges, limit, window_us), u64::from(capacity(limit)))
        }
    };
    if worst > bound + spare {
        let what =
            format!("{tag}: {worst} permits where {bound} and {spare} more are allowed, by {limit:?}: {charges:?}");
        found.push(Violation { promise: PROMISE, what });
    }
}

/// What is wrong with the calls that one host has let go by its share of a limit, each by its time
/// and cost.
pub(super) fn check_share(calls: &[(u64, u32)], limit: &Limit, hosts: u32, lives: u64) -> Option<String> {
    let mut share = *limit;
    share.limit /= hosts;
    if let Algorithm::Gcra { burst } | Algorithm::TokenBucket { burst } = &mut share.algorithm {
        *burst = Some(capacity(limit) / hosts);
    }
    let charge = |(us, cost): &(u64, u32)| Charge {
        at_us: *us,
        goes_us: *us,
        decided_us: *us,
        taken_us: *us,
        cost: *cost,
        commit: None,
    };
    let mut charges: Vec<Charge> = calls.iter().map(charge).collect();
    charges.sort_by_key(|charge| charge.goes_us);
    let mut found = Vec::new();
    let more = u64::from(capacity(&share)) * (lives - 1) * 2;
    check_line(&charges, &share, more, "its share", &mut found);
    found.pop().map(|violation| violation.what)
}

/// The most permits in any half-open span as long as the window.
fn most_in_any(charges: &[Charge], window_us: u64) -> u64 {
    let until = |end: &Charge| {
        let inside = charges.iter().filter(|c| c.goes_us <= end.goes_us && end.goes_us - c.goes_us < window_us);
        inside.map(|charge| u64::from(charge.cost)).sum()
    };
    charges.iter().map(until).max().unwrap_or(0)
}

/// The most permits in any window that starts at a multiple of its length since 1970.
fn most_in_aligned(charges: &[Charge], window_us: u64) -> u64 {
    let of = |end: &Charge| {
        let inside = charges.iter().filter(|charge| charge.goes_us / window_us == end.goes_us / window_us);
        inside.map(|charge| u64::from(charge.cost)).sum()
    };
    charges.iter().map(of).max().unwrap_or(0)
}

/// The most that the permits of any span are above what its length gives, rounded up: A(D) - D * L
/// / W.
fn most_over_rate(charges: &[Charge], limit: &Limit, window_us: u64) -> u64 {
    let (rate, window) = (u128::from(limit.limit), u128::from(window_us));
    let mut worst = 0;
    for (first, start) in charges.iter().enumerate() {
        let mut permits = 0;
        for end in &charges[first..] {
            permits += u128::from(end.cost) * window;
            // A span that holds both is longer than the time between them.
            let given = u128::from(end.goes_us - start.goes_us + 1) * rate;
            worst = worst.max(permits.saturating_sub(given).div_ceil(window));
        }
    }
    u64::try_from(worst).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tidegate::{Lease, WindowUnit};

    use super::super::written::{TAG, Written, decision};
    use super::*;

    fn charges(of: &[(u64, u32)]) -> Vec<Charge> {
        of.iter()
            .map(|(at_us, cost)| Charge {
                at_us: *at_us,
                goes_us: *at_us,
                decided_us: *at_us,
                taken_us: *at_us,
                cost: *cost,
                commit: None,
            })
            .collect()
    }

    #[test]
    fn a_window_does_not_hold_what_is_its_length_ago() {
        assert_eq!(most_in_any(&charges(&[(0, 2), (99, 1), (100, 4)]), 100), 5);
        assert_eq!(most_in_aligned(&charges(&[(0, 2), (99, 1), (100, 4)]), 100), 4);
    }

    #[test]
    fn a_bucket_gives_its_burst_and_what_comes_back() {
        let limit = Limit::new(1, tidegate::WindowUnit::Millisecond, 1).by(Algorithm::Gcra { burst: None });
        assert_eq!(most_over_rate(&charges(&[(0, 1), (1_000, 1), (2_000, 1)]), &limit, 1_000), 1);
        assert_eq!(most_over_rate(&charges(&[(0, 1), (998, 1)]), &limit, 1_000), 2);
    }

    /// A lease has two permits left when the store loses all; on what it holds after that this many
    /// go.
    fn found_after_a_loss(permits: u32) -> Vec<Violation> {
        let limit = Limit::new(5, WindowUnit::Second, 1).by(Algorithm::FixedWindow);
        let lease = Lease::new(4, Duration::from_millis(500));
        let mut written = Written::new(RateLimiterConfig::new("limiter", limit).lease(lease));
        written.call(Ask::TryAcquire(2), 0, None, 1, decision(Some(0), 4));
        let Answer::Decision(decided) = &mut written.record.calls[0].answer else { unreachable!() };
        (decided.remaining, decided.release_after) = (2, Some(Duration::from_millis(500)));
        written.call(Ask::TryAcquire(permits), 100_000, None, 1, decision(Some(100_000), permits));
        let mut found = Vec::new();
        check(&written.record, TAG, &written.config, &mut found);
        found
    }

    #[test]
    fn what_is_left_of_a_lost_lease_may_go_once_more() {
        assert_eq!(found_after_a_loss(7), []);
        assert_eq!(found_after_a_loss(8).len(), 1);
    }
}
