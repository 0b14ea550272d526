//! One call from an asyncio loop: finished at once, or under way on the runtime.
//!
//! Whatever becomes of the task that waits, what the call gave is either taken or given back: the
//! lock of its state decides between the caller, who takes the outcome or goes away, and the
//! runtime, which brings it.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use parking_lot::Mutex;
use pyo3::prelude::*;
use tidegate::Error;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::bridge::{Bell, Bridge, Loops};
use crate::errors;

/// What a call comes to.
pub(crate) trait Outcome: Debug + Send + 'static {
    /// As Python sees it.
    fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>>;

    /// Takes back what it gave to somebody who has gone away. Nobody is left to hear of an error,
    /// and a place or permit that stays is let go in its time.
    fn take_back(self) -> impl Future<Output = ()> + Send + 'static
    where
        Self: Sized,
    {
        std::future::ready(())
    }
}

impl Outcome for bool {
    fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Ok(self.into_pyobject(py)?.to_owned().into_any())
    }
}

impl Outcome for () {
    fn into_python(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Ok(py.None().into_bound(py))
    }
}

/// An outcome of whatever call: of those that do not end at once.
trait AnyOutcome: Debug + Send {
    fn into_python(self: Box<Self>, py: Python<'_>) -> PyResult<Bound<'_, PyAny>>;
    fn take_back(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

impl<O: Outcome> AnyOutcome for O {
    fn into_python(self: Box<Self>, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        Outcome::into_python(*self, py)
    }

    fn take_back(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(Outcome::take_back(*self))
    }
}

/// How long one who goes away waits at most until all is given back.
const LONGEST: Duration = Duration::from_secs(1);

type Work = Pin<Box<dyn Future<Output = Result<Box<dyn AnyOutcome>, Error>> + Send>>;

/// Where a call is.
#[derive(Debug)]
enum State {
    UnderWay,
    Finished(Result<Box<dyn AnyOutcome>, Error>),
    /// The caller has gone away. The call is dropped, unless it finishes at this very moment.
    Left,
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
    fn finish(&self, result: Result<Box<dyn AnyOutcome>, Error>) -> Result<(), Option<Box<dyn AnyOutcome>>> {
        let mut state = self.state.lock();
        match std::mem::replace(&mut *state, State::Over) {
            State::UnderWay => {
                *state = State::Finished(result);
                Ok(())
            }
            State::Left => Err(result.ok()),
            State::Finished(_) | State::Over => Err(None),
        }
    }

    /// The caller goes away. False: there is nothing to give back.
    fn leave(self: &Arc<Self>) -> bool {
        let mut state = self.state.lock();
        match std::mem::replace(&mut *state, State::Over) {
            State::UnderWay => {
                *state = State::Left;
                self.left.notify_one();
                true
            }
            State::Finished(Ok(outcome)) => {
                drop(state);
                let call = Arc::clone(self);
                self.runtime.spawn(async move { call.wait_for(outcome.take_back()).await });
                true
            }
            State::Left => {
                *state = State::Left;
                false
            }
            State::Finished(Err(_)) | State::Over => false,
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
            State::Finished(Ok(outcome)) => outcome.into_python(py),
            State::Finished(Err(error)) => Err(errors::raise(py, error)),
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
    work: impl Future<Output = Result<impl Outcome, Error>> + Send + 'static,
) -> PyResult<Bound<'py, PyAny>> {
    let mut work = Box::pin(work);
    let polled = py.detach(|| {
        let _entered = runtime.enter();
        work.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    });
    match polled {
        Poll::Ready(Ok(outcome)) => outcome.into_python(py),
        Poll::Ready(Err(error)) => Err(errors::raise(py, error)),
        Poll::Pending => {
            let work = async move { work.await.map(|outcome| Box::new(outcome) as Box<dyn AnyOutcome>) };
            send(py, loops, runtime, Box::pin(work))
        }
    }
}

/// Hands a call to the runtime.
fn send<'py>(py: Python<'py>, loops: &Loops, runtime: &Handle, work: Work) -> PyResult<Bound<'py, PyAny>> {
    let (running, bridge) = loops.current(py)?;
    let future = running.call_method0(pyo3::intern!(py, "create_future"))?.unbind();
    let id = bridge.get().wait(future.clone_ref(py));
    let call = Arc::new(Call {
        state: Mutex::new(State::UnderWay),
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
        Some(Err(Some(unheard))) => call.wait_for(unheard.take_back()).await,
        Some(Err(None)) | None => call.wait_for(given_back).await,
    }
}
