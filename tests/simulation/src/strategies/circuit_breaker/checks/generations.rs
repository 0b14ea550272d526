//! The circuit: open admits nothing before its time, an outcome of an earlier generation counts for
//! nothing, and nothing opens it but enough failures.

use tidegate::{Cause, CircuitBreakerConfig, CircuitReport, Effect, Mode, Permit, Transition};

use super::Violation;
use crate::record::{Call, Record};
use crate::strategies::asked::{Answer, Ask};

/// An opening that was seen.
#[derive(Debug, Clone, Copy)]
struct Opened {
    until_us: u64,
    generation: u64,
    commit: usize,
    asked: u64,
}

pub(super) fn check(record: &Record, tag: &str, config: &CircuitBreakerConfig, found: &mut Vec<Violation>) {
    let mut opened: Option<Opened> = None;
    let mut newest: Option<(u64, usize)> = None;
    for (commit, call, report) in events(record, tag) {
        if let Some(opened) = opened {
            check_admission(record, call, report, opened, commit, found);
        }
        check_outcome(record, call, report, newest, commit, found);
        check_cause(record, call, report, config, found);
        if report.mode == Mode::Normal && report.event.is_some_and(|event| opens(event.cause)) {
            let until_us = report.generation + config.open_ms * 1_000;
            opened = Some(Opened { until_us, generation: report.generation, commit, asked: call.asked.1 });
        }
        newest = Some((report.generation, commit));
    }
}

/// Whether a circuit that is left to its rules is open after this.
fn opens(cause: Cause) -> bool {
    matches!(cause, Cause::Failures | Cause::Consecutive | Cause::FailureRate | Cause::SlowRate | Cause::ProbeFailed)
}

/// Reports that came from a commit, in the order of their commits.
fn events<'a>(record: &'a Record, tag: &'a str) -> Vec<(usize, &'a Call, &'a CircuitReport)> {
    let event = |call: &'a Call| match &call.answer {
        Answer::Report(report) if !report.degraded => Some((call.commit?, call, &**report)),
        _ => None,
    };
    let mut events: Vec<_> = record.on(tag).filter_map(event).collect();
    events.sort_by_key(|(commit, call, _)| (*commit, call.ended.1));
    events
}

/// Whether the store still knew of a commit when it applied a later one.
fn knew(record: &Record, commit: usize, later: usize) -> bool {
    record.line(later).any(|index| index == commit)
}

fn check_admission(
    record: &Record,
    call: &Call,
    report: &CircuitReport,
    opened: Opened,
    commit: usize,
    found: &mut Vec<Violation>,
) {
    let Some(permit) = report.permit.filter(|permit| permit.admitted_at_us < opened.until_us) else { return };
    let orders = |of: &Call| matches!(of.ask, Ask::SetMode(_) | Ask::Reset) && of.ended.1 > opened.asked;
    let ordered = record.on(&call.tag).any(|of| orders(of) && of.asked.1 < call.ended.1 || is_unsure_order(of, call));
    if !ordered && knew(record, opened.commit, commit) {
        let what =
            format!("{}: opened as {} until {}, admitted {permit:?}", call.tag, opened.generation, opened.until_us);
        found.push(Violation { promise: "an open circuit admits nothing before its time", what });
    }
}

/// An order whose end was not heard may have come at any time since.
fn is_unsure_order(of: &Call, before: &Call) -> bool {
    let order = matches!(of.ask, Ask::SetMode(_) | Ask::Reset) && of.asked.1 < before.ended.1;
    order && !matches!(of.answer, Answer::Report(_))
}

fn check_outcome(
    record: &Record,
    call: &Call,
    report: &CircuitReport,
    newest: Option<(u64, usize)>,
    commit: usize,
    found: &mut Vec<Violation>,
) {
    let (Ask::Failed(permit) | Ask::Succeeded(permit)) = call.ask else { return };
    let counted = matches!(report.effect, Effect::CountedFailure | Effect::CountedSuccess);
    let Some((generation, before)) = newest.filter(|(generation, _)| counted && *generation > permit.generation) else {
        return;
    };
    if knew(record, before, commit) {
        let what = format!("{}: {:?} counted though the circuit was in generation {generation}", call.tag, call.ask);
        found.push(Violation { promise: "a late outcome counts for nothing", what });
    }
}

fn check_cause(
    record: &Record,
    call: &Call,
    report: &CircuitReport,
    config: &CircuitBreakerConfig,
    found: &mut Vec<Violation>,
) {
    let Some(Transition { cause: Cause::Consecutive, .. }) = report.event else { return };
    let (Some(needed), Ask::Failed(permit)) = (config.trip.consecutive, &call.ask) else { return };
    // Counts go on through generations that did not clear them, but never past a closing; failures
    // are counted from there on.
    let failures = record.on(&call.tag).filter(|of| matches!(of.ask, Ask::Failed(_)) && of.asked.1 < call.ended.1);
    let own = failures.filter(|of| matches!(&of.ask, Ask::Failed(of) if of.generation == permit.generation)).count();
    if own + doubled_failures(record, call, permit) < needed as usize && record.tips(&call.tag).len() < 2 {
        let what = format!("{}: opened after {own} failures, not {needed}", call.tag);
        found.push(Violation { promise: "a circuit opens only by its rules", what });
    }
}

/// How many failures may have counted twice before a call ended, in the generation of its permit:
/// the first copy of a request counted, and its host heard first that the second was refused.
fn doubled_failures(record: &Record, call: &Call, permit: &Permit) -> usize {
    let Some(last) = call.commit else { return 0 };
    let before = record.line(last).map(|index| &record.commits[index]);
    before.filter(|commit| commit.again && commit.refused && commit.clock_us >= permit.generation).count()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tidegate::Failure;

    use super::*;
    use crate::checks::written::{TAG, add, nothing};
    use crate::strategies::policies::Policies;

    /// A circuit of two failures in a row opens by the only failure there is, after one commit that
    /// `again` and `refused` are said of.
    fn found_after(again: bool, refused: bool) -> Vec<Violation> {
        let config = CircuitBreakerConfig::consecutive("any", 2);
        let gate = tidegate::blocking::Tidegate::builder().build().expect("the component loads");
        let breaker = gate.circuit_breaker(config.clone()).expect("it is valid");
        let permit = breaker.admit().expect("it answers").permit.expect("it is closed");
        let fail = || breaker.failed(permit, Duration::ZERO, Failure::default()).expect("it answers");
        fail();
        let opened = fail();

        let mut record = nothing(Policies { limiters: Vec::new(), breakers: vec![config.clone()] });
        let copy = add(&mut record, Ask::Status, 0, None, 0, Answer::Dropped);
        (record.commits[copy].again, record.commits[copy].refused) = (again, refused);
        add(&mut record, Ask::Failed(permit), 1, Some(copy), 1, Answer::Report(Box::new(opened)));
        let mut found = Vec::new();
        check(&record, TAG, &config, &mut found);
        found
    }

    #[test]
    fn a_failure_counts_twice_only_where_its_second_copy_was_refused() {
        assert_eq!(found_after(true, true), []);
        for (again, refused) in [(false, false), (true, false), (false, true)] {
            assert_eq!(found_after(again, refused).len(), 1, "{again} {refused}");
        }
    }
}
