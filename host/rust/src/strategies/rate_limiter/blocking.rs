//! The rate limiter without async, on the memory store.

use super::config::RateLimiterConfig;
use super::decision::{Ask, Decision, Ticket, Verdict};
use super::handle::Admission;
use super::handle::{acquire_request, refund_request};
use super::request::Request;
use crate::blocking::gate::Tidegate;
use crate::error::Error;

/// A handle on a rate limiter; see [`crate::RateLimiter`].
#[derive(Debug, Clone)]
pub struct RateLimiter {
    limiter: crate::RateLimiter,
}

impl Tidegate {
    /// Opens a rate limiter.
    ///
    /// # Errors
    /// [`Error::Config`] with all problems of the configuration.
    pub fn rate_limiter(&self, config: RateLimiterConfig) -> Result<RateLimiter, Error> {
        Ok(RateLimiter { limiter: self.gate.rate_limiter(config)? })
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
        Ok(self.limiter.inner().call_now(key, &Request::Cancel { ticket: ticket.0 })?.was_waiting())
    }

    /// Forgets what was charged to a key.
    ///
    /// # Errors
    /// [`Error::Run`] if the component failed.
    pub fn reset(&self, key: &str) -> Result<(), Error> {
        self.limiter.inner().call_now(key, &Request::Reset).map(drop)
    }
}
