//! The handle on a circuit breaker.

use std::sync::Arc;
use std::time::Duration;

use super::config::CircuitBreakerConfig;
use super::failure::Failure;
use super::nested::Circuit;
use super::report::{CircuitReport, Mode, Permit};
use super::request::{Breakers, Request};
use crate::away::WhenAway;
use crate::background::Background;
use crate::clock::Clock;
use crate::core::Core;
use crate::error::Error;
use crate::gate::Tidegate;
use crate::key::Namespace;
use crate::runtime::Policy;
use crate::runtime::wit::circuit_breaker::Report;
use crate::settings::Spelling;
use crate::strategy::Strategy as _;

/// A handle on a circuit: cheap to clone, to be shared between tasks and threads. It holds no state
/// of the circuit; handles of the same name on the same store are one circuit, in whatever process
/// and language.
#[derive(Debug, Clone)]
pub struct CircuitBreaker {
    pub(super) inner: Arc<Inner>,
    /// Which of the circuits of this name; empty: the one without a key.
    pub(super) key: Arc<str>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) core: Arc<Core>,
    pub(super) policy: Policy<Breakers>,
    pub(super) namespace: Namespace,
    pub(super) config: CircuitBreakerConfig,
}

impl CircuitBreaker {
    pub(crate) fn open(core: &Arc<Core>, config: CircuitBreakerConfig) -> Result<Self, Error> {
        config.when_away.check(&config.name)?;
        let policy = core.runtime().open_policy(config.to_wit());
        let policy = policy.map_err(|error| Error::of_settings(&config.name, error))?;
        for (path, doubt) in config.doubts(Spelling::Rust) {
            tracing::warn!("{path} {doubt}");
        }
        let namespace = Namespace::new(Breakers::TAG, &config.name);
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
    /// [`Trip::slow_rate`](crate::Trip::slow_rate) and it took at least that long, it counts as
    /// slow; a slow probe has failed.
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
        self.ask(Request::Reset).await
    }

    async fn call_policy(&self, request: Request) -> Result<Report, Error> {
        self.inner.core.call(&self.inner.namespace, &self.key, &self.inner.policy, request).await
    }

    async fn ask(&self, request: Request) -> Result<CircuitReport, Error> {
        self.call_policy(request).await.map(CircuitReport::from)
    }

    async fn record(&self, permit: Permit, request: Request) -> Result<CircuitReport, Error> {
        if permit.degraded {
            return self.record_alone(&request);
        }
        let Inner { core, namespace, policy, config } = &*self.inner;
        if config.when_away == WhenAway::Error {
            return core.record(namespace, &self.key, policy, request).await.map(CircuitReport::from);
        }
        if self.keeps_outcome(&request) {
            return self.outcome_away(&request);
        }
        match core.record(namespace, &self.key, policy, request.clone()).await {
            Err(error) if error.is_of_store() => self.outcome_away(&request),
            answer => answer.map(CircuitReport::from),
        }
    }

    /// On the memory store, an admission.
    pub(crate) fn admit_now(&self) -> Result<CircuitReport, Error> {
        let answer = self.call_now(&Request::Admit);
        self.admission(answer)
    }

    /// On the memory store, any other call.
    pub(crate) fn ask_now(&self, request: &Request) -> Result<CircuitReport, Error> {
        self.call_now(request).map(CircuitReport::from)
    }

    fn call_now(&self, request: &Request) -> Result<Report, Error> {
        self.inner.core.call_now(&self.inner.namespace, &self.key, &self.inner.policy, request)
    }

    fn admission(&self, answer: Result<Report, Error>) -> Result<CircuitReport, Error> {
        match answer {
            Err(error) if error.is_of_store() => self.admit_away(error),
            answer => answer.map(CircuitReport::from),
        }
    }

    pub(super) fn circuit(&self) -> Circuit {
        Circuit::new(&self.inner.core, self.inner.namespace.entity(&self.key))
    }

    pub(crate) fn background(&self) -> &Arc<Background> {
        self.inner.core.background()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.inner.core.clock()
    }
}

impl Tidegate {
    /// Opens a circuit breaker.
    ///
    /// # Errors
    /// [`Error::Config`] with all problems of the configuration.
    pub fn circuit_breaker(&self, config: CircuitBreakerConfig) -> Result<CircuitBreaker, Error> {
        CircuitBreaker::open(&self.core, config)
    }
}

/// Whole milliseconds, rounded down: a call is slow when it took at least so long.
pub(crate) fn whole_ms(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}
