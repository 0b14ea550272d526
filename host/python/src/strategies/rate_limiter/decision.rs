//! What a rate limiter answers.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tidegate::{Reason, Ticket, Verdict};

use crate::data::{ms, read, record, words};

words!(verdict_word, verdict_of, Verdict { Allowed = "allowed", Wait = "wait", Denied = "denied" });

words!(reason_word, reason_of, Reason {
    None = "none",
    Limit = "limit",
    MaxWait = "max-wait",
    QueueFull = "queue-full",
    QueueTimeout = "queue-timeout",
    StoreAway = "store-away",
});

/// A decision. The counts are those of the limit that binds: the one with the least room.
#[pyclass(frozen, eq, module = "tidegate")]
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decision(pub(crate) tidegate::Decision);

record!(Decision {
    verdict: &'static str = |it| verdict_word(it.verdict);
    reason: &'static str = |it| reason_word(it.reason);
    at_us: u64 = |it| it.at_us;
    charged_at_us: Option<u64> = |it| it.charged_at_us;
    full_at_us: Option<u64> = |it| it.full_at_us;
    binding: u32 = |it| it.binding;
    count: u32 = |it| it.count;
    limit: u32 = |it| it.limit;
    remaining: u32 = |it| it.remaining;
    reset_after_ms: u64 = |it| ms(it.reset_after);
    retry_after_ms: u64 = |it| ms(it.retry_after);
    wait_ms: u64 = |it| ms(it.wait);
    position: Option<u32> = |it| it.position;
    waiting: u32 = |it| it.waiting;
    ticket: Option<u64> = |it| it.ticket.map(|ticket| ticket.0);
    discarded: u32 = |it| it.discarded;
    leased: bool = |it| it.leased;
    release_after_ms: Option<u64> = |it| it.release_after.map(ms);
    degraded: bool = |it| it.degraded;
} also {
    /// Whether to go now.
    #[getter]
    fn is_allowed(&self) -> bool {
        self.0.is_allowed()
    }

    /// Whether to go now, so that `if limiter.try_acquire(key):` means what it says.
    fn __bool__(&self) -> bool {
        self.0.is_allowed()
    }

    /// The decision that `to_dict` was called on, in this process or another.
    #[staticmethod]
    fn from_dict(fields: &Bound<'_, PyAny>) -> PyResult<Self> {
        decision(fields).map(Self)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyDict>,))> {
        Ok((slf.getattr("from_dict")?, (slf.get().to_dict(slf.py())?,)))
    }
});

fn decision(fields: &Bound<'_, PyAny>) -> PyResult<tidegate::Decision> {
    let time = |name| read::<u64>(fields, name).map(Duration::from_millis);
    Ok(tidegate::Decision {
        verdict: verdict_of(&read::<String>(fields, "verdict")?)?,
        reason: reason_of(&read::<String>(fields, "reason")?)?,
        at_us: read(fields, "at_us")?,
        charged_at_us: read(fields, "charged_at_us")?,
        full_at_us: read(fields, "full_at_us")?,
        binding: read(fields, "binding")?,
        count: read(fields, "count")?,
        limit: read(fields, "limit")?,
        remaining: read(fields, "remaining")?,
        reset_after: time("reset_after_ms")?,
        retry_after: time("retry_after_ms")?,
        wait: time("wait_ms")?,
        position: read(fields, "position")?,
        waiting: read(fields, "waiting")?,
        ticket: read::<Option<u64>>(fields, "ticket")?.map(Ticket),
        discarded: read(fields, "discarded")?,
        leased: read(fields, "leased")?,
        release_after: read::<Option<u64>>(fields, "release_after_ms")?.map(Duration::from_millis),
        degraded: read(fields, "degraded")?,
    })
}

/// A decision of which only is known what a refund looks at: the time of its charge, when the
/// bucket was due to be full, and whether it was made without the store.
pub(crate) fn given(charged_at_us: Option<u64>, full_at_us: Option<u64>, degraded: bool) -> tidegate::Decision {
    tidegate::Decision {
        verdict: Verdict::Allowed,
        reason: Reason::None,
        at_us: 0,
        charged_at_us,
        full_at_us,
        binding: 0,
        count: 0,
        limit: 0,
        remaining: 0,
        reset_after: Duration::ZERO,
        retry_after: Duration::ZERO,
        wait: Duration::ZERO,
        position: None,
        waiting: 0,
        ticket: None,
        discarded: 0,
        leased: false,
        release_after: None,
        degraded,
    }
}

/// A permit, and how long it was waited for.
#[pyclass(frozen, eq, module = "tidegate")]
#[derive(Debug, PartialEq)]
pub(crate) struct Admission(pub(crate) tidegate::Admission);

record!(Admission {
    decision: Decision = |it| Decision(it.decision.clone());
    waited_ms: u64 = |it| ms(it.waited);
} also {
    /// What `to_dict` was called on, in this process or another.
    #[staticmethod]
    fn from_dict(fields: &Bound<'_, PyAny>) -> PyResult<Self> {
        admission(fields).map(Self)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyDict>,))> {
        Ok((slf.getattr("from_dict")?, (slf.get().to_dict(slf.py())?,)))
    }
});

fn admission(fields: &Bound<'_, PyAny>) -> PyResult<tidegate::Admission> {
    let waited = Duration::from_millis(read(fields, "waited_ms")?);
    Ok(tidegate::Admission { decision: decision(&fields.get_item("decision")?)?, waited })
}
