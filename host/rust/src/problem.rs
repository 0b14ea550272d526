//! What is wrong with settings.

use std::fmt;

/// One thing that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, as a path from the root of the configuration: `limits[1].window`.
    pub path: String,
    /// The value found there.
    pub value: String,
    /// What is allowed there, as a phrase that completes "must be ...".
    pub allowed: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, must be {}", self.path, self.value, self.allowed)
    }
}

/// Why settings could not be read: what [`Error`](crate::Error) has by the same names.
#[derive(Debug)]
pub enum SettingsError {
    /// The configuration is wrong: everything that is.
    Config {
        /// The name in the configuration.
        name: String,
        /// All its problems.
        problems: Vec<Problem>,
    },
    /// The text is not JSON, or names a field twice.
    Json {
        /// Where, as a path from the root; `.` is the root.
        path: String,
        /// What was found there, what was expected, and the line and column.
        reason: String,
    },
}
