//! Calls of a rate limiter node. A `ticket` is the step whose token is brought, a `token` one that
//! no step gave, and a `result` the step whose result is put into the context.

use serde::{Deserialize, Serialize};

use crate::protocol::{context, empty_context};

/// A call of a rate limiter node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "call",
    content = "args",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
#[expect(missing_docs, reason = "calls and arguments are those of the README")]
pub enum Call {
    Subject {
        #[serde(default = "empty_context", deserialize_with = "context")]
        context: String,
    },
    Step {
        #[serde(default = "empty_context", deserialize_with = "context")]
        context: String,
        ticket: Option<usize>,
        token: Option<String>,
    },
    Abandon {
        #[serde(default = "empty_context", deserialize_with = "context")]
        context: String,
        ticket: Option<usize>,
        token: Option<String>,
    },
    Output {
        #[serde(default = "empty_context", deserialize_with = "context")]
        context: String,
        result: Option<usize>,
    },
}
