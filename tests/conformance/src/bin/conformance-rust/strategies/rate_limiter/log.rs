//! What the log says of a limiter's answers.

use serde::Serialize;
use tidegate::{Decision, Reason, Verdict};

use crate::log::ms;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DecisionLine {
    verdict: Verdict,
    reason: Reason,
    at_us: u64,
    charged_at_us: u64,
    full_at_us: u64,
    binding: u32,
    count: u32,
    limit: u32,
    remaining: u32,
    reset_after_ms: u64,
    retry_after_ms: u64,
    wait_ms: u64,
    position: u32,
    waiting: u32,
    ticket: u64,
    discarded: u32,
    leased: bool,
    release_after_ms: u64,
    degraded: bool,
}

impl From<&Decision> for DecisionLine {
    fn from(decision: &Decision) -> Self {
        Self {
            verdict: decision.verdict,
            reason: decision.reason,
            at_us: decision.at_us,
            charged_at_us: decision.charged_at_us.unwrap_or(0),
            full_at_us: decision.full_at_us.unwrap_or(0),
            binding: decision.binding,
            count: decision.count,
            limit: decision.limit,
            remaining: decision.remaining,
            reset_after_ms: ms(decision.reset_after),
            retry_after_ms: ms(decision.retry_after),
            wait_ms: ms(decision.wait),
            position: decision.position.unwrap_or(0),
            waiting: decision.waiting,
            ticket: decision.ticket.map_or(0, |ticket| ticket.0),
            discarded: decision.discarded,
            leased: decision.leased,
            release_after_ms: decision.release_after.map_or(0, ms),
            degraded: decision.degraded,
        }
    }
}
