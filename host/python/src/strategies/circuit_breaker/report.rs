//! What a circuit breaker answers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tidegate::{Cause, Effect, Mode, State};

use crate::data::{ms, read, record, words};

words!(state_word, state_of, State { Closed = "closed", Open = "open", HalfOpen = "half-open" });

words!(mode_word, mode_of, Mode {
    Normal = "normal",
    ForcedOpen = "forced-open",
    ForcedClosed = "forced-closed",
    Disabled = "disabled",
    MetricsOnly = "metrics-only",
});

words!(effect_word, effect_of, Effect {
    None = "none",
    Admitted = "admitted",
    RefusedOpen = "refused-open",
    RefusedProbes = "refused-probes",
    RefusedForced = "refused-forced",
    RefusedAway = "refused-away",
    CountedSuccess = "counted-success",
    CountedFailure = "counted-failure",
    CountedSlow = "counted-slow",
    Ignored = "ignored",
    Late = "late",
    Ordered = "ordered",
});

words!(cause_word, cause_of, Cause {
    Failures = "failures",
    Consecutive = "consecutive",
    FailureRate = "failure-rate",
    SlowRate = "slow-rate",
    OpenElapsed = "open-elapsed",
    ProbeFailed = "probe-failed",
    ProbesSucceeded = "probes-succeeded",
    Mode = "mode",
    Reset = "reset",
});

/// What a call was admitted with. It goes with the outcome, from any process and language.
#[pyclass(frozen, eq, module = "tidegate")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Permit(pub(crate) tidegate::Permit);

record!(Permit {
    generation: u64 = |it| it.generation;
    admitted_at_us: u64 = |it| it.admitted_at_us;
    probe: u32 = |it| it.probe;
    degraded: bool = |it| it.degraded;
} also {
    /// The permit that `to_dict` was called on, in this process or another.
    #[staticmethod]
    fn from_dict(fields: &Bound<'_, PyAny>) -> PyResult<Self> {
        permit(fields).map(Self)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyDict>,))> {
        Ok((slf.getattr("from_dict")?, (slf.get().to_dict(slf.py())?,)))
    }
});

fn permit(fields: &Bound<'_, PyAny>) -> PyResult<tidegate::Permit> {
    Ok(tidegate::Permit {
        generation: read(fields, "generation")?,
        admitted_at_us: read(fields, "admitted_at_us")?,
        probe: read(fields, "probe")?,
        // A permit that was kept by an older version has none.
        degraded: fields.get_item("degraded").map_or(Ok(false), |degraded| degraded.extract())?,
    })
}

/// A state change.
#[pyclass(frozen, eq, module = "tidegate")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Transition(pub(crate) tidegate::Transition);

record!(Transition {
    cause: &'static str = |it| cause_word(it.cause);
    before: &'static str = |it| state_word(it.before);
    after: &'static str = |it| state_word(it.after);
} also {
    /// What `to_dict` was called on, in this process or another.
    #[staticmethod]
    fn from_dict(fields: &Bound<'_, PyAny>) -> PyResult<Self> {
        transition(fields).map(Self)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyDict>,))> {
        Ok((slf.getattr("from_dict")?, (slf.get().to_dict(slf.py())?,)))
    }
});

fn transition(fields: &Bound<'_, PyAny>) -> PyResult<tidegate::Transition> {
    Ok(tidegate::Transition {
        cause: cause_of(&read::<String>(fields, "cause")?)?,
        before: state_of(&read::<String>(fields, "before")?)?,
        after: state_of(&read::<String>(fields, "after")?)?,
    })
}

/// The circuit after a call, an outcome or an order.
#[pyclass(frozen, eq, module = "tidegate")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CircuitReport(pub(crate) tidegate::CircuitReport);

record!(CircuitReport {
    effect: &'static str = |it| effect_word(it.effect);
    state: &'static str = |it| state_word(it.state);
    mode: &'static str = |it| mode_word(it.mode);
    generation: u64 = |it| it.generation;
    permit: Option<Permit> = |it| it.permit.map(Permit);
    failures: u32 = |it| it.failures;
    consecutive: u32 = |it| it.consecutive;
    calls: u32 = |it| it.calls;
    failed: u32 = |it| it.failed;
    slow: u32 = |it| it.slow;
    failure_rate: f64 = |it| it.failure_rate;
    slow_rate: f64 = |it| it.slow_rate;
    successes: u32 = |it| it.successes;
    probes: u32 = |it| it.probes;
    retry_after_ms: u64 = |it| ms(it.retry_after);
    last_failure_us: Option<u64> = |it| it.last_failure.map(us);
    event: Option<Transition> = |it| it.event.map(Transition);
    discarded: u32 = |it| it.discarded;
    degraded: bool = |it| it.degraded;
} also {
    /// Whether a call was admitted.
    #[getter]
    fn is_admitted(&self) -> bool {
        self.0.is_admitted()
    }

    /// The report that `to_dict` was called on, in this process or another.
    #[staticmethod]
    fn from_dict(fields: &Bound<'_, PyAny>) -> PyResult<Self> {
        report(fields).map(Self)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyDict>,))> {
        Ok((slf.getattr("from_dict")?, (slf.get().to_dict(slf.py())?,)))
    }
});

/// Microseconds since 1970.
fn us(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

fn report(fields: &Bound<'_, PyAny>) -> PyResult<tidegate::CircuitReport> {
    let inner = |name| read::<Option<Bound<'_, PyAny>>>(fields, name);
    let last_failure_us: Option<u64> = read(fields, "last_failure_us")?;
    Ok(tidegate::CircuitReport {
        effect: effect_of(&read::<String>(fields, "effect")?)?,
        state: state_of(&read::<String>(fields, "state")?)?,
        mode: mode_of(&read::<String>(fields, "mode")?)?,
        generation: read(fields, "generation")?,
        permit: inner("permit")?.map(|fields| permit(&fields)).transpose()?,
        failures: read(fields, "failures")?,
        consecutive: read(fields, "consecutive")?,
        calls: read(fields, "calls")?,
        failed: read(fields, "failed")?,
        slow: read(fields, "slow")?,
        failure_rate: read(fields, "failure_rate")?,
        slow_rate: read(fields, "slow_rate")?,
        successes: read(fields, "successes")?,
        probes: read(fields, "probes")?,
        retry_after: Duration::from_millis(read(fields, "retry_after_ms")?),
        last_failure: last_failure_us.map(|us| UNIX_EPOCH + Duration::from_micros(us)),
        event: inner("event")?.map(|fields| transition(&fields)).transpose()?,
        discarded: read(fields, "discarded")?,
        degraded: read(fields, "degraded")?,
    })
}
