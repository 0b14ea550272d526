//! A model of the promises: it keeps the whole history in memory and recounts it for every answer.
//! It knows nothing of cells, generations or text.

use tidegate_policy::circuit_breaker::{Cause, Config, Effect, Mode, Others, ProbeRule, Report, Sample, Settle, State};

use crate::script::{SLOW_MS, Step};

const DAY_US: u64 = 86_400_000_000;

/// What a call was admitted with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    epoch: u64,
    at_us: u64,
    probe: u32,
}

#[derive(Debug, Clone, Copy)]
struct Call {
    at_us: u64,
    failed: bool,
    slow: bool,
    given_up: bool,
}

/// How a call ended that counts, and after how many milliseconds.
#[derive(Debug, Clone, Copy)]
enum Ended {
    Succeeded(u64),
    Failed(u64),
    GivenUp(u64),
}

#[derive(Debug, Clone)]
enum Phase {
    Closed,
    Open { until_us: u64 },
    HalfOpen { ended: Vec<bool>, last: u32, probes: Vec<(u32, u64)> },
}

/// What of a report is promised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) effect: Effect,
    pub(crate) mode: Mode,
    pub(crate) state: State,
    pub(crate) event: Option<(Cause, State, State)>,
    pub(crate) settle: Settle,
    pub(crate) counts: [u32; 7],
    pub(crate) retry_after_ms: u64,
    pub(crate) last_failure_us: Option<u64>,
    pub(crate) probe: u32,
    pub(crate) discarded: u32,
}

impl From<Report> for Answer {
    fn from(report: Report) -> Self {
        let event = (report.event.cause != Cause::None).then_some(report.event);
        Self {
            effect: report.effect,
            mode: report.mode,
            state: report.state,
            event: event.map(|event| (event.cause, event.before, event.after)),
            settle: report.settle,
            counts: [
                report.failures,
                report.consecutive,
                report.calls,
                report.failed,
                report.slow,
                report.successes,
                report.probes,
            ],
            retry_after_ms: report.retry_after_ms,
            last_failure_us: report.last_failure_us,
            probe: report.permit.probe,
            discarded: report.discarded,
        }
    }
}

pub(crate) struct Model {
    config: Config,
    clock_us: u64,
    /// The latest time at which anything changed.
    seen_us: u64,
    epoch: u64,
    phase: Phase,
    reopened: u32,
    order: Option<Mode>,
    history: Vec<Call>,
    last_failure_us: Option<u64>,
    /// When the counts were last written.
    counted_us: u64,
    /// A rule that was met in metrics-only: the counts go once they are reported.
    spent: bool,
    event: Option<(Cause, State, State)>,
    settle: Settle,
    pub(crate) tickets: Vec<Ticket>,
}

impl Model {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            config: config.clone(),
            clock_us: 0,
            seen_us: 0,
            epoch: 0,
            phase: Phase::Closed,
            reopened: 0,
            order: None,
            history: vec![],
            last_failure_us: None,
            counted_us: 0,
            spent: false,
            event: None,
            settle: Settle::Now,
            tickets: vec![],
        }
    }

    /// What the step must answer at a time; none: it asks for nothing.
    pub(crate) fn step(&mut self, step: Step, clock_us: u64) -> Option<Answer> {
        self.clock_us = clock_us;
        (self.event, self.settle) = (None, Settle::Now);
        self.forget();
        let ticket = step.permit(&self.tickets);
        let (effect, probe) = match step {
            Step::Admit => self.admit(),
            Step::Succeed { elapsed_ms, .. } => (self.finish(ticket?, Some(Ended::Succeeded(elapsed_ms))), 0),
            Step::Fail { elapsed_ms, counts, .. } => (self.finish(ticket?, self.failure(counts, elapsed_ms)), 0),
            Step::Cancel { elapsed_ms, .. } => {
                let slow = self.is_slow(elapsed_ms);
                (self.finish(ticket?, slow.then_some(Ended::GivenUp(elapsed_ms))), 0)
            }
            Step::Status => (Effect::None, 0),
            Step::Order(mode) => (self.order(mode), 0),
            Step::Reset => (self.close(Cause::Reset), 0),
            Step::Pass { .. } | Step::Back { .. } => return None,
        };
        let answer = self.answer(effect, probe);
        if std::mem::take(&mut self.spent) {
            self.history.clear();
        }
        Some(answer)
    }

    fn now_us(&self) -> u64 {
        self.clock_us.max(self.seen_us)
    }

    fn mode(&self) -> Mode {
        self.order.unwrap_or(self.config.mode)
    }

    fn state(&self) -> State {
        match (self.mode(), &self.phase) {
            (Mode::ForcedOpen, _) => State::Open,
            (Mode::Normal, Phase::Open { until_us }) if self.now_us() < *until_us => State::Open,
            (Mode::Normal, Phase::Open { .. } | Phase::HalfOpen { .. }) => State::HalfOpen,
            _ => State::Closed,
        }
    }

    /// Counts live for a day, or for 30 where a rule counts without regard to age.
    fn forget(&mut self) {
        let trip = &self.config.trip;
        let rate = trip.failure_rate.is_some() || trip.slow_rate.is_some();
        let ageless = trip.consecutive.is_some() || (rate && matches!(trip.sample, Sample::Calls(_)));
        let life_us = if ageless { 30 * DAY_US } else { DAY_US } + 1_000_000;
        if self.clock_us >= self.counted_us + life_us {
            self.history.clear();
            self.last_failure_us = None;
        }
    }

    fn change(&mut self, cause: Cause, before: State, phase: Phase) {
        self.seen_us = self.now_us();
        self.epoch += 1;
        self.phase = phase;
        self.event = Some((cause, before, self.state()));
    }

    fn close(&mut self, cause: Cause) -> Effect {
        let before = self.state();
        self.change(cause, before, Phase::Closed);
        self.history.clear();
        self.reopened = 0;
        Effect::Ordered
    }

    fn order(&mut self, mode: Mode) -> Effect {
        let before = self.state();
        self.order = (mode != Mode::Normal).then_some(mode);
        self.close(Cause::Mode);
        self.event = Some((Cause::Mode, before, self.state()));
        Effect::Ordered
    }

    fn admit(&mut self) -> (Effect, u32) {
        match (self.mode(), self.state()) {
            (Mode::ForcedOpen, _) => return (Effect::RefusedForced, 0),
            (Mode::Normal, State::Open) => return (Effect::RefusedOpen, 0),
            (Mode::Normal, State::HalfOpen) => return self.admit_probe(),
            _ => self.tickets.push(Ticket { epoch: self.epoch, at_us: self.now_us(), probe: 0 }),
        }
        (Effect::Admitted, 0)
    }

    fn admit_probe(&mut self) -> (Effect, u32) {
        if matches!(self.phase, Phase::Open { .. }) {
            let phase = Phase::HalfOpen { ended: vec![], last: 0, probes: vec![] };
            self.change(Cause::OpenElapsed, State::Open, phase);
        }
        let (now_us, limits, places) = (self.now_us(), self.config.half_open, self.places());
        let Phase::HalfOpen { last, probes, .. } = &mut self.phase else { panic!("it is half-open") };
        if probes.iter().filter(|probe| probe.1 > now_us).count() >= places as usize {
            return (Effect::RefusedProbes, 0);
        }
        *last += 1;
        let probe = *last;
        probes.push((probe, now_us + limits.permit_ms * 1_000));
        self.seen_us = now_us;
        self.tickets.push(Ticket { epoch: self.epoch, at_us: now_us, probe });
        (Effect::Admitted, probe)
    }

    /// What an error counts as that has or has not the status of those that count.
    fn failure(&self, counts: bool, elapsed_ms: u64) -> Option<Ended> {
        if counts || self.config.monitored.is_empty() && self.config.ignored.is_empty() {
            return Some(Ended::Failed(elapsed_ms));
        }
        let success = self.config.ignored.is_empty() && self.config.others == Others::Success;
        success.then_some(Ended::Succeeded(elapsed_ms))
    }

    /// How many probes may be in flight: by some rules no more than are still to end.
    fn places(&self) -> u32 {
        let limits = self.config.half_open;
        let Phase::HalfOpen { ended, .. } = &self.phase else { return limits.probes };
        match limits.rule {
            ProbeRule::FirstFailure => limits.probes,
            ProbeRule::Ratio(of) => limits.probes.min(of - count(ended.iter())),
            ProbeRule::Rate(rate) => limits.probes.min(rate.of - count(ended.iter())),
        }
    }

    /// Whether the probes that have ended close the circuit or open it again; none: neither.
    fn judged(&self) -> Option<bool> {
        let limits = self.config.half_open;
        let Phase::HalfOpen { ended, .. } = &self.phase else { panic!("it is half-open") };
        let successes = count(ended.iter().filter(|good| **good));
        let failed = count(ended.iter()) - successes;
        let enough = successes == limits.successes;
        match limits.rule {
            ProbeRule::FirstFailure => (enough || failed > 0).then_some(enough),
            ProbeRule::Ratio(of) => {
                (enough || successes + (of - count(ended.iter())) < limits.successes).then_some(enough)
            }
            ProbeRule::Rate(rate) => {
                (count(ended.iter()) == rate.of).then(|| f64::from(failed) * 100.0 < rate.percent * f64::from(rate.of))
            }
        }
    }

    /// `ended` is none where it counts as nothing.
    fn finish(&mut self, ticket: Ticket, ended: Option<Ended>) -> Effect {
        let now_us = self.now_us();
        if ticket.epoch != self.epoch || now_us.saturating_sub(ticket.at_us) > DAY_US {
            return Effect::Late;
        }
        if matches!(self.mode(), Mode::ForcedOpen | Mode::Disabled) {
            return Effect::Ignored;
        }
        let normal = self.mode() == Mode::Normal;
        if let Phase::HalfOpen { probes, .. } = &mut self.phase
            && normal
        {
            let Some(at) = probes.iter().position(|probe| probe.0 == ticket.probe && probe.1 > now_us) else {
                return Effect::Late;
            };
            probes.remove(at);
            self.seen_us = now_us;
            return ended.map_or(Effect::Ignored, |ended| self.finish_probe(ended));
        }
        ended.map_or(Effect::Ignored, |ended| self.finish_closed(ended))
    }

    fn finish_probe(&mut self, how: Ended) -> Effect {
        let (Ended::Succeeded(elapsed_ms) | Ended::Failed(elapsed_ms) | Ended::GivenUp(elapsed_ms)) = how;
        let slow = self.is_slow(elapsed_ms);
        let failed = slow || matches!(how, Ended::Failed(_));
        let Phase::HalfOpen { ended, .. } = &mut self.phase else { panic!("it is half-open") };
        ended.push(!failed);
        let judged = self.judged();
        if judged == Some(true) {
            if failed {
                (self.last_failure_us, self.counted_us) = (Some(self.now_us()), self.clock_us);
            }
            self.close(Cause::ProbesSucceeded);
        } else {
            self.remember(failed, slow, false);
        }
        if judged == Some(false) {
            self.reopened += 1;
            self.trip(Cause::ProbeFailed);
        }
        if failed { Effect::CountedFailure } else { Effect::CountedSuccess }
    }

    fn finish_closed(&mut self, how: Ended) -> Effect {
        let (Ended::Succeeded(elapsed_ms) | Ended::Failed(elapsed_ms) | Ended::GivenUp(elapsed_ms)) = how;
        let (failed, given_up) = (matches!(how, Ended::Failed(_)), matches!(how, Ended::GivenUp(_)));
        self.remember(failed, self.is_slow(elapsed_ms), given_up);
        self.settle = if failed || given_up { Settle::Now } else { Settle::Later };
        let met = self.met(failed).filter(|_| self.mode() != Mode::ForcedClosed);
        if let Some(cause) = met {
            self.settle = Settle::Now;
            if self.mode() == Mode::MetricsOnly {
                self.event = Some((cause, State::Closed, State::Open));
                self.spent = true;
            } else {
                self.trip(cause);
            }
        }
        match how {
            Ended::Succeeded(_) => Effect::CountedSuccess,
            Ended::Failed(_) => Effect::CountedFailure,
            Ended::GivenUp(_) => Effect::CountedSlow,
        }
    }

    fn trip(&mut self, cause: Cause) {
        let open_ms = (0..self.reopened).fold(self.config.open_ms, |open_ms, _| self.grown_ms(open_ms));
        let before = self.state();
        self.change(cause, before, Phase::Open { until_us: self.now_us() + open_ms * 1_000 });
    }

    fn grown_ms(&self, open_ms: u64) -> u64 {
        self.config.backoff.map_or(open_ms, |backoff| match backoff.factor {
            1.0 => open_ms,
            2.0 => (2 * open_ms).min(backoff.cap_ms),
            _ => (3 * open_ms).min(backoff.cap_ms),
        })
    }

    fn is_slow(&self, elapsed_ms: u64) -> bool {
        self.config.trip.slow_rate.is_some() && elapsed_ms >= SLOW_MS
    }

    fn remember(&mut self, failed: bool, slow: bool, given_up: bool) {
        let at_us = self.now_us();
        let trip = &self.config.trip;
        if failed || self.consecutive() > 0 || trip.failure_rate.is_some() || trip.slow_rate.is_some() {
            (self.seen_us, self.counted_us) = (at_us, self.clock_us);
        }
        if failed {
            self.last_failure_us = Some(at_us);
        }
        self.history.push(Call { at_us, failed, slow, given_up });
    }

    fn failures(&self) -> u32 {
        let Some(rule) = self.config.trip.failures else { return 0 };
        let within = |call: &&Call| call.failed && self.now_us() - call.at_us < rule.within_ms * 1_000;
        count(self.history.iter().filter(within)).min(rule.count)
    }

    fn consecutive(&self) -> u32 {
        let known = self.history.iter().rev().filter(|call| !call.given_up);
        count(known.take_while(|call| call.failed))
    }

    fn sample(&self) -> Vec<&Call> {
        if self.config.trip.failure_rate.is_none() && self.config.trip.slow_rate.is_none() {
            return vec![];
        }
        match self.config.trip.sample {
            Sample::Calls(calls) => self.history.iter().rev().take(calls as usize).collect(),
            Sample::WindowMs(window_ms) => self.window(window_ms * 100),
        }
    }

    /// The calls of the last ten steps, this one included: all of the last nine tenths and none
    /// from before the window.
    fn window(&self, step_us: u64) -> Vec<&Call> {
        let now_us = self.now_us();
        let sample: Vec<_> = self.history.iter().filter(|call| call.at_us / step_us + 10 > now_us / step_us).collect();
        let younger = |us| self.history.iter().filter(|call| now_us - call.at_us < us).count();
        assert!(younger(9 * step_us) <= sample.len() && sample.len() <= younger(10 * step_us));
        sample
    }

    fn met(&self, failed: bool) -> Option<Cause> {
        let trip = &self.config.trip;
        let sample = self.sample();
        let reaches = |calls: u32, percent: f64| {
            let enough = count(sample.iter()) >= trip.minimum_calls;
            enough && f64::from(calls) * 100.0 >= percent * f64::from(count(sample.iter()))
        };
        if failed && trip.failures.is_some_and(|rule| self.failures() == rule.count) {
            Some(Cause::Failures)
        } else if failed && trip.consecutive.is_some_and(|limit| self.consecutive() >= limit) {
            Some(Cause::Consecutive)
        } else if trip.failure_rate.is_some_and(|rate| reaches(count(sample.iter().filter(|c| c.failed)), rate.percent))
        {
            Some(Cause::FailureRate)
        } else if trip.slow_rate.is_some_and(|rate| reaches(count(sample.iter().filter(|c| c.slow)), rate.percent)) {
            Some(Cause::SlowRate)
        } else {
            None
        }
    }

    fn answer(&self, effect: Effect, probe: u32) -> Answer {
        let sample = self.sample();
        let (successes, probes, retry_at_us) = self.probing();
        Answer {
            effect,
            mode: self.mode(),
            state: self.state(),
            event: self.event,
            settle: self.settle,
            counts: [
                self.failures(),
                self.consecutive(),
                count(sample.iter()),
                count(sample.iter().filter(|call| call.failed)),
                count(sample.iter().filter(|call| call.slow)),
                successes,
                probes,
            ],
            retry_after_ms: retry_at_us.saturating_sub(self.clock_us).div_ceil(1_000),
            last_failure_us: self.last_failure_us,
            probe,
            discarded: 0,
        }
    }

    /// Successes, probes in flight, and when a call would be admitted again if not now.
    fn probing(&self) -> (u32, u32, u64) {
        match (&self.phase, self.state()) {
            _ if self.mode() != Mode::Normal => (0, 0, 0),
            (Phase::Open { until_us }, State::Open) => (0, 0, *until_us),
            (Phase::HalfOpen { ended, probes, .. }, _) => {
                let successes = count(ended.iter().filter(|good| **good));
                let alive = probes.iter().map(|probe| probe.1).filter(|us| *us > self.now_us());
                let full = count(alive.clone()) == self.places();
                (successes, count(alive.clone()), alive.min().filter(|_| full).unwrap_or(0))
            }
            _ => (0, 0, 0),
        }
    }
}

fn count(calls: impl Iterator) -> u32 {
    u32::try_from(calls.count()).expect("scripts are short")
}
