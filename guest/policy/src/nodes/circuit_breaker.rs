//! The circuit breaker node: its configuration, admissions and outcomes.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::declaration::{Declaration, Field, Kind, Rule, Then, Values};
use super::json::{Writer, quoted, written};
use super::merge::merge;
use super::time::iso_8601;
use super::token::{decode_permit, encode_permit};
use crate::circuit_breaker::{
    CircuitBreaker, Config, Effect, Error, ErrorPart, ErrorPattern, FailureCount, HalfOpen, MAX_CALLS, MAX_OPEN_MS,
    MAX_PATTERNS, MAX_REMEMBERED, Mode, Others, Permit, ProbeRule, Report, Sample, State, Trip,
};
use crate::kv::{Clock, Kv};
use crate::problem::Problem;

const DAY_MS: u64 = 86_400_000;
/// How long a probe may be in flight.
const PERMIT_MS: u64 = 60_000;
const ACTIONS: [(&str, FallbackAction); 3] =
    [("error", FallbackAction::Error), ("default", FallbackAction::Default), ("skip", FallbackAction::Skip)];

/// What the JSON of a circuit breaker node holds.
pub(super) static DECLARATION: Declaration = Declaration {
    title: "Circuit breaker",
    description: "Fails fast while what it protects is failing, for all workers together.",
    fields: &[
        Field {
            name: "circuitId",
            title: "Circuit",
            description: "The circuit's name. Nodes and SDK circuit breakers of one name are one circuit.",
            required: true,
            kind: Kind::Text(256),
        },
        Field {
            name: "failureThreshold",
            title: "Failure threshold",
            description: "How many failures within the failure window open the circuit.",
            required: true,
            kind: Kind::Whole { least: 1, most: MAX_REMEMBERED as u64, default: None },
        },
        Field {
            name: "failureWindowMs",
            title: "Failure window",
            description: "The length of the failure window in milliseconds.",
            required: true,
            kind: Kind::Whole { least: 1, most: DAY_MS, default: None },
        },
        Field {
            name: "successThreshold",
            title: "Success threshold",
            description: "How many successes close the half-open circuit.",
            required: true,
            kind: Kind::Whole { least: 1, most: MAX_CALLS as u64, default: None },
        },
        Field {
            name: "halfOpenTimeoutMs",
            title: "Open time",
            description: "How long the circuit stays open before it is half-open, in milliseconds.",
            required: true,
            kind: Kind::Whole { least: 1, most: MAX_OPEN_MS, default: None },
        },
        Field {
            name: "fallbackAction",
            title: "Fallback",
            description: "What a refused call gets: an error, the fallback value, or no result.",
            required: true,
            kind: Kind::Choice(&[ACTIONS[0].0, ACTIONS[1].0, ACTIONS[2].0]),
        },
        Field {
            name: "fallbackValue",
            title: "Fallback value",
            description: "The result of a refused call. Required where fallbackAction is default.",
            required: false,
            kind: Kind::Anything,
        },
        Field {
            name: "monitoredErrors",
            title: "Monitored errors",
            description: "Errors that count as failures: all, or those in whose name, message, code or status, or in that of a \
                          cause, one of these texts is found; * stands for any text and ? for any one character.",
            required: true,
            // The policy takes patterns of 1,024 bytes: 255 characters of four bytes each and two
            // stars.
            kind: Kind::Patterns { most: MAX_PATTERNS, longest: 255 },
        },
        Field {
            name: "outputVariable",
            title: "Output variable",
            description: "The name under which the result goes into the context. Without it, its fields are merged in.",
            required: false,
            kind: Kind::Text(256),
        },
    ],
    rules: &[Rule { field: "fallbackAction", is: "default", then: Then::Needs("fallbackValue") }],
};

/// What a refused call gets instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FallbackAction {
    /// An error.
    Error,
    /// The fallback value.
    Default,
    /// Nothing.
    Skip,
}

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
        let token = if allowed { encode_permit(report.permit) } else { String::new() };
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

/// The permit in a token; none in an empty one.
fn permit(token: &str) -> Result<Option<Permit>, Vec<Problem>> {
    let problem = || Problem {
        path: "token".to_string(),
        value: quoted(&written(token)),
        allowed: "empty, or the token of an admission".to_string(),
    };
    match token {
        "" => Ok(None),
        _ => decode_permit(token).map(Some).ok_or_else(|| alloc::vec![problem()]),
    }
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Closed => "closed",
        State::Open => "open",
        State::HalfOpen => "half-open",
    }
}
