//! What callers ask of all strategies, and what becomes of it.

use tidegate::{CircuitReport, Decision, Mode, Permit};

/// What a caller asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// `try_acquire` of this many permits.
    TryAcquire(u32),
    /// `decide`: this many permits, at a priority, with a ticket or 0.
    Decide(u32, i32, u64),
    /// `acquire`, which waits by itself: this many permits, at a priority.
    Acquire(u32, i32),
    /// `peek`.
    Peek,
    /// `refund` of this many permits charged at a time.
    Refund(u32, u64),
    /// `cancel` of a ticket.
    Cancel(u64),
    /// `admit`.
    Admit,
    /// `succeeded`.
    Succeeded(Permit),
    /// `failed`.
    Failed(Permit),
    /// `cancelled`.
    Cancelled(Permit),
    /// `set_mode`.
    SetMode(Mode),
    /// `reset` of a circuit.
    Reset,
    /// `status`.
    Status,
    /// This many permits that the host let go without the store, to be posted: since a time on the
    /// store's clock.
    Post(u32, u64),
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// It has not ended.
    Pending,
    /// The caller went away.
    Dropped,
    /// Its host died.
    Crashed,
    /// An error.
    Error(String),
    /// A limiter's decision; an `acquire` that was denied has one too.
    Decision(Box<Decision>),
    /// Whether the ticket was in the queue.
    Cancelled(bool),
    /// A circuit.
    Report(Box<CircuitReport>),
    /// It was posted.
    Posted,
}

impl Ask {
    /// Whether it is for one who waits: by itself, or until the store is back.
    pub fn waits(&self) -> bool {
        matches!(self, Self::Acquire(..) | Self::Post(..))
    }
}

impl Answer {
    /// Whether it was given without the store.
    pub fn is_degraded(&self) -> bool {
        match self {
            Self::Decision(decision) => decision.degraded,
            Self::Report(report) => report.degraded,
            _ => false,
        }
    }

    /// When it was decided, on the store's clock, if it was answered from what the store holds.
    pub fn decided_by_store_us(&self) -> Option<u64> {
        match self {
            Self::Decision(decision) if !decision.degraded => Some(decision.at_us),
            _ => None,
        }
    }
}
