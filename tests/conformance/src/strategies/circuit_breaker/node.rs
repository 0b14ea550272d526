//! Calls of a circuit breaker node. A `ticket` is the step whose token is brought, a `token` one
//! that no step gave, and a `result` the step whose result is put into the context.

use serde::{Deserialize, Serialize};

use crate::protocol::{Failure, context, empty_context};

/// A call of a circuit breaker node.
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
    Admit {},
    Succeeded {
        ticket: Option<usize>,
        token: Option<String>,
    },
    Failed {
        ticket: Option<usize>,
        token: Option<String>,
        #[serde(default)]
        error: Failure,
    },
    Cancelled {
        ticket: Option<usize>,
        token: Option<String>,
    },
    Status {},
    Output {
        #[serde(default = "empty_context", deserialize_with = "context")]
        context: String,
        result: Option<usize>,
    },
}
