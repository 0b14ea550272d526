//! The handle on a rate limiter.

use std::sync::Arc;
use std::time::Duration;

use super::calls::{self, Config};
use super::config::{OnLimit, RateLimiterConfig};
use super::decision::{Ask, Decision, Ticket, Verdict};
use super::request::{Answer, Limiters, Request};
use crate::away::WhenAway;
use crate::clock::Clock;
use crate::core::{Backend, Core};
use crate::error::Error;
use crate::gate::Tidegate;
use crate::key::Namespace;
use crate::runtime::Policy;
use crate::runtime::wit::rate_limiter::CostNeverFits;
use crate::strategy::Strategy as _;

/// A handle on a rate limiter: cheap to clone, to be shared between tasks and threads. It holds no
/// state of any key; handles of the same name on the same store limit together, in whatever process
/// and language.
#[derive(Debug, Clone)]
pub struct RateLimiter {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(super) core: Arc<Core>,
    pub(super) policy: Policy<Limiters>,
    /// By which this host decides alone, where the settings say so.
    pub(super) share: Option<Policy<Limiters>>,
    pub(super) namespace: Namespace,
    pub(super) config: RateLimiterConfig,
    /// For how long a permit can count at most, in microseconds; 0 where nothing is ever owed.
    pub(super) counts_for_us: u64,
}

/// A permit, and how long it was waited for.
#[derive(Debug, Clone, PartialEq)]
pub struct Admission {
    /// The decision that admitted the call, or reserved its place.
    pub decision: Decision,
    /// How long the call waited, by this host's clock.
    pub waited: Duration,
}

impl RateLimiter {
    pub(crate) fn open(core: &Arc<Core>, config: RateLimiterConfig) -> Result<Self, Error> {
        config.when_away.check_number(&config.name)?;
        let open = |config: &RateLimiterConfig| {
            let policy = core.runtime().open_policy(Config::Whole(config.to_wit()));
            policy.map_err(|error| Error::of_settings(&config.name, error))
        };
        let mut policy = open(&config)?;
        if config.lease.is_some() && matches!(core.backend(), Backend::Memory(_)) {
            // There is no round trip to save: its lease was checked, and is not taken.
            policy = open(&RateLimiterConfig { lease: None, ..config.clone() })?;
        }
        let share = match config.when_away {
            WhenAway::Share { hosts } => Some(core.runtime().open_policy(Config::Share(config.to_wit(), hosts))),
            _ => None,
        };
        let share = share.transpose().map_err(|error| WhenAway::named(Error::of_settings(&config.name, error)))?;
        let namespace = Namespace::new(Limiters::TAG, &config.name);
        if let Some(ledger) = core.ledger().filter(|ledger| ledger.keeps_notes()) {
            ledger.note_basis(Limiters::TAG, &config.name, calls::basis(core.runtime(), &policy)?);
        }
        let owes = core.ledger().is_some() && config.when_away != WhenAway::Error;
        let counts_for_us = if owes { calls::counts_for_us(core.runtime(), &policy)? } else { 0 };
        Ok(Self { inner: Arc::new(Inner { core: Arc::clone(core), policy, share, namespace, config, counts_for_us }) })
    }

    /// The settings.
    pub fn config(&self) -> &RateLimiterConfig {
        &self.inner.config
    }

    /// Asks for permits now: allowed or denied, never a wait. In `queue` mode it never goes before
    /// those who wait.
    ///
    /// # Errors
    /// [`Error::CostNeverFits`]; [`Error::Store`] and [`Error::Contended`] with a shared store.
    pub async fn try_acquire<'a>(&self, ask: impl Into<Ask<'a>>) -> Result<Decision, Error> {
        let ask = ask.into();
        self.inner.decide(ask, Request::TryAcquire { cost: ask.cost }).await
    }

    /// Asks for permits for several keys at once: exactly what [`Self::try_acquire`] would answer
    /// to each in turn. On the memory store that is one call of the component; on a shared one keys
    /// do not wait for each other, and all that is asked for one key is one round trip. Dropping
    /// the future undoes all of it.
    ///
    /// ```
    /// # use tidegate::{Ask, Limit, RateLimiterConfig, Tidegate};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tidegate::Error> {
    /// # let gate = Tidegate::builder().build()?;
    /// let limiter = gate.rate_limiter(RateLimiterConfig::new("mail", Limit::per_minute(2)))?;
    /// let decisions = limiter.try_acquire_many(["ann", "bob", "ann", "ann"]).await;
    /// let allowed: Vec<bool> = decisions.into_iter().map(|decision| decision.is_ok_and(|it| it.is_allowed())).collect();
    /// assert_eq!(allowed, [true, true, true, false]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Each answer has its own, which are those of [`Self::try_acquire`].
    pub async fn try_acquire_many<'a, A: Into<Ask<'a>>>(
        &self,
        asks: impl IntoIterator<Item = A>,
    ) -> Vec<Result<Decision, Error>> {
        let asks: Vec<Ask<'a>> = asks.into_iter().map(Into::into).collect();
        let Inner { core, namespace, policy, .. } = &*self.inner;
        let answers = core.call_many(namespace, policy, &requests(&asks)).await;
        self.inner.decisions(&asks, answers)
    }

    /// Asks for permits and waits for them, as the configuration says.
    ///
    /// Dropping the future leaves the queue, or gives the reserved place back.
    ///
    /// # Errors
    /// [`Error::Denied`] with the decision; and those of [`Self::try_acquire`].
    pub async fn acquire<'a>(&self, ask: impl Into<Ask<'a>>) -> Result<Admission, Error> {
        let ask = ask.into();
        let started_us = self.inner.core.clock().now_us();
        let mut decision = self.decide(ask, None).await?;
        while decision.verdict == Verdict::Wait {
            let waiter = Waiter { inner: &self.inner, ask, decision: Some(decision) };
            self.inner.core.clock().sleep(waiter.wait()).await;
            decision = waiter.release();
            let Some(ticket) = decision.ticket else { break };
            decision = self.decide(ask, Some(ticket)).await?;
        }
        self.inner.admission(decision, started_us)
    }

    /// One step of [`Self::acquire`] that never sleeps, for workflows that keep their own timers:
    /// asks for permits, or comes back with a ticket after [`Decision::wait`]. Without a ticket in
    /// the decision, a wait is a reserved place that has been charged: go after that time.
    ///
    /// # Errors
    /// Those of [`Self::try_acquire`].
    pub async fn decide<'a>(&self, ask: impl Into<Ask<'a>>, ticket: Option<Ticket>) -> Result<Decision, Error> {
        let ask = ask.into();
        self.inner.decide(ask, acquire_request(ask, ticket, &self.inner.config)).await
    }

    /// What [`Self::try_acquire`] would answer, without charging.
    ///
    /// # Errors
    /// Those of [`Self::try_acquire`].
    pub async fn peek<'a>(&self, ask: impl Into<Ask<'a>>) -> Result<Decision, Error> {
        let ask = ask.into();
        self.inner.decide(ask, Request::Peek { cost: ask.cost }).await
    }

    /// Gives permits back that `decision` charged, and reports as a peek does. Windows and logs
    /// take them out of the time at which they were counted; GCRA and token bucket give back what
    /// has not come back by itself since, and what was charged first comes back first. Giving the
    /// same permits back twice counts once in a log only.
    ///
    /// # Errors
    /// [`Error::Store`] and [`Error::Contended`] with a shared store.
    pub async fn refund<'a>(&self, ask: impl Into<Ask<'a>>, decision: &Decision) -> Result<Decision, Error> {
        let ask = ask.into();
        if decision.degraded {
            return self.inner.give_back(ask, decision);
        }
        let request = refund_request(ask, decision);
        if let Some(answer) = self.inner.refund_later(ask, &request) {
            return answer;
        }
        self.inner.decide(ask, request).await
    }

    /// Charges what was used already, such as the tokens of a model's answer or the bytes of a
    /// reply: it is never refused, whatever the limits say. What does not fit is a debt, and calls
    /// that come later wait until it is paid, by the rate of the limit; [`Decision::retry_after`]
    /// says for how long. Of a debt to windows or a log nothing can be given back. What is owed
    /// beyond 1,000 windows is forgotten.
    ///
    /// While the store is away, unless that is an error, it counts on this host and is charged when
    /// the store is back, like what was let go meanwhile: as much as then still fits.
    ///
    /// ```
    /// # use tidegate::{Limit, RateLimiterConfig, Tidegate};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tidegate::Error> {
    /// # let gate = Tidegate::builder().build()?;
    /// let tokens = gate.rate_limiter(RateLimiterConfig::new("tokens", Limit::per_minute(60_000)))?;
    /// if tokens.peek("tenant").await?.is_allowed() {
    ///     let used = 75_000; // The model says so with its answer.
    ///     tokens.charge("tenant", used).await?;
    /// }
    /// assert!(!tokens.peek("tenant").await?.is_allowed(), "until the 15,000 are paid");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Store`] and [`Error::Contended`] with a shared store.
    pub async fn charge(&self, key: &str, cost: u32) -> Result<Decision, Error> {
        self.inner.decide(Ask::of(key).cost(cost), Request::Charge { cost }).await
    }

    /// Takes a waiter out of the queue; false: it was not in it.
    ///
    /// # Errors
    /// Those of [`Self::refund`].
    pub async fn cancel(&self, key: &str, ticket: Ticket) -> Result<bool, Error> {
        Ok(self.inner.call(key, Request::Cancel { ticket: ticket.0 }).await?.was_waiting())
    }

    /// Forgets what was charged to a key. Those who wait keep their positions.
    ///
    /// # Errors
    /// Those of [`Self::refund`].
    pub async fn reset(&self, key: &str) -> Result<(), Error> {
        self.inner.call(key, Request::Reset).await.map(drop)
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.inner
    }
}

/// Asks by the configured behaviour, or comes back.
pub(crate) fn acquire_request(ask: Ask<'_>, ticket: Option<Ticket>, config: &RateLimiterConfig) -> Request {
    if config.on_limit == OnLimit::Reject {
        // The same by contract, and the one that several calls can be made of at once.
        return Request::TryAcquire { cost: ask.cost };
    }
    Request::Acquire { cost: ask.cost, priority: ask.priority, ticket: ticket.map_or(0, |ticket| ticket.0) }
}

/// Gives back what a decision charged; nothing where it charged nothing.
pub(crate) fn refund_request(ask: Ask<'_>, decision: &Decision) -> Request {
    match decision.charged_at_us {
        Some(charged_at_us) => {
            Request::Refund { cost: ask.cost, charged_at_us, full_at_us: decision.full_at_us.unwrap_or_default() }
        }
        None => Request::Peek { cost: 0 },
    }
}

/// What several calls ask for.
fn requests<'a>(asks: &[Ask<'a>]) -> Vec<(&'a str, Request)> {
    asks.iter().map(|ask| (ask.key, Request::TryAcquire { cost: ask.cost })).collect()
}

impl Tidegate {
    /// Opens a rate limiter.
    ///
    /// # Errors
    /// [`Error::Config`] with all problems of the configuration.
    pub fn rate_limiter(&self, config: RateLimiterConfig) -> Result<RateLimiter, Error> {
        RateLimiter::open(&self.core, config)
    }
}

impl Inner {
    pub(crate) fn clock(&self) -> &dyn Clock {
        self.core.clock()
    }

    async fn call(&self, key: &str, request: Request) -> Result<Answer, Error> {
        self.core.call(&self.namespace, key, &self.policy, request).await
    }

    pub(crate) fn call_now(&self, key: &str, request: &Request) -> Result<Answer, Error> {
        self.core.call_now(&self.namespace, key, &self.policy, request)
    }

    async fn decide(&self, ask: Ask<'_>, request: Request) -> Result<Decision, Error> {
        if self.core.ledger().is_none() {
            return self.decide_now(ask, &request);
        }
        let answer = self.call(ask.key, request.clone()).await;
        self.decision(ask, &request, answer)
    }

    pub(crate) fn decide_now(&self, ask: Ask<'_>, request: &Request) -> Result<Decision, Error> {
        let answer = self.call_now(ask.key, request);
        self.decision(ask, request, answer)
    }

    /// What an answer means to the caller.
    fn decision(&self, ask: Ask<'_>, request: &Request, answer: Result<Answer, Error>) -> Result<Decision, Error> {
        match answer {
            Ok(answer) => self.decided(answer),
            Err(error) if error.is_of_store() => self.while_away(ask, request).unwrap_or(Err(error)),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn try_acquire_many_now(&self, asks: &[Ask<'_>]) -> Vec<Result<Decision, Error>> {
        self.decisions(asks, self.core.call_many_now(&self.namespace, &self.policy, &requests(asks)))
    }

    fn decisions(&self, asks: &[Ask<'_>], answers: Vec<Result<Answer, Error>>) -> Vec<Result<Decision, Error>> {
        let decide =
            |(ask, answer): (&Ask<'_>, _)| self.decision(*ask, &Request::TryAcquire { cost: ask.cost }, answer);
        asks.iter().zip(answers).map(decide).collect()
    }

    /// The decision, or the error of a cost that never fits.
    pub(super) fn decided(&self, answer: Answer) -> Result<Decision, Error> {
        answer.decided().map(Decision::from).map_err(|never| {
            let CostNeverFits { cost, binding, limit, count, remaining } = never;
            Error::CostNeverFits { limiter: self.config.name.clone(), cost, binding, limit, count, remaining }
        })
    }

    /// What a last decision means to one who has waited.
    pub(crate) fn admission(&self, decision: Decision, started_us: u64) -> Result<Admission, Error> {
        if decision.verdict == Verdict::Denied {
            return Err(Error::Denied { limiter: self.config.name.clone(), decision: Box::new(decision) });
        }
        let waited = Duration::from_micros(self.clock().now_us().saturating_sub(started_us));
        Ok(Admission { decision, waited })
    }
}

/// A position in the queue or a reserved place, given up when dropped.
struct Waiter<'a> {
    inner: &'a Arc<Inner>,
    ask: Ask<'a>,
    decision: Option<Decision>,
}

impl Waiter<'_> {
    fn wait(&self) -> Duration {
        self.decision.as_ref().map_or(Duration::ZERO, |decision| decision.wait)
    }

    fn release(mut self) -> Decision {
        self.decision.take().expect("a place is released once")
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let Some(decision) = self.decision.take() else { return };
        let request = match decision.ticket {
            Some(ticket) => Request::Cancel { ticket: ticket.0 },
            None => refund_request(self.ask, &decision),
        };
        let (inner, key) = (Arc::clone(self.inner), self.ask.key.to_owned());
        let background = Arc::clone(self.inner.core.background());
        background.run("giving up a place", async move { inner.call(&key, request).await });
    }
}
