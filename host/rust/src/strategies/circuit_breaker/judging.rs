//! What the end of a guarded call counts as.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::failure::Failure;
use super::telling::CallFailure;

/// What a call counts as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Counted {
    Success,
    Failure(Failure),
    /// Neither: a refusal of a policy within it.
    Nothing,
}

/// What an error counts by. `Kind` is how that is known, and never needs to be named.
pub trait FailureOf<E, Kind> {
    /// None: it does not count, being the refusal of a policy within the call.
    fn failure_of(self, error: &E, count_refusals: bool) -> Option<Failure>;
}

/// An error counts by what it tells: see [`Failure::of`].
#[derive(Debug, Clone, Copy, Default)]
pub struct AsTold;

impl<E: CallFailure<Kind>, Kind> FailureOf<E, Kind> for AsTold {
    fn failure_of(self, error: &E, count_refusals: bool) -> Option<Failure> {
        (count_refusals || !error.is_refusal()).then(|| error.failure())
    }
}

/// Marks what a caller has given.
#[derive(Debug, Clone, Copy)]
pub struct Given;

impl<E, F: FnOnce(&E) -> Failure> FailureOf<E, Given> for F {
    fn failure_of(self, error: &E, _: bool) -> Option<Failure> {
        Some(self(error))
    }
}

/// Whether a result is a failure. `Kind` is how that is said, and never needs to be named.
pub trait FailureIf<T, Kind> {
    /// `None`: it is not a failure.
    fn failure_if(self, result: &T) -> Option<Failure>;
}

/// No result is a failure.
#[derive(Debug, Clone, Copy, Default)]
pub struct Never;

impl<T> FailureIf<T, ()> for Never {
    fn failure_if(self, _: &T) -> Option<Failure> {
        None
    }
}

impl<T, V: Into<ResultFailure>, F: FnOnce(&T) -> V> FailureIf<T, V> for F {
    fn failure_if(self, result: &T) -> Option<Failure> {
        self(result).into().0
    }
}

/// What a predicate says of a result: `true`, a failure or `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultFailure(Option<Failure>);

impl From<bool> for ResultFailure {
    fn from(fails: bool) -> Self {
        Self(fails.then(|| Failure { name: "FailureIf".to_owned(), ..Failure::default() }))
    }
}

impl From<Option<Failure>> for ResultFailure {
    fn from(failure: Option<Failure>) -> Self {
        Self(failure)
    }
}

/// Whether an HTTP reply says that its server has failed, by its status: 500 and above, 408 or 429.
/// For `failure_if`.
///
/// ```no_run
/// # struct Reply;
/// # impl Reply { fn status(&self) -> u16 { 503 } }
/// # async fn get() -> Result<Reply, std::io::Error> { Ok(Reply) }
/// # async fn example(breaker: tidegate::CircuitBreaker) -> Result<(), Box<dyn std::error::Error>> {
/// use tidegate::http_failure;
///
/// let reply = breaker.guard().failure_if(|reply: &Reply| http_failure(reply.status())).call(get()).await?;
/// # Ok(())
/// # }
/// ```
///
/// Statuses of `http`, and so of `reqwest`, `hyper` and `axum`, can be given as they are.
pub fn http_failure(status: impl Into<u16>) -> Option<Failure> {
    let status = status.into();
    let failed = status >= 500 || matches!(status, 408 | 429);
    failed.then(|| Failure {
        name: "HttpStatus".to_owned(),
        message: format!("the reply has status {status}"),
        code: status.to_string(),
        status: status.to_string(),
        causes: Vec::new(),
    })
}

/// What a result counts as. A caller whose judging panics keeps its own result: its error counts by
/// nothing but that it is one, and its answer as a success.
#[expect(clippy::similar_names, reason = "they are called as the settings are")]
pub(crate) fn judge<T, E, OfKind, IfKind>(
    result: &Result<T, E>,
    failure_of: impl FailureOf<E, OfKind>,
    failure_if: impl FailureIf<T, IfKind>,
    count_refusals: bool,
) -> Counted {
    let judged = catch_unwind(AssertUnwindSafe(|| match result {
        Ok(value) => failure_if.failure_if(value).map_or(Counted::Success, Counted::Failure),
        Err(error) => failure_of.failure_of(error, count_refusals).map_or(Counted::Nothing, Counted::Failure),
    }));
    judged.unwrap_or_else(|_| {
        tracing::warn!("what a call counts as could not be told: judging it panicked");
        match result {
            Ok(_) => Counted::Success,
            Err(_) => Counted::Failure(Failure { name: super::texts::type_name::<E>(), ..Failure::default() }),
        }
    })
}
