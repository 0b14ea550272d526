//! What a circuit breaker node answers.

use std::time::SystemTime;

use crate::strategies::circuit_breaker::{CircuitReport, State};

/// The result of a circuit breaker node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CircuitResult {
    /// Whether the call may be, or was, made.
    pub allowed: bool,
    /// The circuit's state.
    pub circuit_state: State,
    /// Whether the call was refused.
    pub failed_fast: bool,
    /// Whether it was refused and has the fallback value for its result.
    pub fallback_used: bool,
    /// Failures in the failure window, counted up to the threshold.
    pub failure_count: u32,
    /// Successes of the half-open circuit so far.
    pub success_count: u32,
    /// When the last failure was counted.
    pub last_failure: Option<SystemTime>,
}

impl CircuitResult {
    /// What a report means.
    pub(super) fn of(allowed: bool, fallback_used: bool, report: &CircuitReport) -> Self {
        Self {
            allowed,
            circuit_state: report.state,
            failed_fast: !allowed,
            fallback_used,
            failure_count: report.failures,
            success_count: report.successes,
            last_failure: report.last_failure,
        }
    }
}
