//! Errors that a call can fail with, and whether one is a refusal of Tidegate's own.

use std::error::Error;
use std::fmt;
use std::ops::Deref;

use super::failure::Failure;
use super::texts::chain;

/// An error of Tidegate's own. It stands as the source of errors that carry one, so that a circuit
/// round them knows.
#[derive(Debug)]
pub(crate) struct OwnError;

impl fmt::Display for OwnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a policy within the call said so")
    }
}

impl Error for OwnError {}

/// An error that a call can fail with: any [`Error`], or what holds one, such as a `Box<dyn Error>`
/// or an `anyhow::Error`. `Kind` is which of the two, and never needs to be named.
pub trait CallFailure<Kind> {
    /// What it counts by.
    fn failure(&self) -> Failure;
    /// Whether it is, or is caused by, an error of Tidegate's own, such as the refusal of a limiter
    /// or of another circuit.
    fn is_refusal(&self) -> bool;
}

/// An error by its type.
#[derive(Debug, Clone, Copy)]
pub struct Typed;

/// An error whose type is not known.
#[derive(Debug, Clone, Copy)]
pub struct Held;

impl<E: Error + 'static> CallFailure<Typed> for E {
    fn failure(&self) -> Failure {
        Failure::of(self)
    }

    fn is_refusal(&self) -> bool {
        is_own(self)
    }
}

impl<E: Deref> CallFailure<Held> for E
where
    E::Target: AnyError,
{
    fn failure(&self) -> Failure {
        Failure::of_dyn(self.deref().as_error())
    }

    fn is_refusal(&self) -> bool {
        is_own(self.deref().as_error())
    }
}

/// What boxes and reports hold: `dyn Error`, and with `Send` and `Sync`.
pub trait AnyError {
    /// The error.
    fn as_error(&self) -> &(dyn Error + 'static);
}

impl AnyError for dyn Error + 'static {
    fn as_error(&self) -> &(dyn Error + 'static) {
        self
    }
}

impl AnyError for dyn Error + Send + 'static {
    fn as_error(&self) -> &(dyn Error + 'static) {
        self
    }
}

impl AnyError for dyn Error + Send + Sync + 'static {
    fn as_error(&self) -> &(dyn Error + 'static) {
        self
    }
}

/// Whether an error or one of its sources is Tidegate's own.
pub(super) fn is_own(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(|error| error.is::<crate::Error>() || error.is::<OwnError>())
}
