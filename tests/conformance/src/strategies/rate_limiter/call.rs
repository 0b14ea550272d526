//! Calls of a rate limiter. A `ticket` and what was `charged` are named by the step that gave them.

use serde::{Deserialize, Serialize};

use crate::strategies::one;

/// A call of a rate limiter.
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
    Acquire {
        key: String,
        #[serde(default = "one")]
        cost: u32,
        #[serde(default)]
        priority: i32,
        ticket: Option<usize>,
    },
    TryAcquire {
        key: String,
        #[serde(default = "one")]
        cost: u32,
    },
    Peek {
        key: String,
        #[serde(default = "one")]
        cost: u32,
    },
    Refund {
        key: String,
        #[serde(default = "one")]
        cost: u32,
        charged: Option<usize>,
    },
    Charge {
        key: String,
        #[serde(default = "one")]
        cost: u32,
    },
    Cancel {
        key: String,
        ticket: Option<usize>,
    },
    Reset {
        key: String,
    },
}
