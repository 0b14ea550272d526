//! Settings of a circuit breaker: which errors count, and as what.

use serde::{Deserialize, Serialize};

use crate::runtime::wit::circuit_breaker as wit;

/// Which text of an error a pattern is matched with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorPart {
    /// Any of the four.
    #[default]
    Any,
    /// The name of the error's type.
    Name,
    /// The message.
    Message,
    /// The code.
    Code,
    /// The status.
    Status,
}

/// What an error counts as that is not monitored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Others {
    /// Nothing: neither a failure nor a success.
    #[default]
    Ignored,
    /// A success.
    Success,
}

/// A pattern for the whole of a text of an error or of one of its causes, case and all. `*` stands
/// for any text, `?` for any one character, and a backslash takes the next character as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ErrorPattern {
    /// What to match; by default any of name, message, code and status.
    #[serde(default)]
    pub part: ErrorPart,
    /// The pattern; 1 to 1,024 bytes.
    pub pattern: String,
}

impl ErrorPattern {
    /// A pattern for the error's name, message, code or status.
    pub fn any(pattern: impl Into<String>) -> Self {
        Self { part: ErrorPart::Any, pattern: pattern.into() }
    }

    pub(super) fn to_wit(&self) -> wit::ErrorPattern {
        let part = match self.part {
            ErrorPart::Any => wit::ErrorPart::Any,
            ErrorPart::Name => wit::ErrorPart::Name,
            ErrorPart::Message => wit::ErrorPart::Message,
            ErrorPart::Code => wit::ErrorPart::Code,
            ErrorPart::Status => wit::ErrorPart::Status,
        };
        wit::ErrorPattern { part, pattern: self.pattern.clone() }
    }
}
