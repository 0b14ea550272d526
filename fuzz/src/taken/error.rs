//! Of a host's errors those that reading settings needs.

/// One thing that is wrong with a configuration.
#[derive(Debug)]
pub struct Problem {
    /// Where.
    pub path: String,
    /// The value found there.
    pub value: String,
    /// What is allowed there.
    pub allowed: String,
}

/// Why settings were not taken.
#[derive(Debug)]
pub enum Error {
    /// The configuration is wrong.
    Config {
        /// The name in it.
        name: String,
        /// All its problems.
        problems: Vec<Problem>,
    },
    /// The JSON text is none of such settings.
    Json {
        /// Where.
        path: String,
        /// What was found there.
        reason: String,
    },
}
