//! Carrying out commands to call circuit breakers.

use std::time::Duration;

use anyhow::Result;
use tidegate::{Failure, Tidegate};

use super::protocol::{Answer, Circuit, CircuitRequest, Command, Reported};

/// Carries out a command.
pub(crate) async fn answer(gate: &Tidegate, command: Command) -> Result<Answer> {
    match command {
        Command::Circuit(circuit) => Ok(Answer::Reported(ask_circuit(gate, circuit).await?)),
    }
}

async fn ask_circuit(gate: &Tidegate, circuit: Circuit) -> Result<Reported> {
    tokio::time::sleep(Duration::from_millis(circuit.wait_ms)).await;
    let breaker = gate.circuit_breaker(circuit.breaker)?.keyed(&circuit.key);
    let elapsed = Duration::from_millis(1);
    let report = match circuit.request {
        CircuitRequest::Admit => breaker.admit().await?,
        CircuitRequest::Failed(permit) => breaker.failed(permit, elapsed, Failure::default()).await?,
        CircuitRequest::Succeeded(permit) => breaker.succeeded(permit, elapsed).await?,
    };
    Ok((&report).into())
}
