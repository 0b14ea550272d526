//! What the JSON of a circuit breaker node may hold.

use super::fallback::FallbackAction;
use crate::nodes::declaration::{Declaration, Field, Kind, Rule, Then};
use crate::nodes::entry::{Entry, port};
use crate::strategies::circuit_breaker::{MAX_CALLS, MAX_OPEN_MS, MAX_PATTERNS, MAX_REMEMBERED};

pub(super) const ACTIONS: [(&str, FallbackAction); 3] =
    [("error", FallbackAction::Error), ("default", FallbackAction::Default), ("skip", FallbackAction::Skip)];

const DAY_MS: u64 = 86_400_000;

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

/// What an editor is told of it.
pub(crate) static ENTRY: Entry = Entry {
    kind: "circuit-breaker",
    declaration: &DECLARATION,
    keywords: &["circuit breaker", "fail fast", "fallback", "failure", "retry", "resilience"],
    outputs: &[
        port("allowed", "boolean", "Whether the call may go on."),
        port("circuitState", "string", "closed, open or half-open."),
        port("failedFast", "boolean", "Whether the call was refused."),
        port("fallbackUsed", "boolean", "Whether it was refused and has the fallback value for its result."),
        port("failureCount", "integer", "Failures in the failure window, counted up to the threshold."),
        port("successCount", "integer", "Successes of the half-open circuit so far."),
        port(
            "lastFailure",
            "string",
            "When the last failure was, as an ISO 8601 time in UTC; absent where it is not known.",
        ),
    ],
};
