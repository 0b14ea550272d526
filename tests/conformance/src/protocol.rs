//! What the runner tells a driver: one run a line, with nothing left to choose.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

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
    /// What it is, by its name in the list of the strategies.
    pub kind: String,
    /// The JSON settings that all SDKs read.
    pub config: Value,
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

/// A call, or a stranger's write.
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
    /// What the call takes, all of it: the strategy of the policy says what that is.
    pub args: Map<String, Value>,
}

/// What a stranger writes into a cell of an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Write {
    /// The key of the entity, if its policy has keys.
    #[serde(default)]
    pub key: String,
    /// The context in which a node has the entity.
    #[serde(default = "empty_context", deserialize_with = "context")]
    pub context: String,
    /// The cell.
    pub cell: String,
    /// Its value; without it, the cell is deleted.
    pub text: Option<String>,
    /// Milliseconds until it expires.
    #[serde(default = "one_minute")]
    pub ttl_ms: u64,
}

/// Whether a call is a stranger's write.
pub const WRITE: &str = "write";

impl Step {
    /// A step with the call and the arguments of a typed call.
    ///
    /// # Errors
    /// The call is not of that form.
    pub fn of(at_us: u64, host: usize, policy: &str, call: &impl Serialize) -> serde_json::Result<Self> {
        #[derive(Deserialize)]
        struct Parts {
            call: String,
            args: Map<String, Value>,
        }
        let Parts { call, args } = serde_json::from_value(serde_json::to_value(call)?)?;
        Ok(Self { at_us, host, policy: policy.to_owned(), call, args })
    }

    /// The call with its arguments, typed.
    ///
    /// # Errors
    /// There is no such call.
    pub fn typed<C: DeserializeOwned>(&self) -> serde_json::Result<C> {
        serde_json::from_value(json!({ "call": self.call, "args": self.args }))
    }
}

/// JSON as text; a string is the text itself.
pub(crate) fn json_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Reads the context of a node: JSON, or its text.
pub(crate) fn context<'de, D: Deserializer<'de>>(context: D) -> Result<String, D::Error> {
    Value::deserialize(context).map(|context| json_text(&context))
}

pub(crate) fn empty_context() -> String {
    "{}".to_owned()
}

pub(crate) fn one_minute() -> u64 {
    60_000
}
