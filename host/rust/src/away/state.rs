//! Whether the store answers, and what is told of that.

use serde::Serialize;

/// Whether a shared store answers, as far as its watch knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreState {
    /// It has not answered yet.
    Unknown,
    /// It does: the watch lets calls through.
    Available,
    /// It may again: one call is on its way to find out, and all others are turned away.
    Probing,
    /// It does not: calls are turned away until the next probe.
    Away,
}

impl StoreState {
    /// Whether it was found not to answer, and has not been found to answer since.
    pub(crate) fn is_out(self) -> bool {
        matches!(self, Self::Probing | Self::Away)
    }
}

/// A store went away, is tried again, or came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreChange {
    /// Which part of the store: see [`Store::shard`](crate::store::Store::shard). 0 where it has no
    /// parts.
    pub shard: u32,
    /// The state before.
    pub before: StoreState,
    /// The state after.
    pub after: StoreState,
    /// Why, in words.
    pub cause: String,
}
