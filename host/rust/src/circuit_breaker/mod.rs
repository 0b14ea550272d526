//! Circuit breaker.

mod away;
mod config;
mod failure;
mod guarded;
mod judging;
mod nested;
mod permit;
mod report;
mod telling;

use std::sync::Arc;
use std::time::Duration;

pub use self::config::{
    Backoff, CircuitBreakerConfig, ErrorPart, ErrorPattern, FailureCount, HalfOpen, Others, ProbeRule, Sample,
    SlowRate, Trip,
};
pub use self::failure::Failure;
pub use self::guarded::{CallError, Guard};
pub(crate) use self::guarded::{counted, ended, limited};
pub(crate) use self::judging::Counted;
pub use self::judging::{AsTold, FailureIf, FailureOf, Given, Never, ResultFailure, http_failure};
pub(crate) use self::nested::Circuit;
pub use self::permit::CircuitBreakerPermit;
pub use self::report::{Cause, CircuitReport, Effect, Mode, Permit, State, Transition};
pub use self::telling::{AnyError, CallFailure, Held, Typed};
use crate::away::WhenAway;
use crate::background::Background;
use crate::call::{Answer, Request};
use crate::core::{Core, Kind};
use crate::error::Error;
use crate::key::Namespace;
use crate::runtime::Policy;
use crate::settings::Spelling;

/// A handle on a circuit: cheap to clone, to be shared between tasks and threads. It holds no state
/// of the circuit; handles of the same name on the same store are one circuit, in whatever process
/// and language.
#[derive(Debug, Clone)]
pub struct CircuitBreaker {
    inner: Arc<Inner>,
    /// Which of the circuits of this name; empty: the one without a key.
    key: Arc<str>,
}

#[derive(Debug)]
struct Inner {
    core: Arc<Core>,
    policy: Policy,
    namespace: Namespace,
    config: CircuitBreakerConfig,
}

impl CircuitBreaker {
    pub(crate) fn open(core: &Arc<Core>, config: CircuitBreakerConfig) -> Result<Self, Error> {
        config.when_away.check(&config.name)?;
        let policy = core.runtime().open_breaker(config.to_wit());
        let policy = policy.map_err(|error| Error::of_settings(&config.name, error))?;
        for (path, doubt) in config.doubts(Spelling::Rust) {
            tracing::warn!("{path} {doubt}");
        }
        let namespace = Namespace::new(Kind::CircuitBreaker.tag(), &config.name);
        Ok(Self { inner: Arc::new(Inner { core: Arc::clone(core), policy, namespace, config }), key: Arc::from("") })
    }

    /// The circuit of the same settings for `key`, such as one host of several.
    #[must_use]
    pub fn keyed(&self, key: &str) -> Self {
        Self { inner: Arc::clone(&self.inner), key: Arc::from(key) }
    }

    /// The settings.
    pub fn config(&self) -> &CircuitBreakerConfig {
        &self.inner.config
    }

    /// Asks to make a call. Whoever is admitted hands the permit back with the outcome, by
    /// [`Self::succeeded`], [`Self::failed`] or [`Self::cancelled`]; [`Self::call`] does all that.
    ///
    /// # Errors
    /// [`Error::Store`] and [`Error::Contended`] with a shared store.
    pub async fn admit(&self) -> Result<CircuitReport, Error> {
        let answer = self.call_policy(Request::Admit).await;
        self.admission(answer)
    }

    /// The call succeeded, after `elapsed`. While the circuit is closed, a shared store is told in
    /// the background.
    ///
    /// # Errors
    /// Those of [`Self::admit`].
    pub async fn succeeded(&self, permit: Permit, elapsed: Duration) -> Result<CircuitReport, Error> {
        self.record(permit, Request::Succeeded { permit: permit.into(), elapsed_ms: whole_ms(elapsed) }).await
    }

    /// The call failed, after `elapsed`. When this returns, every host sees it.
    ///
    /// # Errors
    /// Those of [`Self::admit`].
    pub async fn failed(&self, permit: Permit, elapsed: Duration, failure: Failure) -> Result<CircuitReport, Error> {
        let elapsed_ms = whole_ms(elapsed);
        let errors = failure.into_errors();
        self.record(permit, Request::Failed { permit: permit.into(), elapsed_ms, errors }).await
    }

    /// The call was not made, or was given up after `elapsed`: no outcome. Where there is a
    /// [`Trip::slow_rate`] and it took at least that long, it counts as slow; a slow probe has
    /// failed.
    ///
    /// # Errors
    /// Those of [`Self::admit`].
    pub async fn cancelled(&self, permit: Permit, elapsed: Duration) -> Result<CircuitReport, Error> {
        self.record(permit, Request::Cancelled { permit: permit.into(), elapsed_ms: whole_ms(elapsed) }).await
    }

    /// Reads the circuit and changes nothing.
    ///
    /// # Errors
    /// Those of [`Self::admit`].
    pub async fn status(&self) -> Result<CircuitReport, Error> {
        match self.ask(Request::Status).await {
            Err(error) if error.is_of_store() => self.status_away(error),
            answer => answer,
        }
    }

    /// Orders a mode for all hosts; [`Mode::Normal`] takes the order back. An order that no call
    /// asks after for 30 days is forgotten. The circuit is closed and its counts are cleared.
    ///
    /// # Errors
    /// Those of [`Self::admit`].
    pub async fn set_mode(&self, mode: Mode) -> Result<CircuitReport, Error> {
        self.ask(Request::SetMode { mode: mode.into() }).await
    }

    /// Closes the circuit and clears its counts and back-off. An ordered mode stays.
    ///
    /// # Errors
    /// Those of [`Self::admit`].
    pub async fn reset(&self) -> Result<CircuitReport, Error> {
        self.ask(Request::Close).await
    }

    async fn call_policy(&self, request: Request) -> Result<Answer, Error> {
        self.inner.core.call(&self.inner.namespace, &self.key, &self.inner.policy, request).await
    }

    async fn ask(&self, request: Request) -> Result<CircuitReport, Error> {
        report(self.call_policy(request).await)
    }

    async fn record(&self, permit: Permit, request: Request) -> Result<CircuitReport, Error> {
        if permit.degraded {
            return self.record_alone(&request);
        }
        let Inner { core, namespace, policy, config } = &*self.inner;
        if config.when_away == WhenAway::Error {
            return report(core.record(namespace, &self.key, policy, request).await);
        }
        if self.keeps_outcome(&request) {
            return self.outcome_away(&request);
        }
        match report(core.record(namespace, &self.key, policy, request.clone()).await) {
            Err(error) if error.is_of_store() => self.outcome_away(&request),
            answer => answer,
        }
    }

    /// On the memory store, an admission.
    pub(crate) fn admit_now(&self) -> Result<CircuitReport, Error> {
        let answer = self.call_now(&Request::Admit);
        self.admission(answer)
    }

    /// On the memory store, any other call.
    pub(crate) fn ask_now(&self, request: &Request) -> Result<CircuitReport, Error> {
        report(self.call_now(request))
    }

    fn call_now(&self, request: &Request) -> Result<Answer, Error> {
        self.inner.core.call_now(&self.inner.namespace, &self.key, &self.inner.policy, request)
    }

    fn admission(&self, answer: Result<Answer, Error>) -> Result<CircuitReport, Error> {
        match answer {
            Err(error) if error.is_of_store() => self.admit_away(error),
            answer => report(answer),
        }
    }

    fn circuit(&self) -> Circuit {
        Circuit::new(&self.inner.core, self.inner.namespace.entity(&self.key))
    }

    pub(crate) fn background(&self) -> &Arc<Background> {
        self.inner.core.background()
    }

    pub(crate) fn clock(&self) -> &dyn crate::clock::Clock {
        self.inner.core.clock()
    }
}

fn report(answer: Result<Answer, Error>) -> Result<CircuitReport, Error> {
    match answer? {
        Answer::Report(report) => Ok(report.into()),
        _ => Err(Error::Misuse("the answer to another question".to_owned())),
    }
}

/// Whole milliseconds, rounded down: a call is slow when it took at least so long.
pub(crate) fn whole_ms(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
