//! What a rate limiter is asked and what it answers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::runtime::wit::rate_limiter as wit;

/// What is asked for: one permit for a key, unless said otherwise. A `&str` is a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask<'a> {
    /// Who asks, any text. Each key has its own permits.
    pub key: &'a str,
    /// How many permits; 0 is a peek.
    pub cost: u32,
    /// In a queue, higher goes first.
    pub priority: i32,
}

impl<'a> Ask<'a> {
    /// One permit for `key`.
    pub fn of(key: &'a str) -> Self {
        Self { key, cost: 1, priority: 0 }
    }

    /// This many permits: all of them, or no permit.
    #[must_use]
    pub fn cost(mut self, cost: u32) -> Self {
        self.cost = cost;
        self
    }

    /// Before all of lower priority in a queue.
    #[must_use]
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }
}

impl<'a> From<&'a str> for Ask<'a> {
    fn from(key: &'a str) -> Self {
        Self::of(key)
    }
}

impl<'a> From<&'a String> for Ask<'a> {
    fn from(key: &'a String) -> Self {
        Self::of(key)
    }
}

/// What a waiter in the queue comes back with, from any host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticket(pub u64);

/// The outcome of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Go now.
    Allowed,
    /// With a ticket: come back with it after [`Decision::wait`]. Without: a place is reserved, go
    /// after that time.
    Wait,
    /// Do not go.
    Denied,
}

/// Why a call must wait or was denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It was allowed.
    None,
    /// Over the limit.
    Limit,
    /// The next free place is further away than the longest wait.
    MaxWait,
    /// The queue is full.
    QueueFull,
    /// It has waited for too long.
    QueueTimeout,
    /// The store is away, and the configuration says to refuse then.
    StoreAway,
}

/// A decision. The counts are those of the limit that binds: the one with the least room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// Go, wait or do not.
    pub verdict: Verdict,
    /// Why not.
    pub reason: Reason,
    /// The time of the decision on the store's clock, in microseconds since 1970.
    pub at_us: u64,
    /// When the permits were charged, in microseconds since 1970: what a refund needs. `None`:
    /// nothing was charged, or a debt that cannot be given back.
    pub charged_at_us: Option<u64>,
    /// When the bucket was due to be full just before that, in microseconds since 1970: what a
    /// refund of GCRA and token bucket needs, too. `None`: nothing was charged, or not to a bucket.
    pub full_at_us: Option<u64>,
    /// Which limit binds, counted from 0.
    pub binding: u32,
    /// Permits that count against that limit after this decision.
    pub count: u32,
    /// That limit; for GCRA and token bucket the burst.
    pub limit: u32,
    /// How many more would be allowed at once.
    pub remaining: u32,
    /// Until nothing counts any more, in whole milliseconds, rounded up.
    pub reset_after: Duration,
    /// Denied: until the same call would be accepted if nobody else came, in whole milliseconds,
    /// rounded up; zero where it never would, as with a limit of 0. After
    /// [`RateLimiter::charge`](crate::RateLimiter::charge): until one permit would be allowed.
    pub retry_after: Duration,
    /// To wait: until to go or to come back, in whole milliseconds, rounded up.
    pub wait: Duration,
    /// Position in the queue, counted from 1.
    pub position: Option<u32>,
    /// How many are in the queue.
    pub waiting: u32,
    /// What to come back with.
    pub ticket: Option<Ticket>,
    /// Stored values that did not decode and were taken as absent.
    pub discarded: u32,
    /// Whether the call was let go on a lease that this host held already: the counts are then
    /// those of the lease.
    pub leased: bool,
    /// The call has taken a lease: until it ends, in whole milliseconds, rounded up. What is left
    /// then is given back by itself.
    pub release_after: Option<Duration>,
    /// Whether this was decided without the store, as [`WhenAway`](crate::WhenAway) says. Then
    /// `at_us` is this host's estimate of the store's clock, or 0, and what was charged was charged
    /// here.
    pub degraded: bool,
}

impl Decision {
    /// Whether to go now.
    pub fn is_allowed(&self) -> bool {
        self.verdict == Verdict::Allowed
    }
}

impl From<wit::Decision> for Decision {
    fn from(decision: wit::Decision) -> Self {
        Self {
            verdict: match decision.verdict {
                wit::Verdict::Allowed => Verdict::Allowed,
                wit::Verdict::Wait => Verdict::Wait,
                wit::Verdict::Denied => Verdict::Denied,
            },
            reason: match decision.reason {
                wit::Reason::None => Reason::None,
                wit::Reason::Limit => Reason::Limit,
                wit::Reason::MaxWait => Reason::MaxWait,
                wit::Reason::QueueFull => Reason::QueueFull,
                wit::Reason::QueueTimeout => Reason::QueueTimeout,
            },
            at_us: decision.at_us,
            charged_at_us: (decision.charged_at_us != 0).then_some(decision.charged_at_us),
            full_at_us: (decision.full_at_us != 0).then_some(decision.full_at_us),
            binding: decision.binding,
            count: decision.count,
            limit: decision.limit,
            remaining: decision.remaining,
            reset_after: Duration::from_millis(decision.reset_after_ms),
            retry_after: Duration::from_millis(decision.retry_after_ms),
            wait: Duration::from_millis(decision.wait_ms),
            position: (decision.position != 0).then_some(decision.position),
            waiting: decision.waiting,
            ticket: (decision.ticket != 0).then_some(Ticket(decision.ticket)),
            discarded: decision.discarded,
            leased: decision.leased,
            release_after: (decision.release_after_ms != 0).then_some(Duration::from_millis(decision.release_after_ms)),
            degraded: false,
        }
    }
}
