//! The summary: every number in it is counted from what happened.

mod text;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::args::{Settings, without_password};
use crate::event::Change;
use crate::server::{Log, Seen};
use crate::tally::Tally;
use crate::time::ms_since;

const SECOND_US: u64 = 1_000_000;

/// The summary of a run.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    store: String,
    workers: u32,
    concurrency: u32,
    took_ms: u64,
    items: Items,
    fallback: Fallbacks,
    limiter: Limiter,
    circuit: Circuit,
    server: Requests,
}

/// What became of the items. `asked` is the sum of the others, unless a worker was lost.
#[derive(Debug, Serialize)]
struct Items {
    asked: u32,
    passed: u32,
    failed: u32,
    failed_fast: u32,
    denied: u32,
    undecided: u32,
    lost: u32,
    failures: BTreeMap<String, u32>,
}

/// What the items that failed fast made do with.
#[derive(Debug, Serialize)]
struct Fallbacks {
    last_answer: u32,
    default: u32,
}

/// What the rate limiter did.
#[derive(Debug, Serialize)]
struct Limiter {
    limit: u32,
    let_go: usize,
    /// By the times of the decisions, on the store's clock.
    most_in_any_second: usize,
    waited_p50_us: Option<u64>,
    waited_p99_us: Option<u64>,
    waited_most_us: Option<u64>,
}

/// What the circuit did.
#[derive(Debug, Serialize)]
struct Circuit {
    /// This many failures within ten seconds open it.
    failures: u32,
    open_ms: u64,
    transitions: Vec<Transition>,
}

/// A state change of the circuit.
#[derive(Debug, Serialize)]
struct Transition {
    at_ms: u64,
    #[serde(flatten)]
    change: Change,
}

/// What the server saw.
#[derive(Debug, Serialize)]
struct Requests {
    seen: usize,
    answered_well: usize,
    answered_503: usize,
    /// From when until when it failed, in milliseconds since the start.
    failing_ms: Option<(u64, u64)>,
    /// For each second since the start.
    per_second: Vec<Second>,
    most_in_any_second: usize,
    /// The longest time between the decision of the limiter and the arrival of the request.
    latest_us: u64,
    /// In any span of a second less `latest_us`: what the limiter's promise comes to where the
    /// requests arrive.
    most_in_promised_span: usize,
}

/// A second of the server.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Second {
    answered_well: usize,
    answered_503: usize,
}

impl Summary {
    /// Sums up a run.
    pub(crate) fn of(settings: &Settings, tally: &Tally, log: &Log, started_us: u64, ended_us: u64) -> Self {
        Self {
            store: settings.redis.as_deref().map_or_else(|| "memory".to_owned(), without_password),
            workers: settings.workers,
            concurrency: settings.concurrency,
            took_ms: ms_since(started_us, ended_us),
            items: Items::of(settings.items, tally),
            fallback: Fallbacks { last_answer: tally.fell_back_on_last_answer, default: tally.fell_back_on_default },
            limiter: Limiter::of(settings.rate, tally),
            circuit: Circuit::of(settings, tally, started_us),
            server: Requests::of(tally, log, started_us),
        }
    }
}

impl Items {
    fn of(asked: u32, tally: &Tally) -> Self {
        Self {
            asked,
            passed: tally.passed,
            failed: tally.failed,
            failed_fast: tally.failed_fast(),
            denied: tally.denied,
            undecided: tally.undecided,
            lost: asked.saturating_sub(tally.done()),
            failures: tally.failures.clone(),
        }
    }
}

impl Limiter {
    fn of(limit: u32, tally: &Tally) -> Self {
        let mut waits_us = tally.waits_us.clone();
        waits_us.sort_unstable();
        Self {
            limit,
            let_go: waits_us.len(),
            most_in_any_second: most_in_any(SECOND_US, tally.charged_at_us.values().copied().collect()),
            waited_p50_us: percentile(&waits_us, 50),
            waited_p99_us: percentile(&waits_us, 99),
            waited_most_us: waits_us.last().copied(),
        }
    }
}

impl Circuit {
    fn of(settings: &Settings, tally: &Tally, started_us: u64) -> Self {
        let transition =
            |change: &Change| Transition { at_ms: ms_since(started_us, change.at_us), change: change.clone() };
        let transitions = tally.changes.iter().map(transition).collect();
        Self { failures: settings.failures, open_ms: settings.open_ms, transitions }
    }
}

impl Requests {
    fn of(tally: &Tally, log: &Log, started_us: u64) -> Self {
        let answered_well = log.requests.iter().filter(|seen| seen.is_good).count();
        let at_us: Vec<u64> = log.requests.iter().map(|seen| seen.at_us).collect();
        let late_us = |seen: &Seen| Some(seen.at_us.saturating_sub(*tally.charged_at_us.get(&seen.item?)?));
        let latest_us = log.requests.iter().filter_map(late_us).max().unwrap_or(0);
        Self {
            seen: log.requests.len(),
            answered_well,
            answered_503: log.requests.len() - answered_well,
            failing_ms: log.failing_us.map(|(from, until)| (ms_since(started_us, from), ms_since(started_us, until))),
            per_second: per_second(&log.requests, started_us),
            most_in_any_second: most_in_any(SECOND_US, at_us.clone()),
            latest_us,
            most_in_promised_span: most_in_any(SECOND_US.saturating_sub(latest_us), at_us),
        }
    }
}

fn per_second(requests: &[Seen], started_us: u64) -> Vec<Second> {
    let mut seconds: Vec<Second> = Vec::new();
    for seen in requests {
        let index = usize::try_from(seen.at_us.saturating_sub(started_us) / SECOND_US).unwrap_or(usize::MAX);
        if seconds.len() <= index {
            seconds.resize(index + 1, Second::default());
        }
        let second = &mut seconds[index];
        *if seen.is_good { &mut second.answered_well } else { &mut second.answered_503 } += 1;
    }
    seconds
}

/// The most of these times that lie in one such span, wherever it begins.
fn most_in_any(span_us: u64, mut times_us: Vec<u64>) -> usize {
    times_us.sort_unstable();
    let span_us = span_us.max(1);
    let within = |first: usize| times_us.partition_point(|at_us| *at_us < times_us[first] + span_us) - first;
    (0..times_us.len()).map(within).max().unwrap_or(0)
}

/// The least of the sorted values that this many percent are not above; none of none.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_the_busiest_second_wherever_it_begins() {
        let times_us = vec![2_400_000, 900_000, 1_000_000, 1_899_999, 1_900_000];
        assert_eq!(most_in_any(SECOND_US, times_us), 3);
        assert_eq!(most_in_any(0, vec![7, 7, 8]), 2);
        assert_eq!(most_in_any(SECOND_US, Vec::new()), 0);
    }

    #[test]
    fn percentiles_are_values_that_happened() {
        let waits: Vec<u64> = (1..=200).collect();
        assert_eq!(percentile(&waits, 50), Some(100));
        assert_eq!(percentile(&waits, 99), Some(198));
        assert_eq!(percentile(&[7], 99), Some(7));
        assert_eq!(percentile(&[], 50), None);
    }

    #[test]
    fn seconds_without_requests_are_kept() {
        let seen = |at_us, is_good| Seen { at_us, item: None, is_good };
        let seconds = per_second(&[seen(10, true), seen(2_500_000, false), seen(2_600_000, true)], 10);
        let counts: Vec<_> = seconds.iter().map(|second| (second.answered_well, second.answered_503)).collect();
        assert_eq!(counts, [(1, 0), (0, 0), (1, 1)]);
    }
}
