//! The settings of a circuit breaker, as `wit/circuit-breaker.wit` writes them: not yet checked.

use crate::parts::sample::Sample;
use alloc::string::String;
use alloc::vec::Vec;

/// Open when `count` calls failed within `within_ms`: the last failure and the `count`-th last are
/// less than `within_ms` apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureCount {
    /// How many failures open the circuit; 1 to 1,000.
    pub count: u32,
    /// The length of the window in milliseconds; 1 to 86,400,000.
    pub within_ms: u64,
}

/// Open when the share of failed calls in the sample is at least `percent`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FailureRate {
    /// More than 0, at most 100; counted in hundredths of a percent, rounded up.
    pub percent: f64,
}

/// Open when the share of slow calls in the sample, failed or not, is at least `percent`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlowRate {
    /// More than 0, at most 100; counted in hundredths of a percent, rounded up.
    pub percent: f64,
    /// A call is slow when it took at least this many milliseconds; 1 to 86,400,000.
    pub slower_than_ms: u64,
}

/// When a closed circuit opens: on the first rule met, in the order of the fields. At least one
/// rule is needed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trip {
    /// This many failures within a time.
    pub failures: Option<FailureCount>,
    /// This many failures with no success between them; 1 to 1,000,000.
    pub consecutive: Option<u32>,
    /// A failure rate over the sample.
    pub failure_rate: Option<FailureRate>,
    /// A slow call rate over the sample.
    pub slow_rate: Option<SlowRate>,
    /// What the rates are taken over.
    pub sample: Sample,
    /// No rate opens the circuit before the sample holds this many calls; 1 to 1,000,000, and not
    /// above a sample of calls.
    pub minimum_calls: u32,
}

/// How long the circuit stays open when a probe has failed again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Each reopening multiplies the open time by this; 1 to 100.
    pub factor: f64,
    /// The open time never grows past this many milliseconds; at least `open_ms`, at most
    /// 2,592,000,000 (30 days).
    pub cap_ms: u64,
}

/// By the failure rate of the probes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProbeRate {
    /// The circuit opens again if the share of failed probes is at least this, and else closes.
    /// More than 0, at most 100; counted in hundredths of a percent, rounded up.
    pub percent: f64,
    /// How many probes must have ended before; 1 to 1,000,000.
    pub of: u32,
}

/// What ends the half-open state. A probe that was cancelled or given up, or whose error is
/// ignored, has not ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ProbeRule {
    /// [`HalfOpen::successes`] close the circuit; the first failure opens it again.
    FirstFailure,
    /// This many probes decide, 1 to 1,000,000 and not below [`HalfOpen::successes`]: of them that
    /// many successes close the circuit. It opens again as soon as too many have failed for that.
    Ratio(u32),
    /// The failure rate of the probes decides.
    Rate(ProbeRate),
}

/// What a half-open circuit admits, and what ends it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HalfOpen {
    /// Probes in flight at once; 1 to 1,000. By [`ProbeRule::Ratio`] and [`ProbeRule::Rate`] never
    /// more than are still to end.
    pub probes: u32,
    /// Successes that close the circuit; 1 to 1,000,000.
    pub successes: u32,
    /// A probe whose outcome has not come after this many milliseconds is lost; 1 to 86,400,000.
    pub permit_ms: u64,
    /// What closes it or opens it again.
    pub rule: ProbeRule,
}

/// Which text of an error a pattern is matched with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorPart {
    /// The name, the message, the code or the status: one is enough.
    Any,
    /// The name of the error's type.
    Name,
    /// The message.
    Message,
    /// The code, such as an errno.
    Code,
    /// The status, such as that of an HTTP reply.
    Status,
}

/// What an error counts as that is not monitored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// Nothing: neither a failure nor a success.
    Ignored,
    /// A success.
    Success,
}

/// A pattern for the whole of a text of an error or of one of its causes, case and all. `*` stands
/// for any text, `?` for any one character, and a backslash takes the next character as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorPattern {
    /// What to match.
    pub part: ErrorPart,
    /// The pattern; 1 to 1,024 bytes.
    pub pattern: String,
}

/// What the operator has ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The circuit works by its rules.
    Normal,
    /// Refuse every call. Outcomes change nothing.
    ForcedOpen,
    /// Admit every call as a closed circuit and count outcomes, but never open.
    ForcedClosed,
    /// Admit every call and count nothing.
    Disabled,
    /// Admit every call, count outcomes and report which rule would have opened the circuit, but
    /// never open.
    MetricsOnly,
}

/// A circuit breaker's settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// When to open.
    pub trip: Trip,
    /// How long the circuit stays open, in milliseconds; 1 to 2,592,000,000 (30 days).
    pub open_ms: u64,
    /// How the open time grows. Without it, it stays `open_ms`.
    pub backoff: Option<Backoff>,
    /// How to find out that the trouble is over.
    pub half_open: HalfOpen,
    /// Errors that count as failures; empty: all. At most 100. One named `CallTimeoutError`, that
    /// of a call that its host has stopped because the time limit set for it was over, always does.
    pub monitored: Vec<ErrorPattern>,
    /// What any other error counts as.
    pub others: Others,
    /// Errors that are ignored though monitored: neither a failure nor a success. At most 100.
    pub ignored: Vec<ErrorPattern>,
    /// The mode while no `set_mode` is in force.
    pub mode: Mode,
}
