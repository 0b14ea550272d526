//! Queue order: nobody takes the place of one who goes before, that is of higher priority or, at the same, of earlier arrival,
//! unless that one is late by more than the grace or its time is over.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use tidegate::{Decision, OnLimit, RateLimiterConfig, Verdict};

use super::{Violation, cost, decision};
use crate::record::{Ask, Call, Record};

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
            line.check_turn(tag, call, decision, cost, found);
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
    fn check_turn(&self, tag: &str, call: &Call, decision: &Decision, cost: u32, found: &mut Vec<Violation>) {
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
            .filter(|waiter| {
                (Reverse(waiter.priority), waiter.ticket) < rank && self.is_in_time(waiter, decision.at_us)
            })
            .filter(|waiter| !self.may_be_gone(waiter, call))
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

    fn is_in_time(&self, waiter: &Waiter, at_us: u64) -> bool {
        at_us + ROUNDING_US < waiter.due_us + self.grace_us && at_us + ROUNDING_US < waiter.ticket + self.timeout_us
    }

    /// Whether a waiter has asked for something whose answer was lost, or was given without the store: it may have gone.
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
