//! The checkers. Each derives one promise from what was observed, and knows nothing of how it is
//! kept. Those of one strategy are with it: `strategies/*/checks`.

mod ends;
mod hiccups;
mod recovery;
mod store;
#[cfg(test)]
pub(crate) mod written;

use tidegate::WhenAway;

use crate::record::{Call, Record};
use crate::strategies;

/// A promise that was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub promise: &'static str,
    /// How it was found out.
    pub what: String,
}

/// All promises that were not kept.
pub fn check(record: &Record) -> Vec<Violation> {
    let mut found = Vec::new();
    ends::check(record, &mut found);
    store::check(record, &mut found);
    recovery::check(record, &mut found);
    hiccups::check(record, &mut found);
    for tag in record.tags() {
        strategies::check(record, tag, &mut found);
    }
    found
}

/// What was answered without the store, and not as the configuration says.
pub(crate) fn not_as_configured(tag: &str, when_away: WhenAway, call: &Call) -> Violation {
    let what = format!("{tag}: {when_away:?}, and {:?} ended in {:?}", call.ask, call.answer);
    Violation { promise: AWAY, what }
}

/// The promise of what is decided without the store.
pub(crate) const AWAY: &str = "without the store, what the configuration says";
