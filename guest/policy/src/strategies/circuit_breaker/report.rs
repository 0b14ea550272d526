//! What goes in and comes out of a call, as `wit/circuit-breaker.wit` writes it.

use super::config::Mode;

/// The state a caller sees. An open circuit whose time is over is half-open, even before the first
/// probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Every call is admitted.
    Closed,
    /// Every call is refused.
    Open,
    /// A few probes are admitted.
    HalfOpen,
}

/// What a call was admitted with. The caller keeps it and hands it back with the outcome, from any
/// host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permit {
    /// The generation that admitted the call.
    pub generation: u64,
    /// When, in microseconds since 1970.
    pub admitted_at_us: u64,
    /// Which probe of a half-open circuit; 0: not a probe.
    pub probe: u32,
}

/// What a failed call failed with, or a cause of that. A text that is missing is empty. Only the
/// first 8 KiB of each is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Error<'a> {
    /// The name of the error's type.
    pub name: &'a str,
    /// Its message.
    pub message: &'a str,
    /// Its code.
    pub code: &'a str,
    /// Its status, such as that of an HTTP reply.
    pub status: &'a str,
}

/// What became of the call or outcome that was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    /// The outcome counted as a success.
    CountedSuccess,
    /// The outcome counted as a failure.
    CountedFailure,
    /// The call was cancelled after at least the slow call time: it counted as slow, and neither as
    /// failed nor as a success.
    CountedSlow,
    /// The outcome was ignored: a cancelled call, an error that is ignored or not monitored, or a
    /// mode that counts nothing.
    Ignored,
    /// The outcome came too late: of an earlier generation, a probe that was given up, or admitted
    /// more than 24 hours ago.
    Late,
    /// The operator's order was carried out.
    Ordered,
}

/// Why the state changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It did not.
    None,
    /// `trip.failures`.
    Failures,
    /// `trip.consecutive`.
    Consecutive,
    /// `trip.failure_rate`.
    FailureRate,
    /// `trip.slow_rate`.
    SlowRate,
    /// The open time is over and the first probe is admitted.
    OpenElapsed,
    /// A probe failed, or as many as [`HalfOpen::rule`](super::HalfOpen::rule) says.
    ProbeFailed,
    /// Enough probes succeeded, or too few failed.
    ProbesSucceeded,
    /// `set_mode`.
    Mode,
    /// `reset`.
    Reset,
}

/// A state change that this very call made; in metrics-only, one that it would have made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Why. [`Cause::None`]: there was no change, and the rest means nothing.
    pub cause: Cause,
    /// The state before.
    pub before: State,
    /// The state after.
    pub after: State,
}

impl Event {
    /// There was no change.
    pub const NONE: Self = Self { cause: Cause::None, before: State::Closed, after: State::Closed };
}

/// Whether the host must commit what this call changes before it answers its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settle {
    /// Yes: others must see it.
    Now,
    /// No: a success of a closed circuit, which may be recorded in the background, in bounded time.
    Later,
}

/// The circuit after the call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Report {
    /// What became of the call.
    pub effect: Effect,
    /// The state.
    pub state: State,
    /// The mode in force.
    pub mode: Mode,
    /// The generation: the time of the last state change in microseconds since 1970, made unique;
    /// 0: no change is known.
    pub generation: u64,
    /// The permit, where the call was admitted; all 0 otherwise.
    pub permit: Permit,
    /// Failures within `trip.failures.within_ms`, counted up to `trip.failures.count`; 0 without
    /// that rule.
    pub failures: u32,
    /// Failures since the last success.
    pub consecutive: u32,
    /// Calls in the sample; 0 without a rate rule.
    pub calls: u32,
    /// Failed calls in the sample.
    pub failed: u32,
    /// Slow calls in the sample.
    pub slow: u32,
    /// Failed calls in percent of the sample's; 0 where the sample is empty.
    pub failure_rate: f64,
    /// Slow calls in percent of the sample's; 0 where the sample is empty.
    pub slow_rate: f64,
    /// Successes of the half-open circuit so far.
    pub successes: u32,
    /// Probes in flight.
    pub probes: u32,
    /// Milliseconds until a call may be admitted, rounded up, where it would be refused now. 0:
    /// now, or not known (forced open).
    pub retry_after_ms: u64,
    /// When the last failure was counted, in microseconds since 1970, where that is known.
    pub last_failure_us: Option<u64>,
    /// The state change.
    pub event: Event,
    /// When to commit.
    pub settle: Settle,
    /// Stored values that did not decode and were taken as absent.
    pub discarded: u32,
}
