//! A whole call through a circuit breaker: admission, the operation, its outcome.

use std::future::Future;
use std::time::Duration;

use super::error::CallError;
use super::failure::Failure;
use super::handle::CircuitBreaker;
use super::judging::{AsTold, Counted, FailureIf, FailureOf, Given, Never, judge};
use super::permit::CircuitBreakerPermit;
use super::telling::CallFailure;
use super::timed::within;
use crate::error::Error;

/// How a call is guarded: made by [`CircuitBreaker::guard`] and its like, and used once.
///
/// ```
/// # use std::time::Duration;
/// # use tidegate::{CircuitBreakerConfig, Failure, Tidegate, http_failure};
/// # struct Reply { status: u16 }
/// # async fn get() -> Result<Reply, std::io::Error> { Ok(Reply { status: 200 }) }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let gate = Tidegate::builder().build()?;
/// # let breaker = gate.circuit_breaker(CircuitBreakerConfig::consecutive("api", 5))?;
/// let reply = breaker
///     .guard()
///     .timeout(Duration::from_secs(2))
///     .failure_if(|reply: &Reply| http_failure(reply.status))
///     .call(get())
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "it guards nothing until it is given a call"]
pub struct Guard<'a, B, O = AsTold, I = Never> {
    pub(crate) by: &'a B,
    pub(crate) timeout: Option<Duration>,
    pub(crate) failure_of: O,
    pub(crate) failure_if: I,
    pub(crate) count_refusals: bool,
}

impl<'a, B> Guard<'a, B> {
    pub(crate) fn new(by: &'a B, count_refusals: bool) -> Self {
        Self { by, timeout: None, failure_of: AsTold, failure_if: Never, count_refusals }
    }
}

impl<'a, B, O, I> Guard<'a, B, O, I> {
    /// What an error counts by, in place of what it tells. If that panics, the error counts all the
    /// same, by its type.
    pub fn failure_of<E, F: FnOnce(&E) -> Failure>(self, failure_of: F) -> Guard<'a, B, F, I> {
        let Self { by, timeout, failure_if, count_refusals, .. } = self;
        Guard { by, timeout, failure_of, failure_if, count_refusals }
    }

    /// Which results are failures: it returns `true`, or a failure to be matched with the patterns;
    /// `false` and `None` are not failures. The caller is given the result all the same. If it
    /// panics, the result is a success. See [`http_failure`](crate::http_failure).
    pub fn failure_if<T, V, F: FnOnce(&T) -> V>(self, failure_if: F) -> Guard<'a, B, O, F> {
        let Self { by, timeout, failure_of, count_refusals, .. } = self;
        Guard { by, timeout, failure_of, failure_if, count_refusals }
    }

    /// Whether errors of Tidegate's own within the call, such as the denial of a limiter or the
    /// refusal of another circuit, are failures; by default as the settings say. They are looked
    /// for in an error and its sources, unless `failure_of` is given.
    pub fn count_refusals(mut self, count: bool) -> Self {
        self.count_refusals = count;
        self
    }
}

impl<O, I> Guard<'_, CircuitBreaker, O, I> {
    /// How long the operation may take. When that is over it is dropped, has failed, and ends in
    /// [`CallError::TimedOut`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Makes a call: see [`CircuitBreaker::call`].
    ///
    /// # Errors
    /// Those of [`CircuitBreaker::call`], and [`CallError::TimedOut`].
    pub async fn call<T, E, F, OfKind, IfKind>(self, operation: F) -> Result<T, CallError<E>>
    where
        F: Future<Output = Result<T, E>>,
        O: FailureOf<E, OfKind>,
        I: FailureIf<T, IfKind>,
    {
        let Self { by: breaker, timeout, failure_of, failure_if, count_refusals } = self;
        let circuit = breaker.circuit();
        if circuit.is_entered() {
            return ended(within(breaker.clock(), timeout, operation).await, timeout);
        }
        let mut permit = breaker.enter(timeout).await?;
        let result = within(breaker.clock(), timeout, circuit.enter(operation)).await;
        let counted = counted(result.as_ref(), timeout, failure_of, failure_if, count_refusals);
        permit.record(counted).await;
        ended(result, timeout)
    }

    /// The admitted call as a value that one holds. Only the time limit is of use to it.
    ///
    /// # Errors
    /// [`CallError::Refused`], and [`CallError::Gate`] when the circuit cannot be asked.
    pub async fn permit(self) -> Result<CircuitBreakerPermit, CallError<Error>> {
        self.by.enter(self.timeout).await
    }
}

/// What a call counts as that has ended; `None`: its time limit was over.
#[expect(clippy::similar_names, reason = "they are called as the settings are")]
pub(crate) fn counted<T, E, OfKind, IfKind>(
    result: Option<&Result<T, E>>,
    timeout: Option<Duration>,
    failure_of: impl FailureOf<E, OfKind>,
    failure_if: impl FailureIf<T, IfKind>,
    count_refusals: bool,
) -> Counted {
    match result {
        Some(result) => judge(result, failure_of, failure_if, count_refusals),
        None => Counted::Failure(Failure::of_timeout(format!(
            "the call took longer than {:?}",
            timeout.unwrap_or_default()
        ))),
    }
}

/// What a caller is given of a call that has ended.
pub(crate) fn ended<T, E>(result: Option<Result<T, E>>, timeout: Option<Duration>) -> Result<T, CallError<E>> {
    match result {
        Some(result) => result.map_err(CallError::Failed),
        None => Err(CallError::TimedOut { timeout: timeout.unwrap_or_default() }),
    }
}

impl CircuitBreaker {
    /// How a call is to be guarded: with a time limit, by what an error counts, which results are
    /// failures.
    pub fn guard(&self) -> Guard<'_, Self> {
        Guard::new(self, self.config().count_refusals)
    }

    /// Makes a call through the circuit: fails fast where it is refused, and records its outcome.
    /// An `Err` counts by what it tells: see [`Failure::of`]; `E` is any error, a boxed one or an
    /// `anyhow::Error`. See [`Self::guard`] for more. Dropping the future is a call given up: see
    /// [`Self::cancelled`].
    ///
    /// A call within a call of the same circuit and key, in the same task, goes with the permit of
    /// the outer one and is part of its outcome.
    ///
    /// # Errors
    /// [`CallError::Refused`], the operation's own error, or [`CallError::Gate`] when the circuit
    /// cannot be asked.
    pub async fn call<T, E, F, Kind>(&self, operation: F) -> Result<T, CallError<E>>
    where
        E: CallFailure<Kind>,
        F: Future<Output = Result<T, E>>,
    {
        self.guard().call::<T, E, F, Kind, ()>(operation).await
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
        self.guard().failure_of(failure_of).call::<T, E, F, Given, ()>(operation).await
    }

    /// The admitted call as a value that one holds: see [`CircuitBreakerPermit`].
    ///
    /// # Errors
    /// [`CallError::Refused`], and [`CallError::Gate`] when the circuit cannot be asked.
    pub async fn permit(&self) -> Result<CircuitBreakerPermit, CallError<Error>> {
        self.enter(None).await
    }

    async fn enter<E>(&self, timeout: Option<Duration>) -> Result<CircuitBreakerPermit, CallError<E>> {
        let report = self.admit().await.map_err(CallError::Gate)?;
        if report.is_admitted() {
            return Ok(CircuitBreakerPermit::new(self, report, timeout));
        }
        Err(CallError::Refused { circuit: self.config().name.clone(), report: Box::new(report) })
    }
}
