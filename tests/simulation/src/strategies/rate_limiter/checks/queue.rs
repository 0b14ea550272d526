//! Queue order: nobody takes the place of one who goes before, that is of higher priority or, at
//! the same, of earlier arrival, unless that one is late by more than the grace or its time is
//! over.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use tidegate::{OnLimit, RateLimiterConfig, Verdict};

use super::{Violation, cost, decision};
use crate::record::{Call, Record};
use crate::strategies::asked::Ask;

/// Times that a waiter is told are whole milliseconds.
const ROUNDING_US: u64 = 1_000;

/// One who was told to wait.
#[derive(Debug, Clone, Copy)]
struct Waiter {
    priority: i32,
    ticket: u64,
    cost: u32,
    due_us: u64,
    commit: usize,
}

/// The queue as its waiters know it.
struct Line<'a> {
    record: &'a Record,
    timeout_us: u64,
    grace_us: u64,
    waiters: BTreeMap<u64, Waiter>,
}

pub(super) fn check(record: &Record, tag: &str, config: &RateLimiterConfig, found: &mut Vec<Violation>) {
    let OnLimit::Queue { timeout_ms, grace_ms, .. } = config.on_limit else { return };
    let grace_us = 1_000 * grace_ms.unwrap_or_else(|| timeout_ms.clamp(1, 1_000));
    let mut line = Line { record, timeout_us: timeout_ms * 1_000, grace_us, waiters: BTreeMap::new() };
    let mut events: Vec<(usize, u64, &Call)> =
        record.on(tag).filter_map(|call| Some((call.commit?, call.ended.1, call))).collect();
    events.sort_by_key(|(commit, ended, _)| (*commit, *ended));
    for (commit, _, call) in events {
        let (Some(decision), Some(cost)) = (decision(call), cost(&call.ask)) else {
            if let Ask::Cancel(ticket) = call.ask {
                line.waiters.remove(&ticket);
            }
            continue;
        };
        line.forget_the_lost(commit);
        line.waiters.remove(&ticket_of(&call.ask));
        if decision.verdict == Verdict::Allowed && decision.charged_at_us.is_some() {
            line.check_turn(tag, commit, call, cost, found);
        } else if let (Verdict::Wait, Some(ticket)) = (decision.verdict, decision.ticket) {
            let due_us = decision.at_us + u64::try_from(decision.wait.as_micros()).unwrap_or(u64::MAX / 2);
            if decision.at_us >= ticket.0 + line.timeout_us {
                let what = format!("{tag}: {:?} was told at {} to go on waiting", call.ask, decision.at_us);
                found.push(Violation { promise: "nobody waits past its time", what });
            }
            let priority = priority_of(&call.ask);
            line.waiters.insert(ticket.0, Waiter { priority, ticket: ticket.0, cost, due_us, commit });
        }
    }
}

impl Line<'_> {
    /// The store has forgotten those who were told to wait by a commit that it has lost.
    fn forget_the_lost(&mut self, commit: usize) {
        if self.waiters.values().any(|waiter| waiter.commit < commit) {
            let line: Vec<usize> = self.record.line(commit).collect();
            self.waiters.retain(|_, waiter| line.contains(&waiter.commit));
        }
    }

    /// Whoever goes leaves enough for all who go before.
    fn check_turn(&self, tag: &str, commit: usize, call: &Call, cost: u32, found: &mut Vec<Violation>) {
        let Some(decision) = decision(call) else { return };
        if matches!(call.ask, Ask::Acquire(..)) {
            // It kept its ticket to itself.
            return;
        }
        let ticket = match ticket_of(&call.ask) {
            0 => decision.at_us,
            ticket => ticket,
        };
        // Whoever does not queue goes after all who do; one whose time is over, too.
        let last = matches!(call.ask, Ask::TryAcquire(_)) || ticket + self.timeout_us + self.grace_us < decision.at_us;
        let rank = if last { (Reverse(i32::MIN), u64::MAX) } else { (Reverse(priority_of(&call.ask)), ticket) };
        let ahead: Vec<&Waiter> = self
            .waiters
            .values()
            .filter(|waiter| (Reverse(waiter.priority), waiter.ticket) < rank)
            .filter(|waiter| self.is_in_time(waiter, decision.at_us))
            .filter(|waiter| self.written_us(waiter, commit) < waiter.ticket + self.timeout_us)
            .filter(|waiter| !self.may_be_gone(waiter, call) && !self.may_have_gone(waiter, commit))
            .collect();
        let needed: u32 = ahead.iter().map(|waiter| waiter.cost).sum();
        if needed > decision.remaining {
            let what = format!(
                "{tag}: {:?} (cost {cost}) went at {} and left {} for {ahead:?}",
                call.ask, decision.at_us, decision.remaining
            );
            found.push(Violation { promise: "queue order", what });
        }
    }

    /// Whether a waiter may have been let go and not know it: it has gone by the first copy of its
    /// request, and heard first that the second was refused.
    fn may_have_gone(&self, waiter: &Waiter, commit: usize) -> bool {
        let between = self.record.line(commit).skip(1).take_while(|index| *index > waiter.commit);
        between.map(|index| &self.record.commits[index]).any(|commit| commit.again && commit.refused)
    }

    /// The latest time at which anything was replaced after a waiter was told to wait and before a
    /// commit. If its time was over by then it was taken out of the queue, and a host whose time
    /// lags does not find it there.
    fn written_us(&self, waiter: &Waiter, commit: usize) -> u64 {
        let between = self.record.line(commit).skip(1).take_while(|index| *index > waiter.commit);
        let written =
            between.map(|index| &self.record.commits[index]).filter(|commit| commit.gives > 0 && !commit.refused);
        written.map(|commit| commit.at_us).max().unwrap_or(0)
    }

    fn is_in_time(&self, waiter: &Waiter, at_us: u64) -> bool {
        at_us + ROUNDING_US < waiter.due_us + self.grace_us && at_us + ROUNDING_US < waiter.ticket + self.timeout_us
    }

    /// Whether a waiter has asked for something whose answer was lost, or was given without the
    /// store: it may have gone.
    fn may_be_gone(&self, waiter: &Waiter, before: &Call) -> bool {
        let mut own = self.record.on(&before.tag).filter(|call| ticket_of(&call.ask) == waiter.ticket);
        own.any(|call| call.asked.1 < before.ended.1 && decision(call).is_none_or(|decision| decision.degraded))
    }
}

fn ticket_of(ask: &Ask) -> u64 {
    match ask {
        Ask::Decide(_, _, ticket) | Ask::Cancel(ticket) => *ticket,
        _ => 0,
    }
}

fn priority_of(ask: &Ask) -> i32 {
    match ask {
        Ask::Decide(_, priority, _) | Ask::Acquire(_, priority) => *priority,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tidegate::{Decision, Limit, Ticket};

    use super::super::written::{START_US, TAG, Written, decision};
    use super::*;

    /// One waits with 100 ms to go, somebody writes at `written_us`, and one who came later goes 90
    /// ms after the first came.
    fn found_after_a_write_at(written_us: u64, gives: u64) -> Vec<Violation> {
        let on_limit = OnLimit::Queue { max_size: 5, timeout_ms: 100, grace_ms: Some(100) };
        let config = RateLimiterConfig::new("limiter", Limit::per_second(5)).on_limit(on_limit);
        let mut written = Written::new(config);
        let told = |us: u64, wait_ms| Decision {
            verdict: Verdict::Wait,
            wait: Duration::from_millis(wait_ms),
            ticket: Some(Ticket(START_US + us)),
            ..decision(None, 5)
        };
        let first = written.call(Ask::Decide(1, 0, 0), 0, None, 1, told(0, 100));
        let second = written.call(Ask::Decide(1, 0, 0), 10_000, Some(first), 1, told(10_000, 80));
        let other = written.call(Ask::Peek, written_us, Some(second), gives, decision(None, 5));
        let goes = Ask::Decide(1, 0, START_US + 10_000);
        written.call(goes, 90_000, Some(other), 1, decision(Some(90_000), 5));
        let mut found = Vec::new();
        check(&written.record, TAG, &written.config, &mut found);
        found
    }

    #[test]
    fn one_who_waits_is_not_passed_over() {
        assert_eq!(found_after_a_write_at(50_000, 1)[0].promise, "queue order");
    }

    #[test]
    fn one_whose_time_is_over_is_gone_for_hosts_that_lag_too() {
        assert_eq!(found_after_a_write_at(100_000, 1), []);
    }

    #[test]
    fn who_only_looks_drops_nobody() {
        assert_eq!(found_after_a_write_at(100_000, 0)[0].promise, "queue order");
    }
}
