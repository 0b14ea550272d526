//! What the log says of a circuit's answers.

use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Number, Value};
use tidegate::{Cause, CircuitReport, Effect, Mode, Permit, State};

use crate::log::ms;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReportLine {
    effect: Effect,
    state: State,
    mode: Mode,
    generation: u64,
    permit: Option<PermitLine>,
    failures: u32,
    consecutive: u32,
    calls: u32,
    failed: u32,
    slow: u32,
    failure_rate: Value,
    slow_rate: Value,
    successes: u32,
    probes: u32,
    retry_after_ms: u64,
    last_failure_us: Option<u64>,
    event: Option<Event>,
    discarded: u32,
    degraded: bool,
}

/// A permit without what only its own host makes of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PermitLine {
    generation: u64,
    admitted_at_us: u64,
    probe: u32,
}

impl From<Permit> for PermitLine {
    fn from(permit: Permit) -> Self {
        Self { generation: permit.generation, admitted_at_us: permit.admitted_at_us, probe: permit.probe }
    }
}

#[derive(Serialize)]
struct Event {
    cause: Cause,
    before: State,
    after: State,
}

impl From<&CircuitReport> for ReportLine {
    fn from(report: &CircuitReport) -> Self {
        let since_1970 = |time: std::time::SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            effect: report.effect,
            state: report.state,
            mode: report.mode,
            generation: report.generation,
            permit: report.permit.map(PermitLine::from),
            failures: report.failures,
            consecutive: report.consecutive,
            calls: report.calls,
            failed: report.failed,
            slow: report.slow,
            failure_rate: rate(report.failure_rate),
            slow_rate: rate(report.slow_rate),
            successes: report.successes,
            probes: report.probes,
            retry_after_ms: ms(report.retry_after),
            last_failure_us: report.last_failure.map(|time| us(since_1970(time))),
            event: report.event.map(|event| Event { cause: event.cause, before: event.before, after: event.after }),
            discarded: report.discarded,
            degraded: report.degraded,
        }
    }
}

fn us(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// A rate as JSON: without a fraction where it is whole, else the shortest text that reads back as
/// the same number.
#[expect(clippy::cast_possible_truncation, reason = "a rate is 0 to 100")]
fn rate(percent: f64) -> Value {
    if percent.fract() == 0.0 {
        return Value::from(percent as i64);
    }
    Number::from_f64(percent).map_or(Value::Null, Value::Number)
}
