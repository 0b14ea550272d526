//! The open circuit: it refuses every call until its time is over.

use core::fmt::Write;

use alloc::string::String;

use super::MAX_OPEN_MS;
use super::rules::Rules;
use crate::text::Words;

/// What is known of an open circuit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opened {
    /// From when on calls are probes.
    pub(super) until_us: u64,
    /// How often the circuit has reopened since it was last closed.
    pub(super) reopenings: u32,
}

impl Opened {
    /// Opens now, after this many reopenings.
    pub(super) fn new(rules: &Rules, reopenings: u32, now_us: u64) -> Self {
        Self { until_us: now_us.saturating_add(rules.open_ms(reopenings).saturating_mul(1_000)), reopenings }
    }

    /// Whether the next call is a probe.
    pub(super) fn is_over(&self, now_us: u64) -> bool {
        now_us >= self.until_us
    }

    pub(super) fn encode(&self, text: &mut String) {
        let _ = write!(text, " until={} reopenings={}", self.until_us, self.reopenings);
    }

    pub(super) fn decode(words: &mut Words<'_>, at_us: u64) -> Option<Self> {
        let opened = Self { until_us: words.number("until")?, reopenings: words.small("reopenings")? };
        (opened.until_us.saturating_sub(at_us) <= MAX_OPEN_MS * 1_000).then_some(opened)
    }
}
