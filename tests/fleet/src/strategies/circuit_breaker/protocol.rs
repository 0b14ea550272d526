//! What a test and its workers say to each other of circuit breakers.

use serde::{Deserialize, Serialize};
use tidegate::{CircuitBreakerConfig, CircuitReport, Permit};

use crate::words::{whole_ms, word};

/// What a worker is told to do with circuits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Command {
    /// Ask a circuit. Answered by [`Answer::Reported`].
    Circuit(Circuit),
}

/// What a worker answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Answer {
    /// To [`Command::Circuit`].
    Reported(Reported),
}

/// One call of a circuit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Circuit {
    /// The circuit.
    pub breaker: CircuitBreakerConfig,
    /// Which of them.
    pub key: String,
    /// What to ask or tell it.
    pub request: CircuitRequest,
    /// How long to wait before the call, as an earlier answer said.
    pub wait_ms: u64,
}

/// What a circuit is asked or told.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum CircuitRequest {
    /// May a call be made?
    Admit,
    /// A call has failed.
    Failed(Permit),
    /// A call has succeeded.
    Succeeded(Permit),
}

/// A report of a circuit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reported {
    /// As the contract spells it.
    pub effect: String,
    /// As the contract spells it.
    pub state: String,
    /// Why the state changed, if it did, as the contract spells it.
    pub cause: Option<String>,
    /// The generation.
    pub generation: u64,
    /// The permit of an admitted call.
    pub permit: Option<Permit>,
    /// In how many milliseconds a call may be admitted.
    pub retry_after_ms: u64,
}

impl From<&CircuitReport> for Reported {
    fn from(report: &CircuitReport) -> Self {
        Self {
            effect: word(&report.effect),
            state: word(&report.state),
            cause: report.event.as_ref().map(|event| word(&event.cause)),
            generation: report.generation,
            permit: report.permit,
            retry_after_ms: whole_ms(report.retry_after),
        }
    }
}
