//! The same without async, on the memory store.
//!
//! ```
//! use tidegate::blocking::Tidegate;
//! use tidegate::{CircuitBreakerConfig, Limit, RateLimiterConfig};
//!
//! let gate = Tidegate::builder().build()?;
//! let limiter = gate.rate_limiter(RateLimiterConfig::new("api", Limit::per_second(2)))?;
//! assert!(limiter.try_acquire("me")?.is_allowed());
//!
//! let breaker = gate.circuit_breaker(CircuitBreakerConfig::consecutive("payments", 5))?;
//! let length = breaker.call(|| std::fs::read_to_string("/dev/null")).expect("it can be read").len();
//! assert_eq!(length, 0);
//! # Ok::<(), tidegate::Error>(())
//! ```

use std::time::Duration;

use crate::call::Request;
use crate::circuit_breaker::{
    CallError, CallFailure, CircuitBreakerConfig, CircuitReport, Failure, FailureIf, FailureOf, Guard, Mode, Permit,
    whole_ms,
};
use crate::clock::Clock;
use crate::error::Error;
use crate::gate;
use crate::rate_limiter::{
    Admission, Ask, Decision, RateLimiterConfig, Ticket, Verdict, acquire_request, refund_request,
};
use crate::store::Memory;

/// Resilience policies on the memory store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tidegate {
    gate: gate::Tidegate,
}

/// Settings of a [`Tidegate`].
#[derive(Debug)]
pub struct Builder {
    builder: gate::Builder,
}

/// A handle on a rate limiter; see [`crate::RateLimiter`].
#[derive(Debug, Clone)]
pub struct RateLimiter {
    limiter: crate::RateLimiter,
}

/// A handle on a circuit; see [`crate::CircuitBreaker`].
#[derive(Debug, Clone)]
pub struct CircuitBreaker {
    breaker: crate::CircuitBreaker,
}

impl Tidegate {
    /// A memory store of its own and the system's clock, unless set otherwise.
    pub fn builder() -> Builder {
        Builder { builder: gate::Tidegate::builder() }
    }

    /// Opens a rate limiter.
    ///
    /// # Errors
    /// [`Error::Config`] with all problems of the configuration.
    pub fn rate_limiter(&self, config: RateLimiterConfig) -> Result<RateLimiter, Error> {
        Ok(RateLimiter { limiter: self.gate.rate_limiter(config)? })
    }

    /// Opens a circuit breaker.
    ///
    /// # Errors
    /// [`Error::Config`] with all problems of the configuration.
    pub fn circuit_breaker(&self, config: CircuitBreakerConfig) -> Result<CircuitBreaker, Error> {
        Ok(CircuitBreaker { breaker: self.gate.circuit_breaker(config)? })
    }

    /// What it has done so far.
    pub fn stats(&self) -> gate::Stats {
        self.gate.stats()
    }
}

impl Builder {
    /// Keeps state in `memory`, which others may share.
    #[must_use]
    pub fn memory(self, memory: Memory) -> Self {
        Self { builder: self.builder.memory(memory) }
    }

    /// Tells the time by `clock`.
    #[must_use]
    pub fn clock(self, clock: impl Clock + 'static) -> Self {
        Self { builder: self.builder.clock(clock) }
    }

    /// Loads the component and puts it all together.
    ///
    /// # Errors
    /// [`Error::Load`] if the component cannot be used.
    pub fn build(self) -> Result<Tidegate, Error> {
        Ok(Tidegate { gate: self.builder.build()? })
    }
}

impl RateLimiter {
    /// Asks for permits now: allowed or denied, never a wait.
    ///
    /// # Errors
    /// [`Error::CostNeverFits`].
    pub fn try_acquire<'a>(&self, ask: impl Into<Ask<'a>>) -> Result<Decision, Error> {
        let ask = ask.into();
        self.limiter.inner().decide_now(ask, &Request::TryAcquire { cost: ask.cost })
    }

    /// Asks for permits for several keys at once; see [`crate::RateLimiter::try_acquire_many`].
    ///
    /// ```
    /// # use tidegate::{Ask, Limit, RateLimiterConfig, blocking::Tidegate};
    /// # let gate = Tidegate::builder().build()?;
    /// let limiter = gate.rate_limiter(RateLimiterConfig::new("mail", Limit::per_minute(5)))?;
    /// let decisions = limiter.try_acquire_many([Ask::of("ann").cost(4), Ask::of("ann").cost(2), Ask::of("bob")]);
    /// let allowed: Vec<bool> = decisions.into_iter().map(|decision| decision.is_ok_and(|it| it.is_allowed())).collect();
    /// assert_eq!(allowed, [true, false, true]);
    /// # Ok::<(), tidegate::Error>(())
    /// ```
    ///
    /// # Errors
    /// Each answer has its own: [`Error::CostNeverFits`].
    pub fn try_acquire_many<'a, A: Into<Ask<'a>>>(
        &self,
        asks: impl IntoIterator<Item = A>,
    ) -> Vec<Result<Decision, Error>> {
        let asks: Vec<Ask<'a>> = asks.into_iter().map(Into::into).collect();
        self.limiter.inner().try_acquire_many_now(&asks)
    }

    /// Asks for permits and blocks the thread until it has them, as the configuration says.
    ///
    /// # Errors
    /// [`Error::Denied`] with the decision; [`Error::CostNeverFits`].
    pub fn acquire<'a>(&self, ask: impl Into<Ask<'a>>) -> Result<Admission, Error> {
        let (ask, inner) = (ask.into(), self.limiter.inner());
        let started_us = inner.clock().now_us();
        let mut decision = self.decide(ask, None)?;
        while decision.verdict == Verdict::Wait {
            inner.clock().block(decision.wait);
            let Some(ticket) = decision.ticket else { break };
            decision = self.decide(ask, Some(ticket))?;
        }
        inner.admission(decision, started_us)
    }

    /// One step of [`Self::acquire`] that never blocks; see [`crate::RateLimiter::decide`].
    ///
    /// # Errors
    /// [`Error::CostNeverFits`].
    pub fn decide<'a>(&self, ask: impl Into<Ask<'a>>, ticket: Option<Ticket>) -> Result<Decision, Error> {
        let ask = ask.into();
        self.limiter.inner().decide_now(ask, &acquire_request(ask, ticket, self.limiter.config()))
    }

    /// What [`Self::try_acquire`] would answer, without charging.
    ///
    /// # Errors
    /// [`Error::CostNeverFits`].
    pub fn peek<'a>(&self, ask: impl Into<Ask<'a>>) -> Result<Decision, Error> {
        let ask = ask.into();
        self.limiter.inner().decide_now(ask, &Request::Peek { cost: ask.cost })
    }

    /// Gives permits back; see [`crate::RateLimiter::refund`].
    ///
    /// # Errors
    /// [`Error::Run`] if the component failed.
    pub fn refund<'a>(&self, ask: impl Into<Ask<'a>>, decision: &Decision) -> Result<Decision, Error> {
        let ask = ask.into();
        self.limiter.inner().decide_now(ask, &refund_request(ask, decision))
    }

    /// Charges what was used already, and is never refused; see [`crate::RateLimiter::charge`].
    ///
    /// # Errors
    /// [`Error::Run`] if the component failed.
    pub fn charge(&self, key: &str, cost: u32) -> Result<Decision, Error> {
        self.limiter.inner().decide_now(Ask::of(key).cost(cost), &Request::Charge { cost })
    }

    /// Takes a waiter out of the queue; false: it was not in it.
    ///
    /// # Errors
    /// [`Error::Run`] if the component failed.
    pub fn cancel(&self, key: &str, ticket: Ticket) -> Result<bool, Error> {
        let answer = self.limiter.inner().call_now(key, &Request::CancelTicket { ticket: ticket.0 })?;
        Ok(matches!(answer, crate::call::Answer::WasWaiting(true)))
    }

    /// Forgets what was charged to a key.
    ///
    /// # Errors
    /// [`Error::Run`] if the component failed.
    pub fn reset(&self, key: &str) -> Result<(), Error> {
        self.limiter.inner().call_now(key, &Request::Forget).map(drop)
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
        self.breaker.ask_now(&Request::Close)
    }

    /// How a call is to be guarded: by what an error counts, and which results are failures. There
    /// is no time limit: nothing can stop a function that runs in its caller's thread. Give its
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
