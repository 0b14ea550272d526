//! One call from an asyncio loop: finished at once, or under way on the runtime.
//!
//! Whatever becomes of the task that waits, what the call gave is either taken or given back: the
//! lock of its state decides between the caller, who takes the outcome or goes away, and the
//! runtime, which brings it.

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
use tokio::sync::Notify;

use crate::bridge::{Bell, Bridge, Loops};
use crate::decision::{Admission, Decision};
use crate::decisions;
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
            Self::Decisions(decisions) => Ok(decisions::all(py, decisions)?.into_pyobject(py)?.into_any()),
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
    /// Nobody is left to hear of an error, and a place or permit that stays is let go in its time.
    async fn take_back(self, outcome: Outcome) {
        match (self, outcome) {
            (
                Self::Permits { limiter, key, cost },
                Outcome::Decision(decision) | Outcome::Admission(tidegate::Admission { decision, .. }),
            ) => {
                let _ = match decision.ticket {
                    Some(ticket) => limiter.cancel(&key, ticket).await.map(drop),
                    None => limiter.refund(Ask::of(&key).cost(cost), &decision).await.map(drop),
                };
            }
            (Self::ManyPermits { limiter, asks }, Outcome::Decisions(decisions)) => {
                let given = asks.into_iter().zip(decisions).filter_map(|(ask, decision)| Some((ask, decision.ok()?)));
                for ((key, cost), decision) in given.filter(|(_, decision)| decision.is_allowed()) {
                    let _ = limiter.refund(Ask::of(&key).cost(cost), &decision).await;
                }
            }
            (Self::Admission(breaker), Outcome::Report(tidegate::CircuitReport { permit: Some(permit), .. })) => {
                let _ = breaker.cancelled(permit, Duration::ZERO).await;
            }
            (Self::NodeStep { node, context }, Outcome::NodeStep(step)) => {
                if let Some(token) = token_of(step) {
                    let _ = node.abandon(&context, &token).await;
                }
            }
            (Self::NodeAdmission(node), Outcome::NodePassage(passage)) => {
                if let Some(token) = passage.token {
                    let _ = node.cancelled(Some(&token)).await;
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

/// How long one who goes away waits at most until all is given back.
const LONGEST: Duration = Duration::from_secs(1);

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
    /// Tells the task that the caller has gone away.
    left: Notify,
    /// Whom to tell when all is given back: a number of the bridge's.
    given_back: Mutex<Option<u64>>,
    bell: Arc<Bell>,
    runtime: Handle,
}

impl Call {
    /// Brings the outcome. What is returned is to be undone: nobody waits for it.
    fn finish(&self, result: Result<Outcome, Error>) -> Result<(), Option<Box<(Undo, Outcome)>>> {
        let mut state = self.state.lock();
        match std::mem::replace(&mut *state, State::Over) {
            State::UnderWay(undo) => {
                *state = State::Finished(undo, result);
                Ok(())
            }
            State::Left(undo) => Err(result.ok().map(|outcome| Box::new((undo, outcome)))),
            State::Finished(..) | State::Over => Err(None),
        }
    }

    /// The caller goes away. False: there is nothing to give back.
    fn leave(self: &Arc<Self>) -> bool {
        let mut state = self.state.lock();
        match std::mem::replace(&mut *state, State::Over) {
            State::UnderWay(undo) => {
                *state = State::Left(undo);
                self.left.notify_one();
                true
            }
            State::Finished(undo, Ok(outcome)) => {
                drop(state);
                let call = Arc::clone(self);
                self.runtime.spawn(async move { call.wait_for(undo.take_back(outcome)).await });
                true
            }
            State::Left(undo) => {
                *state = State::Left(undo);
                false
            }
            State::Finished(_, Err(_)) | State::Over => false,
        }
    }

    /// Waits until something is given back, and tells who waits for that.
    async fn wait_for(&self, giving_back: impl Future<Output = ()> + Send + 'static) {
        let giving_back = self.runtime.spawn(giving_back);
        // Whoever was cancelled waits no longer than this. What is under way goes on.
        let _ = tokio::time::timeout(LONGEST, giving_back).await;
        if let Some(id) = self.given_back.lock().take() {
            self.bell.ring(id);
        }
    }
}

/// A call under way.
#[pyclass(frozen, module = "tidegate._tidegate")]
#[derive(Debug)]
pub(crate) struct Pending {
    call: Arc<Call>,
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
        self.bridge.get().forget(self.id);
        self.call.leave();
    }

    /// The same; the future that is returned is done when all is given back. None: there was
    /// nothing.
    fn give_up(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        let running = self.future.bind(py).call_method0(pyo3::intern!(py, "get_loop"))?;
        let future = running.call_method0(pyo3::intern!(py, "create_future"))?.unbind();
        let bridge = self.bridge.get();
        let id = bridge.wait(future.clone_ref(py));
        // Told first, so that whoever gives back finds whom to tell.
        *self.call.given_back.lock() = Some(id);
        bridge.forget(self.id);
        if self.call.leave() {
            return Ok(Some(future));
        }
        bridge.forget(id);
        Ok(None)
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Starts a call. Where it ends at once, as on the memory store, that is its outcome; else a
/// [`Pending`].
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
    let call = Arc::new(Call {
        state: Mutex::new(State::UnderWay(undo)),
        left: Notify::new(),
        given_back: Mutex::new(None),
        bell: Arc::clone(&bridge.get().bell),
        runtime: runtime.clone(),
    });
    runtime.spawn(run(Arc::clone(&call), id, work));
    Ok(Bound::new(py, Pending { call, id, future, bridge: bridge.unbind() })?.into_any())
}

async fn run(call: Arc<Call>, id: u64, mut work: Work) {
    let result = tokio::select! {
        biased;
        result = &mut work => Some(result),
        () = call.left.notified() => None,
    };
    let given_back = tidegate::given_back(|| drop(work));
    match result.map(|result| call.finish(result)) {
        Some(Ok(())) => call.bell.ring(id),
        Some(Err(Some(unheard))) => {
            let (undo, outcome) = *unheard;
            call.wait_for(undo.take_back(outcome)).await;
        }
        Some(Err(None)) | None => call.wait_for(given_back).await,
    }
}
