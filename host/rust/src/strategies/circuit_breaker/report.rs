//! What a circuit breaker answers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::runtime::wit::circuit_breaker as wit;

/// The state a caller sees. An open circuit whose time is over is half-open, even before the first
/// probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Admits every call.
    Closed,
    /// Refuses every call.
    Open,
    /// Admits a few probes.
    HalfOpen,
}

/// What the operator has ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The circuit works by its rules.
    #[default]
    Normal,
    /// Refuse every call. Outcomes change nothing.
    ForcedOpen,
    /// Admit every call and count outcomes, but never open.
    ForcedClosed,
    /// Admit every call and count nothing.
    Disabled,
    /// Admit every call, count outcomes and report which rule would have opened the circuit, but
    /// never open.
    MetricsOnly,
}

/// What became of the call or outcome that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Nothing was asked: a status.
    None,
    /// Admitted.
    Admitted,
    /// Refused: the circuit is open.
    RefusedOpen,
    /// Refused: the circuit is half-open and its probes are all in flight.
    RefusedProbes,
    /// Refused: the circuit is forced open.
    RefusedForced,
    /// Refused: the store is away, and the configuration says to refuse then.
    RefusedAway,
    /// The outcome counted as a success.
    CountedSuccess,
    /// The outcome counted as a failure.
    CountedFailure,
    /// The call was given up after at least the slow call time: it counted as slow, and neither as
    /// failed nor as a success.
    CountedSlow,
    /// The outcome was ignored, and its probe is free again.
    Ignored,
    /// The outcome came too late to count.
    Late,
    /// The operator's order was carried out.
    Ordered,
}

/// Why the state changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// This many failures within a time.
    Failures,
    /// This many failures in a row.
    Consecutive,
    /// The failure rate.
    FailureRate,
    /// The slow call rate.
    SlowRate,
    /// The open time is over and the first probe is admitted.
    OpenElapsed,
    /// A probe failed, or as many as [`HalfOpen::rule`](crate::HalfOpen::rule) says.
    ProbeFailed,
    /// Enough probes succeeded, or too few failed.
    ProbesSucceeded,
    /// An ordered mode.
    Mode,
    /// An ordered reset.
    Reset,
}

/// A state change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Transition {
    /// Why.
    pub cause: Cause,
    /// The state before.
    pub before: State,
    /// The state after.
    pub after: State,
}

/// What a call was admitted with. It goes with the outcome, from any host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Permit {
    /// The generation that admitted the call.
    pub generation: u64,
    /// When, in microseconds since 1970.
    pub admitted_at_us: u64,
    /// Which probe of a half-open circuit; 0: not a probe.
    pub probe: u32,
    /// Whether the call was admitted without the store: then its outcome counts for this host
    /// alone, or nowhere.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub degraded: bool,
}

/// The circuit after a call, an outcome or an order.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CircuitReport {
    /// What became of it.
    pub effect: Effect,
    /// The state.
    pub state: State,
    /// The mode in force.
    pub mode: Mode,
    /// The generation: the time of the last state change in microseconds since 1970, made unique;
    /// 0: no change is known.
    pub generation: u64,
    /// The permit, where a call was admitted.
    pub permit: Option<Permit>,
    /// Failures within the time of the failure count rule; 0 without it.
    pub failures: u32,
    /// Failures since the last success.
    pub consecutive: u32,
    /// Calls in the sample.
    pub calls: u32,
    /// Failed calls in the sample.
    pub failed: u32,
    /// Slow calls in the sample.
    pub slow: u32,
    /// Failed calls in percent of the sample's.
    pub failure_rate: f64,
    /// Slow calls in percent of the sample's.
    pub slow_rate: f64,
    /// Successes of the half-open circuit so far.
    pub successes: u32,
    /// Probes in flight.
    pub probes: u32,
    /// Until a call may be admitted, where it would be refused now, in whole milliseconds, rounded
    /// up.
    pub retry_after: Duration,
    /// When the last failure was counted.
    pub last_failure: Option<SystemTime>,
    /// The state change that this very call made; in metrics-only mode, one that it would have
    /// made.
    pub event: Option<Transition>,
    /// Stored values that did not decode and were taken as absent.
    pub discarded: u32,
    /// Whether this was decided without the store, as [`WhenAway`](crate::WhenAway) says.
    pub degraded: bool,
}

impl CircuitReport {
    /// Whether a call was admitted.
    pub fn is_admitted(&self) -> bool {
        self.effect == Effect::Admitted
    }

    /// Until a call may be admitted, where that is known. The end of an order is not, nor that of
    /// the probes in flight.
    pub(crate) fn known_retry_after(&self) -> Option<Duration> {
        (!self.retry_after.is_zero()).then_some(self.retry_after)
    }
}

impl From<wit::Report> for CircuitReport {
    fn from(report: wit::Report) -> Self {
        let effect = effect(report.effect);
        Self {
            effect,
            state: state(report.state),
            mode: mode(report.mode),
            generation: report.generation,
            permit: (effect == Effect::Admitted).then(|| report.permit.into()),
            failures: report.failures,
            consecutive: report.consecutive,
            calls: report.calls,
            failed: report.failed,
            slow: report.slow,
            failure_rate: report.failure_rate,
            slow_rate: report.slow_rate,
            successes: report.successes,
            probes: report.probes,
            retry_after: Duration::from_millis(report.retry_after_ms),
            last_failure: report.last_failure_us.map(|us| UNIX_EPOCH + Duration::from_micros(us)),
            event: transition(report.event),
            discarded: report.discarded,
            degraded: false,
        }
    }
}

impl From<wit::Permit> for Permit {
    fn from(permit: wit::Permit) -> Self {
        let wit::Permit { generation, admitted_at_us, probe } = permit;
        Self { generation, admitted_at_us, probe, degraded: false }
    }
}

impl From<Permit> for wit::Permit {
    fn from(permit: Permit) -> Self {
        Self { generation: permit.generation, admitted_at_us: permit.admitted_at_us, probe: permit.probe }
    }
}

impl From<Mode> for wit::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Normal => Self::Normal,
            Mode::ForcedOpen => Self::ForcedOpen,
            Mode::ForcedClosed => Self::ForcedClosed,
            Mode::Disabled => Self::Disabled,
            Mode::MetricsOnly => Self::MetricsOnly,
        }
    }
}

fn mode(mode: wit::Mode) -> Mode {
    match mode {
        wit::Mode::Normal => Mode::Normal,
        wit::Mode::ForcedOpen => Mode::ForcedOpen,
        wit::Mode::ForcedClosed => Mode::ForcedClosed,
        wit::Mode::Disabled => Mode::Disabled,
        wit::Mode::MetricsOnly => Mode::MetricsOnly,
    }
}

fn state(state: wit::State) -> State {
    match state {
        wit::State::Closed => State::Closed,
        wit::State::Open => State::Open,
        wit::State::HalfOpen => State::HalfOpen,
    }
}

fn effect(effect: wit::Effect) -> Effect {
    match effect {
        wit::Effect::None => Effect::None,
        wit::Effect::Admitted => Effect::Admitted,
        wit::Effect::RefusedOpen => Effect::RefusedOpen,
        wit::Effect::RefusedProbes => Effect::RefusedProbes,
        wit::Effect::RefusedForced => Effect::RefusedForced,
        wit::Effect::CountedSuccess => Effect::CountedSuccess,
        wit::Effect::CountedFailure => Effect::CountedFailure,
        wit::Effect::CountedSlow => Effect::CountedSlow,
        wit::Effect::Ignored => Effect::Ignored,
        wit::Effect::Late => Effect::Late,
        wit::Effect::Ordered => Effect::Ordered,
    }
}

fn transition(event: wit::Event) -> Option<Transition> {
    let cause = match event.cause {
        wit::Cause::None => return None,
        wit::Cause::Failures => Cause::Failures,
        wit::Cause::Consecutive => Cause::Consecutive,
        wit::Cause::FailureRate => Cause::FailureRate,
        wit::Cause::SlowRate => Cause::SlowRate,
        wit::Cause::OpenElapsed => Cause::OpenElapsed,
        wit::Cause::ProbeFailed => Cause::ProbeFailed,
        wit::Cause::ProbesSucceeded => Cause::ProbesSucceeded,
        wit::Cause::Mode => Cause::Mode,
        wit::Cause::Reset => Cause::Reset,
    };
    Some(Transition { cause, before: state(event.before), after: state(event.after) })
}
