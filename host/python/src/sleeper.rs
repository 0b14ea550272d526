//! Waits for a future on a thread of Python's.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pyo3::prelude::*;
use tokio::runtime::Handle;

/// How often a waiting thread looks for signals, so that Ctrl-C ends a wait. Python delivers them
/// to its main thread only.
const SIGNALS_EVERY: Duration = Duration::from_millis(50);

/// How long one who is interrupted waits at most until all is given back.
const LONGEST: Duration = Duration::from_secs(1);

/// The result of a future, for which other Python threads run meanwhile. A signal whose handler
/// raises drops the future, and what it held is given back when this returns.
pub(crate) fn wait<T: Send>(py: Python<'_>, runtime: &Handle, work: impl Future<Output = T> + Send) -> PyResult<T> {
    py.detach(|| {
        let _entered = runtime.enter();
        let mut slot = pin!(Some(work));
        // On the memory store this is all, and no thread is parked.
        if let Some(work) = slot.as_mut().as_pin_mut()
            && let Poll::Ready(value) = work.poll(&mut Context::from_waker(Waker::noop()))
        {
            return Ok(value);
        }
        loop {
            let work = slot.as_mut().as_pin_mut().expect("it is dropped below, and then this ends");
            if let Ok(value) = runtime.block_on(async { tokio::time::timeout(SIGNALS_EVERY, work).await }) {
                return Ok(value);
            }
            if let Err(interrupted) = look_for_signals() {
                let given_back = tidegate::given_back(|| slot.set(None));
                // Whoever is interrupted waits no longer than this; what is under way goes on.
                let _ = runtime.block_on(async { tokio::time::timeout(LONGEST, given_back).await });
                return Err(interrupted);
            }
        }
    })
}

/// The exception of a signal's handler.
#[expect(clippy::redundant_closure_for_method_calls, reason = "the method's lifetime is too specific for it")]
fn look_for_signals() -> PyResult<()> {
    Python::attach(|py| py.check_signals())
}
