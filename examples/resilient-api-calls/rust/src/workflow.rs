//! The workflow: an item waits for the rate limiter, asks the circuit breaker, and calls the
//! server.
//!
//! Workers of other processes, on other machines or in other languages, share the limit and the
//! circuit if they share the store and the names.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tidegate::{
    CircuitBreaker, CircuitBreakerConfig, CircuitReport, Error, Failure, HalfOpen, Limit, OnLimit, RateLimiter,
    RateLimiterConfig, Redis, Tidegate,
};

use crate::args::without_password;
use crate::event::{Change, Done, Event, Events, Fallback, Outcome, PermitGiven};

/// What all workers have in common.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The URL of the Redis to share state through; none: memory.
    pub(crate) redis: Option<String>,
    /// Whose calls are limited and guarded together.
    pub(crate) key: String,
    /// Calls a second.
    pub(crate) rate: u32,
    /// How many may wait.
    pub(crate) queue_size: u32,
    /// How long one may wait.
    pub(crate) queue_timeout_ms: u64,
    /// This many failures within ten seconds open the circuit.
    pub(crate) failures: u32,
    /// For how long it opens.
    pub(crate) open_ms: u64,
    /// The URL of the server.
    pub(crate) server: String,
}

/// A workflow that is ready to run.
#[derive(Debug)]
pub(crate) struct Workflow {
    gate: Tidegate,
    limiter: RateLimiter,
    breaker: CircuitBreaker,
    client: reqwest::Client,
    plan: Plan,
    last_answer: Mutex<Option<String>>,
    events: Events,
}

impl Workflow {
    /// Opens the policies on the store. They are the same in every worker.
    pub(crate) async fn open(plan: Plan, events: Events) -> Result<Self> {
        let gate = open_gate(plan.redis.as_deref()).await?;

        let queue = OnLimit::queue(plan.queue_size, Duration::from_millis(plan.queue_timeout_ms));
        let limit = Limit::per_second(plan.rate);
        let limiter = gate.rate_limiter(RateLimiterConfig::new("price-api", limit).on_limit(queue))?;

        let breaker = CircuitBreakerConfig::failures("price-api", plan.failures, Duration::from_secs(10))
            .open_for(Duration::from_millis(plan.open_ms))
            .half_open(HalfOpen { probes: 2, successes: 2, permit_ms: 5_000, ..HalfOpen::default() });
        let breaker = gate.circuit_breaker(breaker)?.keyed(&plan.key);

        // The server is on this machine: no proxy knows the way to it.
        let client = reqwest::Client::builder().timeout(Duration::from_secs(2)).no_proxy().build()?;
        Ok(Self { gate, limiter, breaker, client, plan, last_answer: Mutex::default(), events })
    }

    /// Handles an item and tells what became of it.
    pub(crate) async fn handle(&self, item: u32) {
        let (permit, outcome) = match self.limiter.acquire(&self.plan.key).await {
            Ok(admission) => {
                let at_us = admission.decision.charged_at_us.unwrap_or(admission.decision.at_us);
                let waited_us = u64::try_from(admission.waited.as_micros()).unwrap_or(u64::MAX);
                (Some(PermitGiven { at_us, waited_us }), self.call(item).await)
            }
            Err(Error::Denied { .. }) => (None, Outcome::Denied),
            Err(error) => (None, undecided(&error)),
        };
        self.tell(Event::Done(Done { item, permit, outcome }));
    }

    /// Calls the server, unless the circuit refuses that.
    ///
    /// Where nobody asks for the circuit's reports, `self.breaker.call(self.request(item)).await`
    /// does all this.
    async fn call(&self, item: u32) -> Outcome {
        let admission = match self.breaker.admit().await {
            Ok(report) => report,
            Err(error) => return undecided(&error),
        };
        self.tell_change(&admission);
        let Some(permit) = admission.permit else { return Outcome::FailedFast(self.fall_back()) };

        let started = Instant::now();
        let answer = self.request(item).await;
        let recorded = match &answer {
            Ok(_) => self.breaker.succeeded(permit, started.elapsed()).await,
            Err(error) => self.breaker.failed(permit, started.elapsed(), failure(error)).await,
        };
        match recorded {
            Ok(report) => self.tell_change(&report),
            Err(error) => self.tell(Event::Unrecorded { error: error.to_string() }),
        }
        self.outcome(answer)
    }

    /// The request itself: anything but a good answer is an error.
    async fn request(&self, item: u32) -> reqwest::Result<String> {
        let url = format!("{}/prices/{item}", self.plan.server);
        self.client.get(url).send().await?.error_for_status()?.text().await
    }

    fn outcome(&self, answer: reqwest::Result<String>) -> Outcome {
        match answer {
            Ok(answer) => {
                *self.last_answer.lock().expect("nobody panics with the lock") = Some(answer);
                Outcome::Passed
            }
            Err(error) => {
                let status = error.status();
                Outcome::Failed { with: status.map_or_else(|| error.to_string(), |status| status.to_string()) }
            }
        }
    }

    /// What an item that the circuit refused makes do with.
    fn fall_back(&self) -> Fallback {
        match *self.last_answer.lock().expect("nobody panics with the lock") {
            Some(_) => Fallback::LastAnswer,
            None => Fallback::Default,
        }
    }

    /// Each state change is in the report of the one call that made it, whatever the number of
    /// processes.
    fn tell_change(&self, report: &CircuitReport) {
        let Some(change) = report.event else { return };
        self.tell(Event::Changed(Change {
            at_us: report.generation,
            before: word(&change.before),
            after: word(&change.after),
            cause: word(&change.cause),
        }));
    }

    fn tell(&self, event: Event) {
        // Only a demo that has ended does not listen.
        let _ = self.events.send(event);
    }

    /// Waits until a shared store has all outcomes, the last successes among them.
    pub(crate) async fn close(self) {
        self.gate.flush().await;
    }
}

async fn open_gate(redis: Option<&str>) -> Result<Tidegate> {
    let builder = Tidegate::builder();
    let Some(url) = redis else { return Ok(builder.build()?) };
    // Items wait for seconds here, so an answer that takes one is not yet a failure.
    let store = Redis::builder(url).timeout_ms(1_000).connect().await;
    let store = store.with_context(|| format!("--store {}", without_password(url)))?;
    Ok(builder.store(store).build()?)
}

/// What the circuit is told of an error: patterns in its settings may ask for the name, the message
/// and the code.
fn failure(error: &reqwest::Error) -> Failure {
    let failure = Failure::of(error);
    match error.status() {
        Some(status) => failure.with_code(status.as_u16()),
        None => failure,
    }
}

fn undecided(error: &Error) -> Outcome {
    Outcome::Undecided { error: error.to_string() }
}

/// The word that JSON has for a state or a cause.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        other => format!("{other:?}"),
    }
}
