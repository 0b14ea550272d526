//! A success ends a row of failures, whoever has seen them: also one whose host has heard of none.

use tidegate::{Cause, CircuitBreakerConfig, Effect, Permit};

use super::Violation;
use crate::record::{Call, Record};
use crate::strategies::asked::{Answer, Ask};

/// How long after its answer a success has surely been recorded where nothing is broken: the time
/// that it may be kept back, and what a commit of its host and one more may take.
const RECORDED_US: u64 = 300_000;

pub(super) fn check(record: &Record, tag: &str, config: &CircuitBreakerConfig, found: &mut Vec<Violation>) {
    let Some(needed) = config.trip.consecutive else { return };
    // Elsewhere an outcome that nobody waits for may be lost.
    if !record.scenario.faults.is_empty() {
        return;
    }
    for (opening, permit) in record.on(tag).filter_map(opened_by_a_row) {
        let recorded = |call: &&Call| {
            is_success(call, permit) && call.ended.0 + RECORDED_US <= opening.asked.0 && call.ended.1 < opening.asked.1
        };
        let Some(success) = record.on(tag).filter(recorded).max_by_key(|call| call.ended.1) else { continue };
        let failures = record.on(tag).filter(|call| is_failure_after(call, success) && call.asked.1 < opening.ended.1);
        let failures = failures.count();
        if failures < needed as usize {
            let what =
                format!("{tag}: opened by {permit:?} after {failures} failures and not {needed} since {success:?}");
            found.push(Violation { promise: "a success ends a row of failures", what });
        }
    }
}

/// The failure that opened the circuit, if that was one of so many in a row, and with what it was
/// admitted.
fn opened_by_a_row(call: &Call) -> Option<(&Call, Permit)> {
    let (Ask::Failed(permit), Answer::Report(report)) = (&call.ask, &call.answer) else { return None };
    let opens = report.event.is_some_and(|event| event.cause == Cause::Consecutive);
    (opens && !report.degraded).then_some((call, *permit))
}

/// Whether it counted for the closed circuit that admitted the other.
fn is_success(call: &Call, other: Permit) -> bool {
    let (Ask::Succeeded(permit), Answer::Report(report)) = (&call.ask, &call.answer) else { return false };
    let counted = report.effect == Effect::CountedSuccess && !report.degraded;
    counted && permit.probe == 0 && permit.generation == other.generation
}

/// Whether it may have been recorded after the success. What has no answer may come at any time.
fn is_failure_after(call: &Call, success: &Call) -> bool {
    let answered = matches!(call.answer, Answer::Report(_));
    matches!(call.ask, Ask::Failed(_)) && (!answered || call.ended.1 > success.ended.1)
}
