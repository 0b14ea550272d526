//! Admitted calls as values that one holds.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::error::CallError;
use super::failure::Failure;
use super::handle::CircuitBreaker;
use super::judging::Counted;
use super::report::{CircuitReport, Permit};
use super::timed::within;
use crate::error::Error;

/// A call that a circuit admitted, and whose outcome is not known yet. It has one outcome. Dropped
/// without one, the call was given up: it is neither a success nor a failure, another probe may go
/// where it was one, and it counts for nothing, but as slow if it took at least the slow-call time.
///
/// So a call can be guarded to the end of what it gives, such as a stream. A reader who stops early
/// drops the permit:
///
/// ```
/// # use std::time::Duration;
/// # struct Rows(u8);
/// # impl Rows { async fn next(&mut self) -> Option<Result<u8, std::io::Error>> { self.0 += 1; (self.0 < 3).then_some(Ok(self.0)) } }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let gate = tidegate::Tidegate::builder().build()?;
/// # let breaker = gate.circuit_breaker(tidegate::CircuitBreakerConfig::consecutive("db", 5))?;
/// # let mut rows = Rows(0);
/// use tidegate::Failure;
///
/// let mut permit = breaker.guard().timeout(Duration::from_secs(30)).permit().await?;
/// while let Some(row) = permit.limited(rows.next()).await? {
///     match row {
///         Ok(row) => println!("{row}"),
///         Err(error) => {
///             permit.failed(Failure::of(&error)).await?;
///             return Err(error.into());
///         }
///     }
/// }
/// permit.succeeded().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "dropped, the call was given up"]
pub struct CircuitBreakerPermit {
    breaker: CircuitBreaker,
    report: CircuitReport,
    permit: Option<Permit>,
    started_us: u64,
    timeout: Option<Duration>,
}

impl CircuitBreakerPermit {
    pub(super) fn new(breaker: &CircuitBreaker, report: CircuitReport, timeout: Option<Duration>) -> Self {
        let started_us = breaker.clock().now_us();
        Self { breaker: breaker.clone(), permit: report.permit, report, started_us, timeout }
    }

    /// The circuit when it admitted the call.
    pub fn report(&self) -> &CircuitReport {
        &self.report
    }

    /// The call succeeded; see [`CircuitBreaker::succeeded`].
    ///
    /// # Errors
    /// Those of [`CircuitBreaker::admit`].
    pub async fn succeeded(mut self) -> Result<Option<CircuitReport>, Error> {
        self.settle(Counted::Success).await
    }

    /// The call failed; see [`CircuitBreaker::failed`].
    ///
    /// # Errors
    /// Those of [`CircuitBreaker::admit`].
    pub async fn failed(mut self, failure: Failure) -> Result<Option<CircuitReport>, Error> {
        self.settle(Counted::Failure(failure)).await
    }

    /// The call was not made or was given up; see [`CircuitBreaker::cancelled`].
    ///
    /// # Errors
    /// Those of [`CircuitBreaker::admit`].
    pub async fn cancelled(mut self) -> Result<Option<CircuitReport>, Error> {
        self.settle(Counted::Nothing).await
    }

    /// A part of the call, such as the next item of a stream. When the time limit is over, which
    /// counts from the admission, the part is dropped, and the call has failed: no other outcome
    /// counts.
    ///
    /// # Errors
    /// [`CallError::TimedOut`].
    pub async fn limited<F: Future>(&mut self, part: F) -> Result<F::Output, CallError<Error>> {
        let Some(timeout) = self.timeout else { return Ok(part.await) };
        let left = timeout.saturating_sub(self.elapsed());
        let Some(output) = within(self.breaker.clock(), Some(left), part).await else {
            let error = CallError::TimedOut { timeout };
            self.record(Counted::Failure(Failure::of_timeout(error.to_string()))).await;
            return Err(error);
        };
        Ok(output)
    }

    /// Hands the outcome in. `None`: the call has an outcome already.
    pub(super) async fn settle(&mut self, counted: Counted) -> Result<Option<CircuitReport>, Error> {
        let elapsed = self.elapsed();
        let Some(permit) = self.permit.take() else { return Ok(None) };
        let report = match counted {
            Counted::Success => self.breaker.succeeded(permit, elapsed).await,
            Counted::Failure(failure) => self.breaker.failed(permit, elapsed, failure).await,
            Counted::Nothing => self.breaker.cancelled(permit, elapsed).await,
        };
        report.map(Some)
    }

    /// Like [`Self::settle`], where the caller is better served with the result of its operation
    /// than with a store's trouble.
    pub(super) async fn record(&mut self, counted: Counted) {
        if let Err(error) = self.settle(counted).await {
            tracing::warn!(%error, circuit = %self.breaker.config().name, "the outcome of a call was not recorded");
        }
    }

    fn elapsed(&self) -> Duration {
        Duration::from_micros(self.breaker.clock().now_us().saturating_sub(self.started_us))
    }
}

impl Drop for CircuitBreakerPermit {
    fn drop(&mut self) {
        let elapsed = self.elapsed();
        if let Some(permit) = self.permit.take() {
            let breaker = self.breaker.clone();
            let background = Arc::clone(breaker.background());
            background.run("giving a circuit's permit back", async move { breaker.cancelled(permit, elapsed).await });
        }
    }
}
