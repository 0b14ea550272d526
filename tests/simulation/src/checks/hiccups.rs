//! A hiccup is not an outage.
//!
//! Where nothing happens but pauses of the store, hosts that are busy and bursts of keys, a pause
//! that is shorter than the time limit fails nobody, and no host takes the store for away before
//! three rounds of its calls can have failed one after the other.

use tidegate::StoreState;

use super::Violation;
use crate::link::LIMIT_US;
use crate::record::{Call, Record};
use crate::scenario::{FaultKind, Scenario};
use crate::strategies::asked::Answer;

/// The rounds that make the store away.
const ROUNDS: u64 = 3;
/// Pauses with less between them are one, for whoever is on the way in between, and so much may a
/// host's clock differ in that time.
const SLACK_US: u64 = 5_000;

pub(super) fn check(record: &Record, found: &mut Vec<Violation>) {
    let scenario = &record.scenario;
    let is_hiccup = |kind: &FaultKind| matches!(kind, FaultKind::Pause | FaultKind::Busy(_));
    if scenario.faults.is_empty() || !scenario.faults.iter().all(|fault| is_hiccup(&fault.kind)) {
        return;
    }
    let first_us = first_long_pause_us(scenario);
    for call in record.calls.iter().filter(|call| call.ended.0 < first_us.min(record.cut_off_us)) {
        if failed(call) {
            let what = format!("{:?} of {} at {} us: {:?}", call.ask, call.tag, call.asked.0, call.answer);
            found.push(Violation { promise: "a pause shorter than the time limit fails nobody", what });
        }
    }
    for burst in record.bursts.iter().filter(|burst| burst.failed > 0 && burst.ended_us < first_us) {
        let what = format!("{} of {} keys on host {}", burst.failed, burst.keys, burst.host);
        found.push(Violation { promise: "a burst of keys goes through", what });
    }
    let least_us = first_us.saturating_add(ROUNDS * LIMIT_US - SLACK_US);
    for news in record.news.iter().filter(|news| news.at_us < least_us.min(record.cut_off_us)) {
        if news.after == StoreState::Away {
            let what = format!("host {} took it for away at {} us, not from {least_us} us on", news.host, news.at_us);
            found.push(Violation { promise: "three rounds make the store away", what });
        }
    }
}

/// When the first pause begins that calls may run into the limit in; never: none does.
fn first_long_pause_us(scenario: &Scenario) -> u64 {
    let pauses = scenario.faults.iter().filter(|fault| fault.kind == FaultKind::Pause);
    let mut spans: Vec<(u64, u64)> = pauses.map(|fault| (fault.from_us, fault.until_us)).collect();
    spans.sort_unstable();
    let mut long = Vec::new();
    let mut last: Option<(u64, u64)> = None;
    for (from_us, until_us) in spans {
        let span = match last {
            Some((first_us, ends_us)) if from_us <= ends_us + SLACK_US => (first_us, ends_us.max(until_us)),
            _ => (from_us, until_us),
        };
        long.extend((span.1 - span.0 + SLACK_US >= LIMIT_US).then_some(span.0));
        last = Some(span);
    }
    // A call may have been on its way when it began.
    long.into_iter().min().map_or(u64::MAX / 2, |from_us| from_us.saturating_sub(SLACK_US))
}

/// Whether the store was said not to answer, or was done without.
fn failed(call: &Call) -> bool {
    match &call.answer {
        Answer::Error(text) => text.contains("the store"),
        answer => answer.is_degraded(),
    }
}
