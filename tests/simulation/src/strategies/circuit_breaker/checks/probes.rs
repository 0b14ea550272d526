//! A half-open circuit has at most this many probes in flight.

use tidegate::{CircuitBreakerConfig, Permit};

use super::Violation;
use crate::record::{Call, Record};
use crate::strategies::asked::{Answer, Ask};

/// A probe, and when its outcome was handed in.
struct Probe<'a> {
    call: &'a Call,
    permit: Permit,
    commit: usize,
    done: u64,
}

pub(super) fn check(record: &Record, tag: &str, config: &CircuitBreakerConfig, found: &mut Vec<Violation>) {
    let probes: Vec<Probe<'_>> = record.on(tag).filter_map(|call| probe(record, call)).collect();
    for probe in &probes {
        let others = probes.iter().filter(|other| is_in_flight(record, other, probe, config)).count();
        if others >= config.half_open.probes as usize {
            let what = format!("{tag}: {:?} was admitted while {others} others were in flight", probe.permit);
            found.push(Violation { promise: "at most so many probes", what });
        }
    }
}

fn probe<'a>(record: &'a Record, call: &'a Call) -> Option<Probe<'a>> {
    let Answer::Report(report) = &call.answer else { return None };
    let permit = report.permit.filter(|permit| permit.probe > 0)?;
    let hands_in =
        |of: &&Call| matches!(&of.ask, Ask::Succeeded(of) | Ask::Failed(of) | Ask::Cancelled(of) if *of == permit);
    let done = record.on(&call.tag).find(hands_in).map_or(u64::MAX, |of| of.asked.1);
    Some(Probe { call, permit, commit: call.commit?, done })
}

/// Whether `other` was surely in flight when `probe` was admitted: of the same generation and the
/// same line of commits, admitted before, not given up and without an outcome.
fn is_in_flight(record: &Record, other: &Probe<'_>, probe: &Probe<'_>, config: &CircuitBreakerConfig) -> bool {
    let before = (other.commit, other.call.ended.1) < (probe.commit, probe.call.ended.1);
    let age_us = probe.permit.admitted_at_us.saturating_sub(other.permit.admitted_at_us);
    before
        && other.permit.generation == probe.permit.generation
        && age_us < config.half_open.permit_ms * 1_000
        && other.done > probe.call.ended.1
        && record.line(probe.commit).any(|commit| commit == other.commit)
}
