//! What happens in a workflow, as workers tell it: in one process through a channel, from another
//! as lines of JSON.

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;

/// Where a worker tells what happens. The demo reads it until the last sender is gone.
pub(crate) type Events = UnboundedSender<Event>;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Event {
    /// An item is done with.
    Done(Done),
    /// The circuit changed its state.
    Changed(Change),
    /// The outcome of a request could not be told to the circuit.
    Unrecorded {
        /// Why.
        error: String,
    },
}

/// An item that is done with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Done {
    /// Which one, counted from 0.
    pub(crate) item: u32,
    /// The permit of the rate limiter; none: it gave none.
    pub(crate) permit: Option<PermitGiven>,
    /// What became of it.
    pub(crate) outcome: Outcome,
}

/// A permit of the rate limiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PermitGiven {
    /// When it was charged on the store's clock, in microseconds since 1970.
    pub(crate) at_us: u64,
    /// How long the item waited for it, in microseconds.
    pub(crate) waited_us: u64,
}

/// What became of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// The server answered it.
    Passed,
    /// It was sent and the server did not answer it well.
    Failed {
        /// What came instead, such as `503 Service Unavailable`.
        with: String,
    },
    /// The circuit refused it, and it made do with this.
    FailedFast(Fallback),
    /// The rate limiter did not let it go.
    Denied,
    /// There was no decision, because the store did not answer: it was not sent.
    Undecided {
        /// Why.
        error: String,
    },
}

/// What an item makes do with when it is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fallback {
    /// The last good answer of the server.
    LastAnswer,
    /// A fixed one: there was no good answer yet.
    Default,
}

/// A state change of the circuit, told by the one process whose call made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    /// When, on the store's clock, in microseconds since 1970.
    pub(crate) at_us: u64,
    /// The state before: `closed`, `open` or `half-open`.
    pub(crate) before: String,
    /// The state after.
    pub(crate) after: String,
    /// Why, such as `open-elapsed`.
    pub(crate) cause: String,
}

impl Change {
    /// Why, for a person.
    pub(crate) fn why(&self) -> &str {
        match self.cause.as_str() {
            "failures" => "too many failures",
            "open-elapsed" => "its time was over: probes may go",
            "probe-failed" => "a probe failed",
            "probes-succeeded" => "the probes succeeded",
            other => other,
        }
    }
}
