//! Every call ends in bounded virtual time.

use super::Violation;
use crate::link::LIMIT_US;
use crate::record::{Call, Record};
use crate::scenario::FaultKind;
use crate::strategies::asked::Answer;

/// A call waits for an answer of the store for the time limit of one operation: by its host's
/// clock, which may be slower by a thousandth, and by timers that are late by a few steps of
/// virtual time.
const MAX_ROUND_US: u64 = LIMIT_US + LIMIT_US / 1_000 + 2_000;
/// It is sent again where another host has changed what it read, for no longer than four rounds
/// after the first answer.
const ROUNDS: u64 = 6;
const MAX_CALL_US: u64 = ROUNDS * MAX_ROUND_US;
/// One who waits in a queue asks again and again.
const MAX_ASKING_US: u64 = 128 * MAX_CALL_US;

pub(super) fn check(record: &Record, found: &mut Vec<Violation>) {
    let longest_wait_us = record.scenario.policies.longest_wait_us();
    for call in &record.calls {
        // What is to be posted is sent again until it is. One who waits asks again when it is told,
        // at most once for each millisecond of waiting, but that is not what bounds it: its time
        // runs on meanwhile.
        let bound_us = MAX_CALL_US + if call.ask.waits() { 2 * longest_wait_us + MAX_ASKING_US } else { 0 };
        let bound_us = bound_us + if clock_jumps(record, call.host) { LIMIT_US } else { 0 };
        let bound_us = bound_us + MAX_CALL_US * ahead(record, call) + busy_us(record, call.host);
        let took_us = took_us(call, record.ended_us);
        if took_us > bound_us || call.answer == Answer::Pending {
            let what = format!("{:?} of {} took {took_us} us, more than {bound_us}", call.ask, call.tag);
            found.push(Violation { promise: "every call ends in bounded time", what });
        }
    }
    if record.diverged > 0 {
        let what = format!("{} repeated runs did something else", record.diverged);
        found.push(Violation { promise: "runs on other numbers do the same", what });
    }
}

/// How many batches may be in line before a call: those of calls on the same entity that ended
/// while it waited, or were given up and may be on their way still, and for each what takes back
/// what it was given.
fn ahead(record: &Record, call: &Call) -> u64 {
    let ended_us = if call.answer == Answer::Pending { record.ended_us } else { call.ended.0 };
    let is_ahead = |other: &&Call| {
        let left_us = if other.answer == Answer::Dropped { other.ended.0 + MAX_CALL_US } else { other.ended.0 };
        other.host == call.host && other.tag == call.tag && other.asked < call.asked && left_us >= call.asked.0
    };
    let during = |other: &&Call| {
        other.host == call.host && other.tag == call.tag && (call.asked.0..=ended_us).contains(&other.asked.0)
    };
    // Outcomes and refunds that nobody waits for go before those that came later, and so do debts,
    // which each call posts again.
    let count = record.calls.iter().filter(|other| is_ahead(other) || during(other)).count() as u64;
    1 + 3 * count.saturating_sub(1)
}

/// How long a host is busy with something else.
fn busy_us(record: &Record, host: usize) -> u64 {
    let busy = record.scenario.faults.iter().filter(|fault| fault.kind == FaultKind::Busy(host));
    busy.map(|fault| fault.until_us - fault.from_us + LIMIT_US).sum()
}

/// Whether a host's clock jumps. One that is set back does not tell how long it was since it was
/// last looked at, which in a call is less than the call's limit.
fn clock_jumps(record: &Record, host: usize) -> bool {
    record.scenario.faults.iter().any(|fault| matches!(fault.kind, FaultKind::ClockJump(of, _) if of == host))
}

fn took_us(call: &Call, now_us: u64) -> u64 {
    let ended_us = if call.answer == Answer::Pending { now_us } else { call.ended.0 };
    ended_us - call.asked.0
}
