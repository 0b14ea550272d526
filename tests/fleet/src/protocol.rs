//! What a test and its workers say to each other: one JSON value a line, one answer a command, in
//! order.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::endurance::{Endured, Loads, Watch};
use crate::strategies::{circuit_breaker, rate_limiter};

/// Where a worker works, and by which clock: its only argument.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Place {
    /// The URLs of one server, or of some nodes of a cluster.
    pub urls: Vec<String>,
    /// Whether it is a cluster.
    pub is_cluster: bool,
    /// How far the worker's clock is ahead of the machine's, in milliseconds.
    pub clock_ahead_ms: i64,
    /// How long an operation of the store, and connecting to it, may take; far longer than any does
    /// unless set.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    /// Whom to trust for the server's certificate, in PEM.
    #[serde(default)]
    pub root_certificate: Option<String>,
    /// A file to write down in at once what each load was admitted to: what is known of a process
    /// that is killed.
    #[serde(default)]
    pub journal: Option<PathBuf>,
}

/// What a worker is told to do: one of all these commands, by its own name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Command {
    /// To call rate limiters.
    RateLimiter(rate_limiter::Command),
    /// To call circuit breakers.
    CircuitBreaker(circuit_breaker::Command),
    /// To keep up loads.
    Endure(Endure),
}

/// What a worker is told of loads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Endure {
    /// Keep them up until told to stop. Answered by [`Said::Begun`], at once.
    Begin(Loads),
    /// Wait for something to befall them. Answered by [`Said::Seen`].
    Watch(Watch),
    /// Let them end. Answered by [`Said::Endured`].
    Stop,
}

/// What a worker answers: one of all these answers, by its own name.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// Of rate limiters.
    RateLimiter(rate_limiter::Answer),
    /// Of circuit breakers.
    CircuitBreaker(circuit_breaker::Answer),
    /// Of loads, and of the worker itself.
    Said(Said),
}

/// What a worker says of itself and of loads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Said {
    /// It is connected and takes commands. Said once, unasked.
    Ready,
    /// To [`Endure::Begin`].
    Begun,
    /// To [`Endure::Watch`].
    Seen,
    /// To [`Endure::Stop`].
    Endured(Endured),
    /// The call ended in this error.
    Failed(String),
}

impl From<rate_limiter::Command> for Command {
    fn from(command: rate_limiter::Command) -> Self {
        Self::RateLimiter(command)
    }
}

impl From<circuit_breaker::Command> for Command {
    fn from(command: circuit_breaker::Command) -> Self {
        Self::CircuitBreaker(command)
    }
}

impl From<Endure> for Command {
    fn from(endure: Endure) -> Self {
        Self::Endure(endure)
    }
}
