//! The circuit breaker without async, on the memory store.

use std::time::Duration;

use super::config::CircuitBreakerConfig;
use super::error::CallError;
use super::failure::Failure;
use super::guarded::Guard;
use super::handle::whole_ms;
use super::judging::{FailureIf, FailureOf};
use super::report::{CircuitReport, Mode, Permit};
use super::request::Request;
use super::telling::CallFailure;
use crate::blocking::gate::Tidegate;
use crate::error::Error;

/// A handle on a circuit; see [`crate::CircuitBreaker`].
#[derive(Debug, Clone)]
pub struct CircuitBreaker {
    breaker: crate::CircuitBreaker,
}

impl Tidegate {
    /// Opens a circuit breaker.
    ///
    /// # Errors
    /// [`Error::Config`] with all problems of the configuration.
    pub fn circuit_breaker(&self, config: CircuitBreakerConfig) -> Result<CircuitBreaker, Error> {
        Ok(CircuitBreaker { breaker: self.gate.circuit_breaker(config)? })
    }
}

impl CircuitBreaker {
    /// The circuit of the same settings for `key`.
    #[must_use]
    pub fn keyed(&self, key: &str) -> Self {
        Self { breaker: self.breaker.keyed(key) }
    }

    /// Asks to make a call; see [`crate::CircuitBreaker::admit`].
    ///
    /// # Errors
    /// [`Error::Run`] if the component failed.
    pub fn admit(&self) -> Result<CircuitReport, Error> {
        self.breaker.admit_now()
    }

    /// The call succeeded, after `elapsed`.
    ///
    /// # Errors
    /// [`Error::Run`] if the component failed.
    pub fn succeeded(&self, permit: Permit, elapsed: Duration) -> Result<CircuitReport, Error> {
        self.breaker.ask_now(&Request::Succeeded { permit: permit.into(), elapsed_ms: whole_ms(elapsed) })
    }

    /// The call failed, after `elapsed`.
    ///
    /// # Errors
    /// [`Error::Run`] if the component failed.
    pub fn failed(&self, permit: Permit, elapsed: Duration, failure: Failure) -> Result<CircuitReport, Error> {
        let (permit, elapsed_ms) = (permit.into(), whole_ms(elapsed));
        self.breaker.ask_now(&Request::Failed { permit, elapsed_ms, errors: failure.into_errors() })
    }

    /// The call was not made, or was given up after `elapsed`; see
    /// [`crate::CircuitBreaker::cancelled`].
    ///
    /// # Errors
    /// [`Error::Run`] if the component failed.
    pub fn cancelled(&self, permit: Permit, elapsed: Duration) -> Result<CircuitReport, Error> {
        self.breaker.ask_now(&Request::Cancelled { permit: permit.into(), elapsed_ms: whole_ms(elapsed) })
    }

    /// Reads the circuit and changes nothing.
    ///
    /// # Errors
    /// [`Error::Run`] if the component failed.
    pub fn status(&self) -> Result<CircuitReport, Error> {
        self.breaker.ask_now(&Request::Status)
    }

    /// Orders a mode; see [`crate::CircuitBreaker::set_mode`].
    ///
    /// # Errors
    /// [`Error::Run`] if the component failed.
    pub fn set_mode(&self, mode: Mode) -> Result<CircuitReport, Error> {
        self.breaker.ask_now(&Request::SetMode { mode: mode.into() })
    }

    /// Closes the circuit and clears its counts and back-off.
    ///
    /// # Errors
    /// [`Error::Run`] if the component failed.
    pub fn reset(&self) -> Result<CircuitReport, Error> {
        self.breaker.ask_now(&Request::Reset)
    }

    /// How a call is to be guarded: by what an error counts, and which results are failures. There
    /// is no timeout: nothing can stop a function that runs in its caller's thread. Give its
    /// sockets one, or the circuit a rate of slow calls.
    pub fn guard(&self) -> Guard<'_, Self> {
        Guard::new(self, self.breaker.config().count_refusals)
    }

    /// Makes a call through the circuit: fails fast where it is refused, and records its outcome. A
    /// panic gives the permit back. See [`crate::CircuitBreaker::call`].
    ///
    /// # Errors
    /// [`CallError::Refused`], the operation's own error, or [`CallError::Gate`].
    ///
    /// # Panics
    /// If `operation` does.
    pub fn call<T, E: CallFailure<Kind>, Kind>(
        &self,
        operation: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, CallError<E>> {
        self.guard().call::<T, E, Kind, ()>(operation)
    }
}

impl<O, I> Guard<'_, CircuitBreaker, O, I> {
    /// Makes a call: see [`CircuitBreaker::call`].
    ///
    /// # Errors
    /// Those of [`CircuitBreaker::call`].
    ///
    /// # Panics
    /// If `operation` does.
    pub fn call<T, E, OfKind, IfKind>(self, operation: impl FnOnce() -> Result<T, E>) -> Result<T, CallError<E>>
    where
        O: FailureOf<E, OfKind>,
        I: FailureIf<T, IfKind>,
    {
        let Self { by, timeout, failure_of, failure_if, count_refusals } = self;
        let guard = Guard { by: &by.breaker, timeout, failure_of, failure_if, count_refusals };
        let call = guard.call::<T, E, _, OfKind, IfKind>(async { operation() });
        crate::background::ready(call).expect("on the memory store nothing is waited for")
    }
}
