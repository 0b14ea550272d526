//! The types of the contract, as `wit/rate-limiter.wit` documents them.

use alloc::vec::Vec;

/// A unit of a window's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowUnit {
    /// 1 ms.
    Millisecond,
    /// 1,000 ms.
    Second,
    /// 60 s.
    Minute,
    /// 3,600 s.
    Hour,
    /// 24 h.
    Day,
}

/// A length of time: `count` units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The unit.
    pub unit: WindowUnit,
    /// How many of it.
    pub count: u64,
}

/// How permits are counted; the promises are in the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Strict, in bounded state.
    SlidingWindow {
        /// Into how many sub-windows the window is cut.
        sub_windows: u32,
    },
    /// The generic cell rate algorithm.
    Gcra {
        /// Permits an idle key can spend at once; `None`: the limit.
        burst: Option<u32>,
    },
    /// A bucket that refills continuously.
    TokenBucket {
        /// Permits an idle key can spend at once; `None`: the limit.
        burst: Option<u32>,
    },
    /// Aligned windows.
    FixedWindow,
    /// Aligned windows, weighted with the one before.
    SlidingWindowCounter,
    /// The time of every permit.
    SlidingLog,
}

/// At most `limit` permits in `window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Permits.
    pub limit: u32,
    /// The window.
    pub window: Window,
    /// How they are counted.
    pub algorithm: Algorithm,
}

/// What happens to a call that is over a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLimit {
    /// It is denied.
    Reject,
    /// It is given the next free place.
    Delay {
        /// The longest wait.
        max_wait_ms: u64,
    },
    /// It is given a ticket.
    Queue {
        /// How many may wait.
        max_size: u32,
        /// How long one may wait.
        timeout_ms: u64,
        /// How late one may come back before it is passed over.
        grace_ms: u64,
    },
}

/// Permits that a host takes in one charge and spends on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseConfig {
    /// The most permits that a host takes at once.
    pub max_permits: u32,
    /// How long it may hold them.
    pub life_ms: u64,
}

/// A rate limiter's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The limits of one key. A call is charged in all of them, or in no limit.
    pub limits: Vec<Limit>,
    /// What to do with a call over a limit.
    pub on_limit: OnLimit,
    /// Permits to hold in advance, only with [`OnLimit::Reject`].
    pub lease: Option<LeaseConfig>,
}

/// The outcome of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go now.
    Allowed,
    /// Go, or come back, after `wait_ms`.
    Wait,
    /// Do not go.
    Denied,
}

/// Why a call must wait or was denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It was allowed.
    None,
    /// Over the limit.
    Limit,
    /// The next free place is further away than `max_wait_ms`.
    MaxWait,
    /// The queue is full.
    QueueFull,
    /// It has waited for `timeout_ms`.
    QueueTimeout,
}

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Go, wait or do not.
    pub verdict: Verdict,
    /// Why not.
    pub reason: Reason,
    /// The time of the decision.
    pub at_us: u64,
    /// The time the permits were charged at; 0: nothing was charged that could be given back.
    pub charged_at_us: u64,
    /// When the bucket was due to be full just before; 0: no bucket.
    pub full_at_us: u64,
    /// Which limit binds.
    pub binding: u32,
    /// Permits that count against it.
    pub count: u32,
    /// That limit, or its burst.
    pub limit: u32,
    /// How many more would be allowed at once.
    pub remaining: u32,
    /// Until nothing counts any more.
    pub reset_after_ms: u64,
    /// Denied: until the same call would be accepted.
    pub retry_after_ms: u64,
    /// To wait: until to go or come back.
    pub wait_ms: u64,
    /// Position in the queue, from 1.
    pub position: u32,
    /// How many are in the queue.
    pub waiting: u32,
    /// What to come back with.
    pub ticket: u64,
    /// Stored values that did not decode.
    pub discarded: u32,
    /// Let go on a lease that this host held already.
    pub leased: bool,
    /// A lease was taken: until it ends. Otherwise 0.
    pub release_after_ms: u64,
}

/// One of several calls that are made together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// The entity it is about.
    pub entity: u32,
    /// How many permits.
    pub cost: u32,
}

/// Why there is no decision: the cost is above what a limit can ever admit at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostNeverFits {
    /// The cost asked for.
    pub cost: u32,
    /// The limit that admits the least.
    pub binding: u32,
    /// The most that it admits at once.
    pub limit: u32,
    /// Permits that count against it now.
    pub count: u32,
    /// How many would be allowed at once.
    pub remaining: u32,
}
