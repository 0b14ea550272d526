//! Of a host's errors and settings those that reading JSON needs.

use serde::{Deserialize, Serialize};

/// What to answer while the store is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenAway {
    /// An error.
    #[default]
    Error,
    /// Admit.
    Open,
    /// Refuse.
    Closed,
}

/// Why settings were not read.
#[derive(Debug)]
pub enum Error {
    /// The JSON text is none of such settings.
    Json {
        /// Where.
        path: String,
        /// What was found there.
        reason: String,
    },
}
