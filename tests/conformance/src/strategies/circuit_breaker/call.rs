//! Calls of a circuit breaker. A `permit` is named by the step that was admitted with it.

use serde::{Deserialize, Serialize};

use crate::protocol::Failure;

/// A call of a circuit breaker.
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
    Admit {
        key: String,
    },
    Succeeded {
        key: String,
        permit: Option<usize>,
        #[serde(default)]
        elapsed_ms: u64,
    },
    Failed {
        key: String,
        permit: Option<usize>,
        #[serde(default)]
        elapsed_ms: u64,
        #[serde(default)]
        error: Failure,
    },
    Cancelled {
        key: String,
        permit: Option<usize>,
        #[serde(default)]
        elapsed_ms: u64,
    },
    Status {
        key: String,
    },
    SetMode {
        key: String,
        mode: String,
    },
    Reset {
        key: String,
    },
}
