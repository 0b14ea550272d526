//! Puts a decision together from the state of the limits.

use super::meter::MeterModel;
use super::model::{Model, Usage, saturate};
use super::types::{Decision, Reason, Verdict};
use crate::kv::Kv;
use crate::parts::cells::Cells;

/// What was decided; the counts come from the limits.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    /// Go now; charged at that time, 0 for a peek, when buckets were due to be full then.
    Allowed { charged_at_us: u64, full_at_us: u64 },
    /// The place that was reserved.
    Placed { place_us: u64, full_at_us: u64 },
    /// In the queue.
    Queued { ticket: u64, due_us: u64, position: usize },
    /// No, and when to try again.
    Denied { reason: Reason, retry_us: u64 },
}

/// The first time from `from_us` on at which this many permits fit under all limits.
pub(crate) fn place_us(models: &[MeterModel], permits: u32, from_us: u64) -> u64 {
    let mut place = from_us;
    loop {
        let later = models.iter().fold(place, |at, model| model.earliest_us(permits, at));
        if later == place || models.len() == 1 {
            return later;
        }
        place = later;
    }
}

/// The time that now counts as: no earlier than any limit has seen.
pub(crate) fn effective_us(models: &[MeterModel], now_us: u64) -> u64 {
    models.iter().map(Model::seen_us).fold(now_us, u64::max)
}

/// When the first of the buckets was due to be full before this many permits were charged; 0: there
/// is no bucket.
pub(crate) fn full_before_us(models: &[MeterModel], permits: u32) -> u64 {
    models.iter().filter_map(|model| model.full_before_us(permits)).min().unwrap_or(0)
}

/// The decision that an outcome amounts to.
pub(crate) fn report<K: Kv>(
    cells: &Cells<'_, K>,
    models: &[MeterModel],
    now_us: u64,
    waiting: usize,
    outcome: Outcome,
) -> Decision {
    let (binding, usage) = binding(models, now_us);
    let mut decision = Decision {
        verdict: Verdict::Allowed,
        reason: Reason::None,
        at_us: now_us,
        charged_at_us: 0,
        full_at_us: 0,
        binding,
        count: usage.count,
        limit: usage.limit,
        remaining: usage.remaining,
        reset_after_ms: ms_until(usage.reset_us, now_us),
        retry_after_ms: 0,
        wait_ms: 0,
        position: 0,
        waiting: saturate(waiting as u64),
        ticket: 0,
        discarded: cells.discarded(),
        leased: false,
        release_after_ms: 0,
    };
    apply(&mut decision, outcome, now_us);
    decision
}

fn apply(decision: &mut Decision, outcome: Outcome, now_us: u64) {
    match outcome {
        Outcome::Allowed { charged_at_us, full_at_us } => {
            (decision.charged_at_us, decision.full_at_us) = (charged_at_us, full_at_us);
        }
        Outcome::Placed { place_us, full_at_us } => {
            (decision.verdict, decision.reason) = (Verdict::Wait, Reason::Limit);
            (decision.charged_at_us, decision.full_at_us) = (place_us, full_at_us);
            decision.wait_ms = ms_until(place_us, now_us);
        }
        Outcome::Queued { ticket, due_us, position } => {
            (decision.verdict, decision.reason) = (Verdict::Wait, Reason::Limit);
            (decision.ticket, decision.position) = (ticket, saturate(position as u64));
            decision.wait_ms = ms_until(due_us, now_us);
        }
        Outcome::Denied { reason, retry_us } => {
            (decision.verdict, decision.reason) = (Verdict::Denied, reason);
            decision.retry_after_ms = ms_until(retry_us, now_us);
        }
    }
}

/// The limit with the least room.
fn binding(models: &[MeterModel], now_us: u64) -> (u32, Usage) {
    let mut found = (0, models[0].usage(now_us));
    for (index, model) in (1..).zip(&models[1..]) {
        let usage = model.usage(now_us);
        if usage.remaining < found.1.remaining {
            found = (index, usage);
        }
    }
    found
}

/// Rounded up: coming back then is not too early.
pub(crate) fn ms_until(time_us: u64, now_us: u64) -> u64 {
    time_us.saturating_sub(now_us).div_ceil(1_000)
}
