//! What the runner tells a driver: one run a line, with nothing left to choose.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a virtual clock stands at the start of each case: noon of 1 January 2026, UTC, in
/// microseconds since 1970.
pub const START_US: u64 = 1_767_268_800_000_000;

/// Which store the hosts of a run share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreKind {
    /// The embedded store: policies run on the true cells.
    Memory,
    /// The embedded store behind the commit protocol, with a ledger in each host.
    Ledger,
    /// As `ledger`, but commits are answered by script and recorded in the log.
    Scripted,
}

impl StoreKind {
    /// As it stands in the names of runs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Ledger => "ledger",
            Self::Scripted => "scripted",
        }
    }
}

/// One case on one kind of store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Run {
    /// Its name, with `@` and the kind of store.
    pub case: String,
    /// The store.
    pub store: StoreKind,
    /// Where the clocks stand before the first step, in microseconds since 1970.
    pub at_us: u64,
    /// The hosts.
    pub hosts: Vec<Host>,
    /// The policies that every host opens, in order.
    pub policies: Vec<PolicySettings>,
    /// How a scripted store answers, commit by commit; empty for other stores.
    pub replies: Vec<Reply>,
    /// The calls, in order.
    pub steps: Vec<Step>,
}

/// A host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Host {
    /// How far its clock is ahead of the store's, in microseconds. 0 on a memory store.
    pub offset_us: i64,
}

/// A policy's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicySettings {
    /// What steps call it.
    pub id: String,
    /// What it is.
    pub kind: PolicyKind,
    /// The JSON settings that all SDKs read.
    pub config: Value,
}

/// What a policy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyKind {
    /// A rate limiter.
    Limiter,
    /// A circuit breaker.
    Breaker,
    /// A rate limiter node; its settings are a JSON string, which holds the text of its
    /// configuration.
    LimiterNode,
    /// A circuit breaker node, likewise.
    BreakerNode,
}

/// How a scripted store answers one commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reply {
    /// What another host writes to cells of the entity just before; then the commit is applied or
    /// refused as it deserves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Cell>,
    /// Refused, with these as the true values of the commit's cells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refuse: Option<Vec<Option<String>>>,
    /// Untimely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untimely: Option<Untimely>,
    /// No answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away: Option<String>,
}

/// A cell of an entity with its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cell {
    /// Its name, as at the end of its key in Redis: `5f3a91.2`.
    pub cell: String,
    /// Its value; none deletes it.
    pub text: Option<String>,
    /// Milliseconds until it expires.
    pub ttl_ms: u64,
}

/// An answer that a commit's time is ahead of the store's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Untimely {
    /// By how many microseconds.
    pub ahead_us: u64,
}

/// What a failed call failed with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The name of the error's type.
    #[serde(default)]
    pub name: String,
    /// Its message.
    #[serde(default)]
    pub message: String,
    /// Its code.
    #[serde(default)]
    pub code: String,
    /// Its status.
    #[serde(default)]
    pub status: String,
    /// What caused it.
    #[serde(default)]
    pub causes: Vec<Failure>,
}

/// A call, or a stranger's write. Members that a call has no use for are at their defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Step {
    /// When, on the store's clock, in microseconds since 1970.
    pub at_us: u64,
    /// Which host calls.
    pub host: usize,
    /// The policy.
    pub policy: String,
    /// The call, by its name in the contract; or `write`.
    pub call: String,
    /// The caller's key.
    pub key: String,
    /// Permits.
    pub cost: u32,
    /// In a queue.
    pub priority: i32,
    /// The step whose ticket, or of a node its token, this one brings.
    pub ticket_of: Option<usize>,
    /// The step whose permits this one gives back.
    pub charged_by: Option<usize>,
    /// The step that was admitted with the permit of this outcome.
    pub permit_of: Option<usize>,
    /// How long the call took, in milliseconds.
    pub elapsed_ms: u64,
    /// What it failed with.
    pub error: Option<Failure>,
    /// The mode ordered.
    pub mode: Option<String>,
    /// What is written.
    pub write: Option<Cell>,
    /// The text of the context of a node.
    pub context: Option<String>,
    /// The token brought to a node, where it is none that a step gave.
    pub token: Option<String>,
    /// The step whose result a node puts into the context.
    pub result_of: Option<usize>,
}

impl Step {
    /// A call of `policy` for `key` with nothing else said.
    pub fn new(at_us: u64, policy: &str, call: &str, key: &str) -> Self {
        Self {
            at_us,
            host: 0,
            policy: policy.to_owned(),
            call: call.to_owned(),
            key: key.to_owned(),
            cost: 1,
            priority: 0,
            ticket_of: None,
            charged_by: None,
            permit_of: None,
            elapsed_ms: 0,
            error: None,
            mode: None,
            write: None,
            context: None,
            token: None,
            result_of: None,
        }
    }
}
