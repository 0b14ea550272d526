//! The circuit breaker node: its configuration, admissions and outcomes.

mod declaration;
mod fallback;
mod token;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub(crate) use self::declaration::ENTRY;
use self::declaration::{ACTIONS, DECLARATION};
pub use self::fallback::FallbackAction;
use self::token::{decode, encode};
use super::{
    CircuitBreaker, Config, Effect, Error, ErrorPart, ErrorPattern, FailureCount, HalfOpen, MAX_REMEMBERED, Mode,
    Others, Permit, ProbeRule, Report, Sample, State, Trip,
};
use crate::kv::{Clock, Kv};
use crate::nodes::declaration::Values;
use crate::nodes::json::{Writer, quoted, written};
use crate::nodes::merge::merge;
use crate::nodes::time::iso_8601;
use crate::problem::Problem;

/// How long a probe may be in flight.
const PERMIT_MS: u64 = 60_000;

/// A checked configuration of a circuit breaker node. It holds no state of any circuit.
#[derive(Debug, Clone)]
pub struct CircuitBreakerNode {
    breaker: CircuitBreaker,
    circuit_id: String,
    fallback_action: FallbackAction,
    fallback_value: Option<String>,
    output_variable: Option<String>,
}

/// One step of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct CircuitStep {
    /// Whether the call may be, or was, made.
    pub allowed: bool,
    /// What to bring the outcome with.
    pub token: String,
    /// The result as JSON.
    pub result: String,
    /// The circuit after the call.
    pub report: Report,
}

impl CircuitBreakerNode {
    /// Checks a configuration.
    ///
    /// # Errors
    /// All its problems.
    pub fn open(config: &str) -> Result<Self, Vec<Problem>> {
        let values = DECLARATION.read(config)?;
        let fallback_action = ACTIONS[values.choice("fallbackAction")].1;
        let uses_value = fallback_action == FallbackAction::Default;
        Ok(Self {
            breaker: CircuitBreaker::open(&settings(&values))?,
            circuit_id: values.string("circuitId").unwrap_or_default(),
            fallback_action,
            fallback_value: values.text("fallbackValue").filter(|_| uses_value).map(ToString::to_string),
            output_variable: values.string("outputVariable"),
        })
    }

    /// The name of the circuit.
    pub fn circuit_id(&self) -> &str {
        &self.circuit_id
    }

    /// What a refused call gets instead.
    pub fn fallback_action(&self) -> FallbackAction {
        self.fallback_action
    }

    /// The value for it, as JSON.
    pub fn fallback_value(&self) -> Option<&str> {
        self.fallback_value.as_deref()
    }

    /// Where results go in the context.
    pub fn output_variable(&self) -> Option<&str> {
        self.output_variable.as_deref()
    }

    /// Asks to make a call.
    pub fn admit<W: Kv + Clock>(&self, world: &mut W, entity: u32) -> CircuitStep {
        let report = self.breaker.admit(world, entity);
        let allowed = report.effect == Effect::Admitted;
        let token = if allowed { encode(report.permit) } else { String::new() };
        self.step(allowed, token, report)
    }

    /// The call succeeded.
    ///
    /// # Errors
    /// A token that no admission has given.
    pub fn succeeded<W: Kv + Clock>(
        &self,
        world: &mut W,
        entity: u32,
        token: &str,
    ) -> Result<CircuitStep, Vec<Problem>> {
        Ok(self.ended(match permit(token)? {
            Some(permit) => self.breaker.succeeded(world, entity, permit, 0),
            None => self.breaker.record_success(world, entity),
        }))
    }

    /// The call failed with an error and its causes.
    ///
    /// # Errors
    /// A token that no admission has given.
    pub fn failed<W: Kv + Clock>(
        &self,
        world: &mut W,
        entity: u32,
        token: &str,
        errors: &[Error<'_>],
    ) -> Result<CircuitStep, Vec<Problem>> {
        Ok(self.ended(match permit(token)? {
            Some(permit) => self.breaker.failed(world, entity, permit, 0, errors),
            None => self.breaker.record_failure(world, entity, errors),
        }))
    }

    /// The call was not made or was given up.
    ///
    /// # Errors
    /// A token that no admission has given.
    pub fn cancelled<W: Kv + Clock>(
        &self,
        world: &mut W,
        entity: u32,
        token: &str,
    ) -> Result<CircuitStep, Vec<Problem>> {
        Ok(self.ended(match permit(token)? {
            Some(permit) => self.breaker.cancelled(world, entity, permit, 0),
            None => self.breaker.record_cancelled(world, entity),
        }))
    }

    /// Reads the circuit and changes nothing.
    pub fn status<W: Kv + Clock>(&self, world: &mut W, entity: u32) -> CircuitStep {
        let report = self.breaker.status(world, entity);
        let allowed = report.state != State::Open && report.retry_after_ms == 0;
        self.step(allowed, String::new(), report)
    }

    /// The context with a result.
    ///
    /// # Errors
    /// What is not an object.
    pub fn output(&self, context: &str, result: &str) -> Result<String, Vec<Problem>> {
        merge(context, result, self.output_variable())
    }

    fn ended(&self, report: Report) -> CircuitStep {
        self.step(true, String::new(), report)
    }

    fn step(&self, allowed: bool, token: String, report: Report) -> CircuitStep {
        let fallback_used = !allowed && self.fallback_action == FallbackAction::Default;
        let mut result = Writer::new()
            .flag("allowed", allowed)
            .text("circuitState", state_name(report.state))
            .flag("failedFast", !allowed)
            .flag("fallbackUsed", fallback_used)
            .number("failureCount", report.failures.into())
            .number("successCount", report.successes.into());
        if let Some(us) = report.last_failure_us {
            result = result.text("lastFailure", &iso_8601(us));
        }
        CircuitStep { allowed, token, result: result.end(), report }
    }
}

fn settings(values: &Values<'_>) -> Config {
    let failures = FailureCount { count: values.small("failureThreshold"), within_ms: values.whole("failureWindowMs") };
    let successes = values.small("successThreshold");
    let pattern = |text| ErrorPattern { part: ErrorPart::Any, pattern: format!("*{text}*") };
    Config {
        trip: Trip {
            failures: Some(failures),
            consecutive: None,
            failure_rate: None,
            slow_rate: None,
            sample: Sample::Calls(1),
            minimum_calls: 1,
        },
        open_ms: values.whole("halfOpenTimeoutMs"),
        backoff: None,
        half_open: HalfOpen {
            probes: successes.min(MAX_REMEMBERED),
            successes,
            permit_ms: PERMIT_MS,
            rule: ProbeRule::FirstFailure,
        },
        monitored: values.patterns("monitoredErrors").into_iter().map(pattern).collect(),
        others: Others::Ignored,
        ignored: Vec::new(),
        mode: Mode::Normal,
    }
}

/// The permit in a token. `None`: the token is empty.
fn permit(token: &str) -> Result<Option<Permit>, Vec<Problem>> {
    let problem = || Problem {
        path: "token".to_string(),
        value: quoted(&written(token)),
        allowed: "empty, or the token of an admission".to_string(),
    };
    match token {
        "" => Ok(None),
        _ => decode(token).map(Some).ok_or_else(|| alloc::vec![problem()]),
    }
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Closed => "closed",
        State::Open => "open",
        State::HalfOpen => "half-open",
    }
}
