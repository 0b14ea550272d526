//! The decision log's lines, whose members and order are written down in the conformance suite's
//! `README.md`.

use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Number, Value};
use tidegate::{Cause, CircuitReport, Decision, Effect, Mode, Permit, Reason, State, Verdict};

/// A line that is not about a step.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Line<'a> {
    Case { case: &'a str },
    Open { open: &'a str, problems: &'a [Problem] },
    Commit { commit: Value },
    End { end: &'a str },
}

#[derive(Serialize)]
pub(crate) struct Problem {
    path: String,
    value: String,
    allowed: String,
}

/// Problems as the log has them.
pub(crate) fn problems(problems: Vec<tidegate::Problem>) -> Vec<Problem> {
    let problem = |p: tidegate::Problem| Problem { path: p.path, value: p.value, allowed: p.allowed };
    problems.into_iter().map(problem).collect()
}

/// Problems of settings as the contract spells them; the host spells them as the fields of its
/// structures.
pub(crate) fn contract_problems(problems: Vec<tidegate::Problem>) -> Vec<Problem> {
    let kebab = |name: &str| name.replace('_', "-");
    let phrase = |allowed: &str| {
        let parts = allowed.split('`').enumerate();
        let parts = parts.map(|(place, part)| if place % 2 == 1 { kebab(part) } else { part.to_owned() });
        parts.collect::<Vec<_>>().join("`")
    };
    let problem = |p: tidegate::Problem| Problem { path: kebab(&p.path), value: p.value, allowed: phrase(&p.allowed) };
    problems.into_iter().map(problem).collect()
}

#[derive(Serialize)]
pub(crate) struct Step<'a> {
    pub(crate) step: usize,
    #[serde(flatten)]
    pub(crate) answer: &'a Answer,
}

/// What came of a step.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Answer {
    Decision(DecisionLine),
    Report(ReportLine),
    WasWaiting(bool),
    Done(bool),
    Fault(FaultLine),
    Error(&'static str),
    Skipped(bool),
    NodeStep(NodeStepLine),
    CircuitStep(CircuitStepLine),
    Subject(SubjectLine),
    Held(bool),
    Output(String),
    Problems(Vec<Problem>),
}

/// A step of a rate limiter node; the result is as the node wrote it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NodeStepLine {
    pub(crate) done: bool,
    pub(crate) wait_ms: u64,
    pub(crate) token: String,
    pub(crate) result: Option<Box<RawValue>>,
}

/// A step of a circuit breaker node.
#[derive(Serialize)]
pub(crate) struct CircuitStepLine {
    pub(crate) token: String,
    pub(crate) result: Box<RawValue>,
    pub(crate) report: ReportLine,
}

/// What a rate limiter node limits.
#[derive(Serialize)]
pub(crate) struct SubjectLine {
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) priority: i32,
}

/// Why a cost never fits.
#[derive(Serialize)]
pub(crate) struct FaultLine {
    pub(crate) cost: u32,
    pub(crate) binding: u32,
    pub(crate) limit: u32,
    pub(crate) count: u32,
    pub(crate) remaining: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DecisionLine {
    verdict: Verdict,
    reason: Reason,
    at_us: u64,
    pub(crate) charged_at_us: u64,
    full_at_us: u64,
    binding: u32,
    count: u32,
    limit: u32,
    remaining: u32,
    reset_after_ms: u64,
    retry_after_ms: u64,
    wait_ms: u64,
    position: u32,
    waiting: u32,
    pub(crate) ticket: u64,
    discarded: u32,
    leased: bool,
    release_after_ms: u64,
    degraded: bool,
}

impl From<&Decision> for DecisionLine {
    fn from(decision: &Decision) -> Self {
        Self {
            verdict: decision.verdict,
            reason: decision.reason,
            at_us: decision.at_us,
            charged_at_us: decision.charged_at_us.unwrap_or(0),
            full_at_us: decision.full_at_us.unwrap_or(0),
            binding: decision.binding,
            count: decision.count,
            limit: decision.limit,
            remaining: decision.remaining,
            reset_after_ms: ms(decision.reset_after),
            retry_after_ms: ms(decision.retry_after),
            wait_ms: ms(decision.wait),
            position: decision.position.unwrap_or(0),
            waiting: decision.waiting,
            ticket: decision.ticket.map_or(0, |ticket| ticket.0),
            discarded: decision.discarded,
            leased: decision.leased,
            release_after_ms: decision.release_after.map_or(0, ms),
            degraded: decision.degraded,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReportLine {
    effect: Effect,
    state: State,
    mode: Mode,
    generation: u64,
    pub(crate) permit: Option<PermitLine>,
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
pub(crate) struct PermitLine {
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

pub(crate) fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
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
