//! The circuit breaker node.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::calls;
use super::request::{Answer, BreakerNodes, Request};
use super::result::CircuitResult;
use crate::core::Core;
use crate::error::Error;
use crate::key::Namespace;
use crate::nodes::json::{Json, to_merge};
use crate::nodes::output::put;
use crate::runtime::{Policy, wit};
use crate::strategies::circuit_breaker::error::CallError;
use crate::strategies::circuit_breaker::failure::Failure;
use crate::strategies::circuit_breaker::guarded::{Guard, counted, ended};
use crate::strategies::circuit_breaker::judging::{Counted, FailureIf, FailureOf, Given};
use crate::strategies::circuit_breaker::nested::Circuit;
use crate::strategies::circuit_breaker::report::CircuitReport;
use crate::strategies::circuit_breaker::telling::CallFailure;
use crate::strategies::circuit_breaker::timed::within;
use crate::strategy::Strategy as _;

const NODE: &str = "circuit-breaker";

/// A handle on a circuit breaker node: cheap to clone. It holds no state of the circuit. Nodes and
/// [`CircuitBreaker`](crate::CircuitBreaker)s without a key, of the same name on the same store,
/// are one circuit. While the store is away it works on this host's own state: see
/// [`WhenAway::Own`](crate::WhenAway::Own).
#[derive(Debug, Clone)]
pub struct CircuitBreakerNode {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) core: Arc<Core>,
    pub(super) policy: Policy<BreakerNodes>,
    pub(super) namespace: Namespace,
    circuit_id: String,
    fallback_action: FallbackAction,
    fallback_value: Option<String>,
    output_variable: Option<String>,
}

/// What a call that is refused gets instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FallbackAction {
    /// [`Error::CircuitOpen`], or [`CallError::Refused`].
    Error,
    /// The fallback value.
    Default,
    /// Nothing.
    Skip,
}

/// What a circuit breaker node answers to a call or to its outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct CircuitPassage {
    /// The result.
    pub result: CircuitResult,
    /// The same as JSON text, for [`CircuitBreakerNode::output`].
    pub json: String,
    /// The permit of an admitted call, to bring its outcome with from any host.
    pub token: Option<String>,
    /// The circuit.
    pub report: CircuitReport,
}

/// What became of a guarded operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Guarded<T> {
    /// The operation's result or, of a refused call, the fallback value; `None` where it was
    /// skipped.
    pub result: Option<T>,
    /// The circuit after it.
    pub circuit_result: CircuitResult,
}

impl CircuitBreakerNode {
    pub(crate) fn open(core: &Arc<Core>, config: &str) -> Result<Self, Error> {
        let runtime = core.runtime();
        let policy = runtime.open_policy(config.to_owned()).map_err(|error| Error::of_open(NODE, error))?;
        let calls::Settings { circuit_id, fallback_action, fallback_value, output_variable } =
            calls::settings(runtime, &policy)?;
        let inner = Inner {
            core: Arc::clone(core),
            policy,
            namespace: Namespace::new(BreakerNodes::TAG, &circuit_id),
            circuit_id,
            fallback_action: fallback_action.into(),
            fallback_value,
            output_variable,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The circuit's name.
    pub fn circuit_id(&self) -> &str {
        &self.inner.circuit_id
    }

    /// What a call that is refused gets instead.
    pub fn fallback_action(&self) -> FallbackAction {
        self.inner.fallback_action
    }

    /// The value for it, as JSON text; `None` unless the action is [`FallbackAction::Default`].
    pub fn fallback_value(&self) -> Option<&str> {
        self.inner.fallback_value.as_deref()
    }

    /// Where results go in a context; `None`: their fields are merged into it.
    pub fn output_variable(&self) -> Option<&str> {
        self.inner.output_variable.as_deref()
    }

    /// Asks to make a call. A refusal is an answer, whatever the fallback.
    ///
    /// # Errors
    /// [`Error::Contended`] and [`Error::Overloaded`] with a shared store.
    pub async fn admit(&self) -> Result<CircuitPassage, Error> {
        self.ask(Request::Admit).await
    }

    /// As [`Self::admit`], with the fallback applied: refused, `error` is an error, and `default`
    /// and `skip` an answer.
    ///
    /// # Errors
    /// [`Error::CircuitOpen`]; and those of [`Self::admit`].
    pub async fn execute(&self) -> Result<CircuitPassage, Error> {
        let passage = self.admit().await?;
        if passage.result.allowed || self.inner.fallback_action != FallbackAction::Error {
            return Ok(passage);
        }
        Err(Error::CircuitOpen { circuit: self.inner.circuit_id.clone(), report: Box::new(passage.report) })
    }

    /// The call succeeded. Without a token the outcome counts in the circuit's state of now:
    /// half-open, for the oldest probe in flight; open, for nothing. While the circuit is closed, a
    /// shared store is told in the background.
    ///
    /// # Errors
    /// Those of [`Self::admit`]; [`Error::Input`] for a token that no admission has given.
    pub async fn succeeded(&self, token: Option<&str>) -> Result<CircuitPassage, Error> {
        self.record(Request::Succeeded { token: owned(token) }).await
    }

    /// The call failed, likewise. When this returns, every host sees it.
    ///
    /// # Errors
    /// Those of [`Self::succeeded`].
    pub async fn failed(&self, token: Option<&str>, failure: Failure) -> Result<CircuitPassage, Error> {
        self.record(Request::Failed { token: owned(token), errors: failure.into_errors() }).await
    }

    /// The call was not made or was given up, likewise: no outcome.
    ///
    /// # Errors
    /// Those of [`Self::succeeded`].
    pub async fn cancelled(&self, token: Option<&str>) -> Result<CircuitPassage, Error> {
        self.record(Request::Cancelled { token: owned(token) }).await
    }

    /// Reads the circuit and changes nothing. `allowed`: a call would be admitted now.
    ///
    /// # Errors
    /// Those of [`Self::admit`].
    pub async fn status(&self) -> Result<CircuitPassage, Error> {
        self.ask(Request::Status).await
    }

    /// How a call is to be guarded: with a time limit, by what an error counts, which results are
    /// failures.
    pub fn guard(&self) -> Guard<'_, Self> {
        Guard::new(self, false)
    }

    /// Makes a call through the circuit and records its outcome. An `Err` counts by what it tells:
    /// see [`Failure::of`]; `E` is any error, a boxed one or an `anyhow::Error`. See
    /// [`Self::guard`] for more. Dropping the future records no outcome and gives the permit back.
    ///
    /// # Errors
    /// [`CallError::Refused`] where the fallback is `error`, the operation's own error, or
    /// [`CallError::Gate`] when the circuit cannot be asked or the fallback value is no `T`.
    pub async fn call<T, E, F, Kind>(&self, operation: F) -> Result<Guarded<T>, CallError<E>>
    where
        T: DeserializeOwned,
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
    ) -> Result<Guarded<T>, CallError<E>>
    where
        T: DeserializeOwned,
        F: Future<Output = Result<T, E>>,
    {
        self.guard().failure_of(failure_of).call::<T, E, F, Given, ()>(operation).await
    }

    fn circuit(&self) -> Circuit {
        Circuit::new(&self.inner.core, self.inner.namespace.entity(""))
    }

    /// Hands an outcome in; the result of the circuit after it.
    async fn settle(&self, admission: CircuitPassage, counted: Counted) -> CircuitResult {
        let token = admission.token.as_deref();
        let recorded = match counted {
            Counted::Success => self.succeeded(token).await,
            Counted::Failure(failure) => self.failed(token, failure).await,
            Counted::Nothing => self.cancelled(token).await,
        };
        recorded.map_or_else(
            |error| {
                // The operation has happened; its caller is better served with its result than with
                // this.
                tracing::warn!(%error, circuit = self.circuit_id(), "the outcome of a call was not recorded");
                admission.result
            },
            |passage| passage.result,
        )
    }

    /// The text of a context with a result in it; all other text stays as it is.
    ///
    /// # Errors
    /// [`Error::Input`] where the context is not an object or is longer than 2 MiB: see
    /// [`Self::put`].
    pub fn output(&self, context: &(impl Json + ?Sized), json: &str) -> Result<String, Error> {
        let context = to_merge(&context)?;
        let merged = calls::output(self.inner.core.runtime(), &self.inner.policy, &context, json)?;
        merged.map_err(|problems| Error::of_input(NODE, problems))
    }

    /// Puts a result into a context.
    ///
    /// # Errors
    /// [`Error::Json`] where `json` is not the text of a result.
    pub fn put(&self, context: &mut Map<String, Value>, json: &str) -> Result<(), Error> {
        put(self.output_variable(), context, json)
    }

    fn refused<T: DeserializeOwned, E>(&self, admission: CircuitPassage) -> Result<Guarded<T>, CallError<E>> {
        let result = match (self.inner.fallback_action, &self.inner.fallback_value) {
            (FallbackAction::Error, _) => {
                let (circuit, report) = (self.inner.circuit_id.clone(), Box::new(admission.report));
                return Err(CallError::Refused { circuit, report });
            }
            (FallbackAction::Default, Some(value)) => {
                Some(crate::json::parse(value).map_err(|error| CallError::Gate(error.into()))?)
            }
            _ => None,
        };
        Ok(Guarded { result, circuit_result: admission.result })
    }

    async fn ask(&self, request: Request) -> Result<CircuitPassage, Error> {
        let inner = &self.inner;
        match inner.core.call(&inner.namespace, "", &inner.policy, request.clone()).await {
            Err(error) if error.is_of_store() => self.ask_alone(&request, error),
            answer => passage(answer?),
        }
    }

    async fn record(&self, request: Request) -> Result<CircuitPassage, Error> {
        if let Some(passage) = self.record_away(&request) {
            return passage;
        }
        let inner = &self.inner;
        match inner.core.record(&inner.namespace, "", &inner.policy, request.clone()).await {
            Err(error) if error.is_of_store() => self.outcome_away(&request, error),
            answer => passage(answer?),
        }
    }
}

/// What an answer means.
pub(super) fn passage(answer: Answer) -> Result<CircuitPassage, Error> {
    let step = *answer.map_err(|problems| Error::of_input(NODE, problems))?;
    let report: CircuitReport = step.report.into();
    let result = CircuitResult::read(&step.result, &report)?;
    let token = (!step.token.is_empty()).then_some(step.token);
    Ok(CircuitPassage { result, json: step.result, token, report })
}

fn owned(token: Option<&str>) -> String {
    token.unwrap_or_default().to_owned()
}

impl From<wit::nodes::FallbackAction> for FallbackAction {
    fn from(action: wit::nodes::FallbackAction) -> Self {
        match action {
            wit::nodes::FallbackAction::Error => Self::Error,
            wit::nodes::FallbackAction::Default => Self::Default,
            wit::nodes::FallbackAction::Skip => Self::Skip,
        }
    }
}

impl<O, I> Guard<'_, CircuitBreakerNode, O, I> {
    /// How long the operation may take. When that is over it is dropped, has failed, and ends in
    /// [`CallError::TimedOut`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Makes a call: see [`CircuitBreakerNode::call`]. Within a call of the same circuit, in the
    /// same task, it goes with the outer one.
    ///
    /// # Errors
    /// Those of [`CircuitBreakerNode::call`], and [`CallError::TimedOut`].
    pub async fn call<T, E, F, OfKind, IfKind>(self, operation: F) -> Result<Guarded<T>, CallError<E>>
    where
        T: DeserializeOwned,
        F: Future<Output = Result<T, E>>,
        O: FailureOf<E, OfKind>,
        I: FailureIf<T, IfKind>,
    {
        let Self { by: node, timeout, failure_of, failure_if, count_refusals } = self;
        let (circuit, clock) = (node.circuit(), node.inner.core.clock());
        if circuit.is_entered() {
            let status = node.status().await.map_err(CallError::Gate)?;
            let result = ended(within(clock, timeout, operation).await, timeout)?;
            return Ok(Guarded { result: Some(result), circuit_result: status.result });
        }
        let admission = node.admit().await.map_err(CallError::Gate)?;
        if !admission.result.allowed {
            return node.refused(admission);
        }
        let mut in_flight = InFlight { node, token: admission.token.clone() };
        let result = within(clock, timeout, circuit.enter(operation)).await;
        let counted = counted(result.as_ref(), timeout, failure_of, failure_if, count_refusals);
        in_flight.token = None;
        let circuit_result = node.settle(admission, counted).await;
        let result = ended(result, timeout)?;
        Ok(Guarded { result: Some(result), circuit_result })
    }
}

/// An admitted call whose outcome is not known yet; cancelled when dropped.
struct InFlight<'a> {
    node: &'a CircuitBreakerNode,
    token: Option<String>,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if let Some(token) = self.token.take() {
            let node = self.node.clone();
            let background = Arc::clone(self.node.inner.core.background());
            background.run("giving a circuit's permit back", async move { node.cancelled(Some(&token)).await });
        }
    }
}
