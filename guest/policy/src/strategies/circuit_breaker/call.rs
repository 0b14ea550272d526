//! One call in progress: what it read of the circuit, what it changes, and what it reports in the
//! end.

use alloc::string::String;

use super::config::Mode;
use super::metrics::Metrics;
use super::record::{Phase, Record};
use super::report::{Cause, Effect, Event, Permit, Report, Settle, State};
use super::rules::{Counts, Rules};
use super::{METRICS, STATE};
use crate::kv::{Cell, Clock, Kv, MAX_LAG_MS};
use crate::parts::sample::{Outcome, Tally};

pub(super) struct Call<'a, W> {
    world: &'a mut W,
    pub(super) rules: &'a Rules,
    entity: u32,
    clock_us: u64,
    /// The time of the call: the clock's, or the latest that the cells have seen where that is
    /// later.
    pub(super) now_us: u64,
    pub(super) record: Record,
    metrics: Option<Metrics>,
    pub(super) event: Event,
    pub(super) settle: Settle,
    discarded: u32,
}

impl<'a, W: Kv + Clock> Call<'a, W> {
    /// Reads the clock and the state cell.
    pub(super) fn begin(world: &'a mut W, rules: &'a Rules, entity: u32) -> Self {
        let clock_us = world.now_us();
        let text = world.get(Cell::shared(entity, STATE));
        let (record, discarded) = read(text, |text| Record::decode(text, clock_us));
        let record = record.unwrap_or(Record::ABSENT);
        let now_us = clock_us.max(record.at_us);
        let (event, settle) = (Event::NONE, Settle::Now);
        Self { world, rules, entity, clock_us, now_us, record, metrics: None, event, settle, discarded }
    }

    /// The mode in force.
    pub(super) fn mode(&self) -> Mode {
        self.record.order.unwrap_or(self.rules.mode)
    }

    /// The state that a caller sees.
    pub(super) fn state(&self) -> State {
        match (self.mode(), &self.record.phase) {
            (Mode::ForcedOpen, _) => State::Open,
            (Mode::Normal, Phase::Open(opened)) if !opened.is_over(self.now_us) => State::Open,
            (Mode::Normal, Phase::Open(_) | Phase::HalfOpen(_)) => State::HalfOpen,
            _ => State::Closed,
        }
    }

    /// The permit that an outcome without one counts for: the oldest probe's where the circuit is
    /// half-open, else one of now.
    pub(super) fn oldest_permit(&self) -> Permit {
        let probe = match (self.mode(), &self.record.phase) {
            (Mode::Normal, Phase::HalfOpen(probing)) => probing.oldest(self.now_us).unwrap_or(0),
            _ => 0,
        };
        Permit { generation: self.record.generation, admitted_at_us: self.now_us, probe }
    }

    /// Starts a new generation and reports it.
    pub(super) fn change(&mut self, phase: Phase, cause: Cause) {
        // An open circuit whose time is over shows as half-open, but the event names the state that
        // ends here.
        let before = if cause == Cause::OpenElapsed { State::Open } else { self.state() };
        self.record.change(phase, self.now_us);
        self.event = Event { cause, before, after: self.state() };
        self.save();
    }

    /// Writes the state cell.
    pub(super) fn save(&mut self) {
        self.record.at_us = self.now_us;
        let ttl_ms = self.record.ttl_ms(Metrics::counts_ms(self.rules));
        self.world.put(Cell::shared(self.entity, STATE), Some(&self.record.encode()), ttl_ms);
    }

    /// Keeps the state cell of a circuit in use from expiring. One that refuses by its rules lives
    /// long enough by itself.
    pub(super) fn keep(&mut self) {
        let refuses = self.mode() == Mode::Normal && self.record.phase != Phase::Closed;
        if !refuses && self.record.is_stale(self.now_us) {
            self.save();
        }
    }

    /// Counts an outcome; false: that changed nothing. [`Self::save_metrics`] writes it.
    pub(super) fn count(&mut self, outcome: Outcome) -> bool {
        let text = self.world.get(self.metrics_cell());
        let mut metrics = self.read_metrics(text);
        self.now_us = self.now_us.max(metrics.at_us);
        let changed = metrics.count(self.rules, outcome, self.now_us);
        self.metrics = Some(metrics);
        changed
    }

    /// What was counted, this outcome included.
    pub(super) fn counts(&self) -> Counts {
        self.metrics.as_ref().map(Metrics::counts).unwrap_or_default()
    }

    /// Writes the metrics cell.
    pub(super) fn save_metrics(&mut self) {
        if let Some(metrics) = &self.metrics {
            write_metrics(self.world, self.entity, self.rules, metrics);
        }
    }

    /// Writes the metrics cell without its counts, but reports them once more.
    pub(super) fn clear_metrics(&mut self) {
        if let Some(mut metrics) = self.metrics.clone() {
            metrics.clear();
            write_metrics(self.world, self.entity, self.rules, &metrics);
        }
    }

    /// The report.
    pub(super) fn finish(mut self, effect: Effect, permit: Permit) -> Report {
        let mut metrics = self.metrics_to_report();
        metrics.slide(self.rules, self.now_us.max(metrics.at_us));
        let Counts { failures, consecutive, sample } = metrics.counts();
        let (successes, probes) = self.probing();
        Report {
            effect,
            state: self.state(),
            mode: self.mode(),
            generation: self.record.generation,
            permit,
            failures,
            consecutive,
            calls: sample.calls,
            failed: sample.failed,
            slow: sample.slow,
            failure_rate: percent(sample.failed, sample),
            slow_rate: percent(sample.slow, sample),
            successes,
            probes,
            retry_after_ms: self.retry_after_ms(),
            last_failure_us: metrics.last_failure_us,
            event: self.event,
            settle: self.settle,
            discarded: self.discarded,
        }
    }

    fn metrics_to_report(&mut self) -> Metrics {
        let metrics = self.metrics.take().unwrap_or_else(|| {
            let text = self.world.observe(self.metrics_cell());
            self.read_metrics(text)
        });
        // The call may have cleared the counts by closing the circuit.
        metrics.adapted(self.rules, self.record.since)
    }

    fn read_metrics(&mut self, text: Option<String>) -> Metrics {
        let (metrics, discarded) = read(text, |text| Metrics::decode(text, self.clock_us));
        self.discarded += discarded;
        let metrics = metrics.unwrap_or_else(|| Metrics::absent(self.rules, self.record.since));
        metrics.adapted(self.rules, self.record.since)
    }

    fn metrics_cell(&self) -> Cell {
        Cell::shared(self.entity, METRICS)
    }

    fn probing(&self) -> (u32, u32) {
        match (self.mode(), &self.record.phase) {
            (Mode::Normal, Phase::HalfOpen(probing)) => (probing.successes, probing.in_flight(self.now_us)),
            _ => (0, 0),
        }
    }

    /// Counted from the clock and not from [`Self::now_us`]: the caller waits by a clock that goes
    /// on from there.
    fn retry_after_ms(&self) -> u64 {
        let free_at_us = match (self.mode(), &self.record.phase) {
            (Mode::Normal, Phase::Open(opened)) if !opened.is_over(self.now_us) => Some(opened.until_us),
            (Mode::Normal, Phase::HalfOpen(probing)) => probing.free_at_us(&self.rules.half_open, self.now_us),
            _ => None,
        };
        free_at_us.map_or(0, |us| us.saturating_sub(self.clock_us).div_ceil(1_000))
    }
}

/// Decodes a stored text, and counts it if it is not ours.
fn read<T>(text: Option<String>, decode: impl FnOnce(&str) -> Option<T>) -> (Option<T>, u32) {
    let Some(text) = text else { return (None, 0) };
    let value = decode(&text);
    let discarded = u32::from(value.is_none());
    (value, discarded)
}

fn write_metrics<W: Kv>(world: &mut W, entity: u32, rules: &Rules, metrics: &Metrics) {
    let ttl_ms = Metrics::counts_ms(rules) + MAX_LAG_MS;
    world.put(Cell::shared(entity, METRICS), Some(&metrics.encode()), ttl_ms);
}

fn percent(part: u32, sample: Tally) -> f64 {
    if sample.calls == 0 { 0.0 } else { f64::from(part) * 100.0 / f64::from(sample.calls) }
}
