//! A whole call through a circuit breaker: admission, the operation, its outcome.

use std::future::Future;
use std::time::Duration;

use super::{CircuitBreaker, CircuitReport, Failure, Permit};
use crate::background;
use crate::error::Error;

/// Why a guarded call gave no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError<E> {
    /// The circuit refused it: it failed fast.
    #[error("circuit {circuit:?} is {:?} and refused the call, retry after {:?}", .report.state, .report.retry_after)]
    Refused {
        /// The circuit's name.
        circuit: String,
        /// The circuit.
        report: Box<CircuitReport>,
    },
    /// The call itself failed.
    #[error(transparent)]
    Failed(E),
    /// There is no answer from the circuit.
    #[error("{0}")]
    Gate(Error),
}

/// An admitted call whose outcome is not known yet; cancelled when dropped.
struct InFlight<'a> {
    breaker: &'a CircuitBreaker,
    permit: Option<Permit>,
    started_us: u64,
}

impl InFlight<'_> {
    fn finish(&mut self) -> (Option<Permit>, Duration) {
        let elapsed_us = self.breaker.clock().now_us().saturating_sub(self.started_us);
        (self.permit.take(), Duration::from_micros(elapsed_us))
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if let (Some(permit), elapsed) = self.finish() {
            let breaker = self.breaker.clone();
            background::run("giving a circuit's permit back", async move { breaker.cancelled(permit, elapsed).await });
        }
    }
}

impl CircuitBreaker {
    /// Makes a call through the circuit: fails fast where it is refused, and records its outcome. An `Err` counts by its type's
    /// name and its message; see [`Self::call_with`] for more. Dropping the future is a call given up: see [`Self::cancelled`].
    ///
    /// # Errors
    /// [`CallError::Refused`], the operation's own error, or [`CallError::Gate`] when the circuit cannot be asked.
    pub async fn call<T, E, F>(&self, operation: F) -> Result<T, CallError<E>>
    where
        E: std::error::Error,
        F: Future<Output = Result<T, E>>,
    {
        self.call_with(Failure::of, operation).await
    }

    /// Like [`Self::call`], with what an error counts by.
    ///
    /// # Errors
    /// Those of [`Self::call`].
    pub async fn call_with<T, E, F>(
        &self,
        failure_of: impl FnOnce(&E) -> Failure,
        operation: F,
    ) -> Result<T, CallError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let report = self.admit().await.map_err(CallError::Gate)?;
        if !report.is_admitted() {
            return Err(CallError::Refused { circuit: self.config().name.clone(), report: Box::new(report) });
        }
        let started_us = self.clock().now_us();
        let mut in_flight = InFlight { breaker: self, permit: report.permit, started_us };
        let result = operation.await;
        let (permit, elapsed) = in_flight.finish();
        let Some(permit) = permit else { return result.map_err(CallError::Failed) };
        let recorded = match &result {
            Ok(_) => self.succeeded(permit, elapsed).await,
            Err(error) => self.failed(permit, elapsed, failure_of(error)).await,
        };
        if let Err(error) = recorded {
            // The operation has happened; its caller is better served with its result than with this.
            tracing::warn!(%error, circuit = %self.config().name, "the outcome of a call was not recorded");
        }
        result.map_err(CallError::Failed)
    }
}
