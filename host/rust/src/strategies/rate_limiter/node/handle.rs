//! The rate limiter node.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::{Map, Value};

use super::calls;
use super::request::{Answer, LimiterNodes, Request};
use super::result::RateLimiterResult;
use crate::core::Core;
use crate::error::Error;
use crate::key::Namespace;
use crate::nodes::json::{Json, to_merge};
use crate::nodes::output::put;
use crate::runtime::Policy;
use crate::strategy::Strategy as _;

const NODE: &str = "rate-limiter";

/// A handle on a rate limiter node: cheap to clone. It holds no state of any key; nodes of the same
/// settings on the same store limit together, in whatever process and language.
#[derive(Debug, Clone)]
pub struct RateLimiterNode {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    core: Arc<Core>,
    policy: Policy<LimiterNodes>,
    reads: Vec<String>,
    output_variable: Option<String>,
    /// Named by the first subject, as all of a node have the same name.
    namespace: OnceLock<Namespace>,
}

/// What a node limits for one context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The name of the limiter, which follows from the node's settings.
    pub name: String,
    /// The key; empty where the key type is global.
    pub key: String,
    /// In a queue, higher goes first.
    pub priority: i32,
}

/// The end of a call of a rate limiter node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The result.
    pub result: RateLimiterResult,
    /// The same as JSON text, for [`RateLimiterNode::output`].
    pub json: String,
    /// Passed: what gives the permit back, by [`RateLimiterNode::abandon`], if the call is not made
    /// after all.
    pub token: Option<String>,
}

/// One step of a call in a durable workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeStep {
    /// Come back.
    Wait {
        /// After this time, in whole milliseconds.
        wait: Duration,
        /// With this, in any host.
        token: String,
    },
    /// The end.
    Done(Passage),
}

impl RateLimiterNode {
    pub(crate) fn open(core: &Arc<Core>, config: &str) -> Result<Self, Error> {
        let runtime = core.runtime();
        let policy = runtime.open_policy(config.to_owned()).map_err(|error| Error::of_open(NODE, error))?;
        let (reads, output_variable) = calls::reads(runtime, &policy)?;
        let (core, namespace) = (Arc::clone(core), OnceLock::new());
        Ok(Self { inner: Arc::new(Inner { core, policy, reads, output_variable, namespace }) })
    }

    /// The members of a context that the node looks at; it needs no others.
    pub fn reads(&self) -> &[String] {
        &self.inner.reads
    }

    /// Where results go in a context; `None`: their fields are merged into it.
    pub fn output_variable(&self) -> Option<&str> {
        self.inner.output_variable.as_deref()
    }

    /// What the node limits for this context.
    ///
    /// # Errors
    /// [`Error::Input`] names the field where there is no key, or the priority is not a whole
    /// number.
    pub fn subject(&self, context: &(impl Json + ?Sized)) -> Result<Subject, Error> {
        let context = context.members(&self.inner.reads)?;
        let subject = calls::subject(self.inner.core.runtime(), &self.inner.policy, &context)?;
        let subject = subject.map_err(|problems| Error::of_input(NODE, problems))?;
        Ok(Subject { name: subject.name, key: subject.key, priority: subject.priority })
    }

    /// Asks for a permit and waits for it as the configuration says. A call that does not pass is a
    /// result as well.
    ///
    /// Dropping the future leaves the queue, or gives the reserved place back.
    ///
    /// # Errors
    /// [`Error::Input`] as [`Self::subject`]; [`Error::Store`] and [`Error::Contended`] with a
    /// shared store.
    pub async fn execute(&self, context: &(impl Json + ?Sized)) -> Result<Passage, Error> {
        let subject = self.subject(context)?;
        let mut step = self.inner.step(&subject, String::new()).await?;
        loop {
            match step {
                NodeStep::Done(passage) => return Ok(passage),
                NodeStep::Wait { wait, token } => {
                    let waiter = Waiter { inner: &self.inner, subject: &subject, token };
                    self.inner.core.clock().sleep(wait).await;
                    step = self.inner.step(&subject, waiter.release()).await?;
                }
            }
        }
    }

    /// The first step of a call that never sleeps: for workflows that keep their own timers.
    ///
    /// # Errors
    /// Those of [`Self::execute`].
    pub async fn begin(&self, context: &(impl Json + ?Sized)) -> Result<NodeStep, Error> {
        self.inner.step(&self.subject(context)?, String::new()).await
    }

    /// The next step, with the same context and the token of the step before.
    ///
    /// # Errors
    /// Those of [`Self::execute`]; [`Error::Input`] for a token that no step has given.
    pub async fn step(&self, context: &(impl Json + ?Sized), token: &str) -> Result<NodeStep, Error> {
        self.inner.step(&self.subject(context)?, token.to_owned()).await
    }

    /// Gives back what a step has given with this token: a position in the queue, a reserved place,
    /// or the permit of a call that passed and was then not made. False: there was nothing to give
    /// back. A permit must be given back once only.
    ///
    /// # Errors
    /// Those of [`Self::execute`].
    pub async fn abandon(&self, context: &(impl Json + ?Sized), token: &str) -> Result<bool, Error> {
        self.inner.abandon(&self.subject(context)?, token.to_owned()).await
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
}

impl Inner {
    async fn step(&self, subject: &Subject, token: String) -> Result<NodeStep, Error> {
        let request = Request::Step { priority: subject.priority, token };
        let stepped = self.call(subject, request).await?.stepped();
        let step = stepped.map_err(|problems| Error::of_input(NODE, problems))?;
        if !step.done {
            return Ok(NodeStep::Wait { wait: Duration::from_millis(step.wait_ms), token: step.token });
        }
        let result = RateLimiterResult::read(&step.result)?;
        let token = (!step.token.is_empty()).then_some(step.token);
        Ok(NodeStep::Done(Passage { result, json: step.result, token }))
    }

    async fn abandon(&self, subject: &Subject, token: String) -> Result<bool, Error> {
        Ok(self.call(subject, Request::Abandon { token }).await?.was_abandoned())
    }

    async fn call(&self, subject: &Subject, request: Request) -> Result<Answer, Error> {
        let namespace = self.namespace.get_or_init(|| Namespace::new(LimiterNodes::TAG, &subject.name));
        self.core.call(namespace, &subject.key, &self.policy, request).await
    }
}

/// A position in the queue or a reserved place, given up when dropped.
struct Waiter<'a> {
    inner: &'a Arc<Inner>,
    subject: &'a Subject,
    token: String,
}

impl Waiter<'_> {
    fn release(mut self) -> String {
        std::mem::take(&mut self.token)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if self.token.is_empty() {
            return;
        }
        let (inner, subject, token) = (Arc::clone(self.inner), self.subject.clone(), std::mem::take(&mut self.token));
        let background = Arc::clone(self.inner.core.background());
        background.run("giving up a node's place", async move { inner.abandon(&subject, token).await });
    }
}
