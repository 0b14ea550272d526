//! What a circuit breaker node answers.

use std::time::SystemTime;

use serde::Deserialize;

use crate::error::Error;
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    allowed: bool,
    circuit_state: State,
    failed_fast: bool,
    fallback_used: bool,
    failure_count: u32,
    success_count: u32,
}

impl CircuitResult {
    /// Reads what the component wrote. The time of the last failure is that of the report, which is
    /// exact to a microsecond.
    pub(super) fn read(json: &str, report: &CircuitReport) -> Result<Self, Error> {
        let written: Written = crate::json::parse(json)?;
        Ok(Self {
            allowed: written.allowed,
            circuit_state: written.circuit_state,
            failed_fast: written.failed_fast,
            fallback_used: written.fallback_used,
            failure_count: written.failure_count,
            success_count: written.success_count,
            last_failure: report.last_failure,
        })
    }
}
