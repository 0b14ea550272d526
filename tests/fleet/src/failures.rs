//! Calls of loads that failed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The calls that failed in the same words.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Failures {
    /// How many.
    pub calls: u64,
    /// The permits that they asked for. Whether these were charged is not known.
    pub permits: u64,
    /// When the last of them ended, by the machine's clock, in microseconds since 1970.
    pub last_us: u64,
}

/// Adds a call that failed.
pub fn add_failure(failures: &mut BTreeMap<String, Failures>, error: &str, permits: u64, end_us: u64) {
    let sum = failures.entry(in_words(error)).or_default();
    sum.calls += 1;
    sum.permits += permits;
    sum.last_us = end_us;
}

/// The text without its numbers: how long until the store is asked again is another in each error.
fn in_words(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '0'..='9' if words.ends_with('#') => {}
            '0'..='9' => words.push('#'),
            other => words.push(other),
        }
    }
    words
}

/// Adds the failures of another worker.
pub fn merge_failures(all: &mut BTreeMap<String, Failures>, other: BTreeMap<String, Failures>) {
    for (text, failures) in other {
        let sum = all.entry(text).or_default();
        sum.calls += failures.calls;
        sum.permits += failures.permits;
        sum.last_us = sum.last_us.max(failures.last_us);
    }
}
