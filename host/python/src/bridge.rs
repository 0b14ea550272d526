//! The way back into an asyncio loop.
//!
//! A loop has one bridge for all gates. Threads of the runtime put the numbers of finished calls
//! into its list and write one byte to a socket that the loop watches, once for as many calls as
//! finish until the loop looks. They never touch Python, so they neither wait for its lock nor meet
//! its end.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::errors;
use crate::process::PerProcess;

/// What the threads of the runtime see of a bridge.
#[derive(Debug)]
pub(crate) struct Bell {
    finished: Mutex<Vec<u64>>,
    wire: Wire,
}

impl Bell {
    /// Says that a call has finished.
    pub(crate) fn ring(&self, id: u64) {
        let was_empty = {
            let mut finished = self.finished.lock();
            finished.push(id);
            finished.len() == 1
        };
        if was_empty {
            self.wire.send();
        }
    }
}

/// The socket: what is written to one end wakes the loop that watches the other.
#[cfg(unix)]
#[derive(Debug)]
struct Wire {
    here: std::os::unix::net::UnixStream,
    there: std::os::unix::net::UnixStream,
}

#[cfg(unix)]
impl Wire {
    fn new() -> std::io::Result<Self> {
        let (here, there) = std::os::unix::net::UnixStream::pair()?;
        here.set_nonblocking(true)?;
        there.set_nonblocking(true)?;
        Ok(Self { here, there })
    }

    fn send(&self) {
        use std::io::Write as _;
        // A full socket wakes the loop as well.
        let _ = (&self.there).write(&[1]);
    }

    fn clear(&self) {
        use std::io::Read as _;
        let mut bytes = [0; 64];
        while matches!((&self.here).read(&mut bytes), Ok(64)) {}
    }

    /// Has the loop call `drain` when there is something to read.
    fn watch(&self, running: &Bound<'_, PyAny>, drain: Bound<'_, PyAny>) -> PyResult<()> {
        use std::os::fd::AsRawFd as _;
        running.call_method1("add_reader", (self.here.as_raw_fd(), drain)).map(drop)
    }
}

/// A loop's bridge.
#[pyclass(frozen, weakref, module = "tidegate._tidegate")]
#[derive(Debug)]
pub(crate) struct Bridge {
    pub(crate) bell: Arc<Bell>,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    last_id: u64,
    futures: HashMap<u64, Py<PyAny>>,
}

#[pymethods]
impl Bridge {
    /// A bridge to the loop that runs.
    #[new]
    fn new(py: Python<'_>) -> PyResult<Self> {
        let wire = Wire::new().map_err(|error| errors::load(py, &format!("no socket to wake a loop with: {error}")))?;
        let bell = Arc::new(Bell { finished: Mutex::default(), wire });
        Ok(Self { bell, waiting: Mutex::default() })
    }

    /// Has a loop watch this bridge.
    fn watch(slf: &Bound<'_, Self>, running: &Bound<'_, PyAny>) -> PyResult<()> {
        slf.get().bell.wire.watch(running, slf.getattr("drain")?)
    }

    /// Tells all calls that have finished.
    fn drain(&self, py: Python<'_>) -> PyResult<()> {
        self.bell.wire.clear();
        let finished = std::mem::take(&mut *self.bell.finished.lock());
        for id in finished {
            let future = self.waiting.lock().futures.remove(&id);
            if let Some(future) = future {
                let future = future.bind(py);
                if !future.call_method0(pyo3::intern!(py, "done"))?.is_truthy()? {
                    future.call_method1(pyo3::intern!(py, "set_result"), (py.None(),))?;
                }
            }
        }
        Ok(())
    }
}

impl Bridge {
    /// Notes a future that is to be told, and numbers it.
    pub(crate) fn wait(&self, future: Py<PyAny>) -> u64 {
        let mut waiting = self.waiting.lock();
        waiting.last_id += 1;
        let id = waiting.last_id;
        waiting.futures.insert(id, future);
        id
    }

    /// Tells a future no more.
    pub(crate) fn forget(&self, id: u64) {
        let future = self.waiting.lock().futures.remove(&id);
        // Dropped after the lock is free: it may run code of Python's.
        drop(future);
    }
}

/// The bridges that a gate has used last.
#[derive(Debug)]
pub(crate) struct Loops(PerProcess<Arc<Mutex<Option<Last>>>>);

/// A loop and its bridge.
#[derive(Debug)]
struct Last {
    running: Py<PyAny>,
    bridge: Py<Bridge>,
}

const NO_LOOP: &str = "no asyncio loop runs here, and tidegate.aio has no other way to wait: elsewhere, as under trio, call \
                       tidegate.Tidegate in a thread";

static GET_RUNNING_LOOP: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

impl Loops {
    pub(crate) const fn new() -> Self {
        Self(PerProcess::new())
    }

    /// The loop that runs in this thread, and its bridge.
    pub(crate) fn current<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, Bridge>)> {
        let running = GET_RUNNING_LOOP.import(py, "asyncio", "get_running_loop")?.call0();
        let running = running.map_err(|_| errors::misuse(py, NO_LOOP))?;
        let last = self.0.get(py, || Ok(Arc::default()))?;
        if let Some(known) = &*last.lock()
            && known.running.is(&running)
        {
            return Ok((running, known.bridge.bind(py).clone()));
        }
        let bridge = py.import("tidegate._loops")?.call_method1("bridge_of", (&running,))?;
        let bridge: Bound<'py, Bridge> = bridge.cast_into().map_err(PyErr::from)?;
        let now = Last { running: running.clone().unbind(), bridge: bridge.clone().unbind() };
        let before = last.lock().replace(now);
        drop(before);
        Ok((running, bridge))
    }
}
