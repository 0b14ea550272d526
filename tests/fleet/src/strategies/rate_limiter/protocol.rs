//! What a test and its workers say to each other of rate limiters.

use serde::{Deserialize, Serialize};
use tidegate::{Decision, RateLimiterConfig, Stats, Ticket};

use crate::words::{whole_ms, word};

/// What a worker is told to do with limiters.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Command {
    /// Ask a limiter from many tasks at once. Answered by [`Answer::Hammered`].
    Hammer(Hammer),
    /// Ask a limiter once. Answered by [`Answer::Decided`].
    Decide(Decide),
    /// Keep coming back with tickets, each when it was told, until each is let go or denied.
    /// Answered by [`Answer::CameBack`].
    ComeBack(Vec<Decide>),
    /// Read how a limiter stands. Answered by [`Answer::Decided`].
    Peek(Decide),
}

/// What a worker answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Answer {
    /// To [`Command::Hammer`].
    Hammered(Hammered),
    /// To [`Command::Decide`] and [`Command::Peek`].
    Decided(Decided),
    /// To [`Command::ComeBack`]: the last decision for each ticket.
    CameBack(Vec<Decided>),
}

/// Asks a limiter again and again, without a pause.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hammer {
    /// The limiter.
    pub limiter: RateLimiterConfig,
    /// The tasks take turns in these keys.
    pub keys: Vec<String>,
    /// The tasks take turns in these costs.
    pub costs: Vec<u32>,
    /// How many tasks ask at once.
    pub tasks: usize,
    /// Whether a task that is told to wait does so, by `acquire`; otherwise it asks anew, by
    /// `try_acquire`.
    #[serde(default)]
    pub waits: bool,
    /// When a task stops.
    pub until: Until,
}

/// When a hammering task stops.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum Until {
    /// After this many calls.
    Calls(u32),
    /// When the store's clock has moved on by this many milliseconds since the task's first
    /// decision.
    PassedMs(u64),
}

/// One call of a limiter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Decide {
    /// The limiter.
    pub limiter: RateLimiterConfig,
    /// For whom.
    pub key: String,
    /// How much.
    pub cost: u32,
    /// In a queue, higher goes first.
    pub priority: i32,
    /// What to come back with.
    pub ticket: Option<Ticket>,
    /// How long to wait before the call, as an earlier answer said.
    pub wait_ms: u64,
}

/// What came of hammering.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Hammered {
    /// The calls that were admitted.
    pub admitted: Vec<Admitted>,
    /// How many calls were made.
    pub calls: u64,
    /// The calls that ended in an error.
    pub errors: Vec<String>,
    /// Calls that were repeated and did something else, so far in this process.
    pub diverged: u64,
    /// Stored values that were not ours, so far in this process.
    pub foreign: u64,
    /// The most commits that a batch of calls took, so far in this process.
    #[serde(default)]
    pub most_attempts: u64,
    /// How long each task waited for its answers, all calls together, in microseconds.
    #[serde(default)]
    pub waits_us: Vec<u64>,
}

impl Hammered {
    /// With the host's counters.
    #[must_use]
    pub fn with_stats(mut self, stats: &Stats) -> Self {
        (self.diverged, self.foreign) = (stats.diverged, stats.foreign);
        self.most_attempts = stats.most_attempts;
        self
    }
}

/// A call that was admitted.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Admitted {
    /// For whom.
    pub key: String,
    /// How much.
    pub cost: u64,
    /// When it was decided, on the store's clock, in microseconds since 1970.
    pub at_us: u64,
    /// When the call began, by the machine's clock, in microseconds since 1970.
    pub start_us: u64,
    /// When the call had its answer, by the machine's clock, in microseconds since 1970.
    pub end_us: u64,
    /// Whether it was let go on a lease, whose permits were charged by an earlier call or together
    /// with this one.
    #[serde(default)]
    pub leased: bool,
    /// When its permits were charged, on the store's clock, in microseconds since 1970; 0: not
    /// told.
    #[serde(default)]
    pub charged_at_us: u64,
    /// When they had been charged for certain, by the machine's clock, in microseconds since 1970;
    /// 0: when it had its answer.
    #[serde(default)]
    pub charged_by_us: u64,
}

/// A decision of a limiter.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Decided {
    /// As the contract spells it.
    pub verdict: String,
    /// As the contract spells it.
    pub reason: String,
    /// When, on the store's clock, in microseconds since 1970.
    pub at_us: u64,
    /// Permits that count.
    pub count: u32,
    /// In how many milliseconds to come back.
    pub wait_ms: u64,
    /// In how many milliseconds a denied call would be accepted.
    pub retry_after_ms: u64,
    /// What to come back with.
    pub ticket: Option<Ticket>,
    /// How many more would be allowed at once, or are left in the lease.
    #[serde(default)]
    pub remaining: u32,
    /// In how many milliseconds the lease ends that the call has taken; 0: it has taken none.
    #[serde(default)]
    pub release_after_ms: u64,
}

impl Decided {
    /// Whether to go.
    pub fn is_allowed(&self) -> bool {
        self.verdict == "allowed"
    }

    /// When it was told to come back, on the store's clock, in microseconds since 1970.
    pub fn due_us(&self) -> u64 {
        self.at_us + self.wait_ms * 1_000
    }
}

impl From<&Decision> for Decided {
    fn from(decision: &Decision) -> Self {
        Self {
            verdict: word(&decision.verdict),
            reason: word(&decision.reason),
            at_us: decision.at_us,
            count: decision.count,
            wait_ms: whole_ms(decision.wait),
            retry_after_ms: whole_ms(decision.retry_after),
            ticket: decision.ticket,
            remaining: decision.remaining,
            release_after_ms: decision.release_after.map_or(0, whole_ms),
        }
    }
}
