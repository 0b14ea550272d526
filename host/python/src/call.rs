//! One call from an asyncio loop: finished at once, or under way on the runtime.
//!
//! Whatever becomes of the task that waits, what the call gave is either taken or given back: the lock of its state decides
//! between the caller, who takes the outcome or goes away, and the runtime, which brings it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use pyo3::prelude::*;
use tidegate::nodes::{CircuitBreakerNode, CircuitPassage, NodeStep, RateLimiterNode};
use tidegate::{Ask, Error};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::bridge::{Bell, Bridge, Loops};
use crate::decision::{self, Admission, Decision};
use crate::errors;
use crate::nodes::{passage_parts, step_parts};
use crate::report::CircuitReport;

/// What a call came to.
#[derive(Debug)]
pub(crate) enum Outcome {
    Decision(tidegate::Decision),
    Decisions(Vec<Result<tidegate::Decision, Error>>),
    Admission(tidegate::Admission),
    Report(tidegate::CircuitReport),
    NodeStep(NodeStep),
    NodePassage(Box<CircuitPassage>),
    WasWaiting(bool),
    Done,
}

impl Outcome {
    fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        match self {
            Self::Decision(decision) => Ok(Bound::new(py, Decision(decision))?.into_any()),
            Self::Decisions(decisions) => Ok(decision::all(py, decisions)?.into_pyobject(py)?.into_any()),
            Self::Admission(admission) => Ok(Bound::new(py, Admission(admission))?.into_any()),
            Self::Report(report) => Ok(Bound::new(py, CircuitReport(report))?.into_any()),
            Self::NodeStep(step) => Ok(step_parts(step).into_pyobject(py)?.into_any()),
            Self::NodePassage(passage) => Ok(passage_parts(*passage).into_pyobject(py)?.into_any()),
            Self::WasWaiting(was_waiting) => Ok(was_waiting.into_pyobject(py)?.to_owned().into_any()),
            Self::Done => Ok(py.None().into_bound(py)),
        }
    }
}

/// How to take back what a call gave to somebody who has gone away.
#[derive(Debug)]
pub(crate) enum Undo {
    /// It gives nothing.
    Nothing,
    /// Permits or a place in the queue.
    Permits { limiter: tidegate::RateLimiter, key: String, cost: u32 },
    /// Permits for several keys.
    ManyPermits { limiter: tidegate::RateLimiter, asks: Vec<(String, u32)> },
    /// A circuit's permit.
    Admission(tidegate::CircuitBreaker),
    /// What the token of a node's step holds.
    NodeStep { node: RateLimiterNode, context: String },
    /// A circuit's permit, as a token.
    NodeAdmission(CircuitBreakerNode),
}

impl Undo {
    fn take_back(self, runtime: &Handle, outcome: Outcome) {
        match (self, outcome) {
            (
                Self::Permits { limiter, key, cost },
                Outcome::Decision(decision) | Outcome::Admission(tidegate::Admission { decision, .. }),
            ) => {
                runtime.spawn(async move {
                    // Nobody is left to hear of an error, and a place or permit that stays is let go in its time.
                    let _ = match decision.ticket {
                        Some(ticket) => limiter.cancel(&key, ticket).await.map(drop),
                        None => limiter.refund(Ask::of(&key).cost(cost), &decision).await.map(drop),
                    };
                });
            }
            (Self::ManyPermits { limiter, asks }, Outcome::Decisions(decisions)) => {
                let given = asks.into_iter().zip(decisions).filter_map(|(ask, decision)| Some((ask, decision.ok()?)));
                let given: Vec<_> = given.filter(|(_, decision)| decision.is_allowed()).collect();
                runtime.spawn(async move {
                    for ((key, cost), decision) in given {
                        let _ = limiter.refund(Ask::of(&key).cost(cost), &decision).await;
                    }
                });
            }
            (Self::Admission(breaker), Outcome::Report(tidegate::CircuitReport { permit: Some(permit), .. })) => {
                runtime.spawn(async move { breaker.cancelled(permit, Duration::ZERO).await });
            }
            (Self::NodeStep { node, context }, Outcome::NodeStep(step)) => {
                if let Some(token) = token_of(step) {
                    runtime.spawn(async move { node.abandon(&context, &token).await });
                }
            }
            (Self::NodeAdmission(node), Outcome::NodePassage(passage)) => {
                if let Some(token) = passage.token {
                    runtime.spawn(async move { node.cancelled(Some(&token)).await });
                }
            }
            _ => {}
        }
    }
}

/// What a step holds.
fn token_of(step: NodeStep) -> Option<String> {
    match step {
        NodeStep::Wait { token, .. } => Some(token),
        NodeStep::Done(passage) => passage.token,
    }
}

type Work = Pin<Box<dyn Future<Output = Result<Outcome, Error>> + Send>>;

/// Where a call is.
#[derive(Debug)]
enum State {
    UnderWay(Undo),
    Finished(Undo, Result<Outcome, Error>),
    /// The caller has gone away. The call is dropped, unless it finishes at this very moment.
    Left(Undo),
    /// The outcome was taken or given back.
    Over,
}

#[derive(Debug)]
struct Call {
    state: Mutex<State>,
    runtime: Handle,
}

impl Call {
    /// Brings the outcome. False: nobody waits for it.
    fn finish(&self, result: Result<Outcome, Error>) -> bool {
        let mut state = self.state.lock();
        match std::mem::replace(&mut *state, State::Over) {
            State::UnderWay(undo) => {
                *state = State::Finished(undo, result);
                true
            }
            State::Left(undo) => {
                if let Ok(outcome) = result {
                    undo.take_back(&self.runtime, outcome);
                }
                false
            }
            State::Finished(..) | State::Over => false,
        }
    }

    /// The caller goes away.
    fn leave(&self) {
        let mut state = self.state.lock();
        match std::mem::replace(&mut *state, State::Over) {
            State::UnderWay(undo) | State::Left(undo) => *state = State::Left(undo),
            State::Finished(undo, Ok(outcome)) => undo.take_back(&self.runtime, outcome),
            State::Finished(_, Err(_)) | State::Over => {}
        }
    }
}

/// A call under way.
#[pyclass(frozen, module = "tidegate._tidegate")]
#[derive(Debug)]
pub(crate) struct Pending {
    call: Arc<Call>,
    task: AbortHandle,
    id: u64,
    future: Py<PyAny>,
    bridge: Py<Bridge>,
}

#[pymethods]
impl Pending {
    /// Is done when the call has finished.
    #[getter]
    fn future(&self, py: Python<'_>) -> Py<PyAny> {
        self.future.clone_ref(py)
    }

    /// The outcome, once, when the call has finished.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let state = std::mem::replace(&mut *self.call.state.lock(), State::Over);
        match state {
            State::Finished(_, Ok(outcome)) => outcome.into_python(py),
            State::Finished(_, Err(error)) => Err(errors::raise(py, error)),
            _ => Err(errors::raise(py, Error::Misuse("a call was asked for its outcome out of turn".to_owned()))),
        }
    }

    /// Gives the call up, wherever it is: leaves the queue, and gives back what it was given.
    fn cancel(&self) {
        self.call.leave();
        self.task.abort();
        self.bridge.get().forget(self.id);
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Starts a call. Where it ends at once, as on the memory store, that is its outcome; else a [`Pending`].
pub(crate) fn start<'py>(
    py: Python<'py>,
    loops: &Loops,
    runtime: &Handle,
    undo: Undo,
    work: impl Future<Output = Result<Outcome, Error>> + Send + 'static,
) -> PyResult<Bound<'py, PyAny>> {
    let mut work: Work = Box::pin(work);
    let polled = py.detach(|| {
        let _entered = runtime.enter();
        work.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    });
    match polled {
        Poll::Ready(Ok(outcome)) => outcome.into_python(py),
        Poll::Ready(Err(error)) => Err(errors::raise(py, error)),
        Poll::Pending => send(py, loops, runtime, undo, work),
    }
}

/// Hands a call to the runtime.
fn send<'py>(py: Python<'py>, loops: &Loops, runtime: &Handle, undo: Undo, work: Work) -> PyResult<Bound<'py, PyAny>> {
    let (running, bridge) = loops.current(py)?;
    let future = running.call_method0(pyo3::intern!(py, "create_future"))?.unbind();
    let id = bridge.get().wait(future.clone_ref(py));
    let call = Arc::new(Call { state: Mutex::new(State::UnderWay(undo)), runtime: runtime.clone() });
    let task = runtime.spawn(run(Arc::clone(&call), Arc::clone(&bridge.get().bell), id, work)).abort_handle();
    Ok(Bound::new(py, Pending { call, task, id, future, bridge: bridge.unbind() })?.into_any())
}

async fn run(call: Arc<Call>, bell: Arc<Bell>, id: u64, work: Work) {
    let result = work.await;
    if call.finish(result) {
        bell.ring(id);
    }
}
