//! Configurations of circuit breakers, and whatever may lie in their cells.
//!
//! The input is a configuration, and then calls, outcomes, orders, the passing of time and writes
//! of strangers.

use tidegate_policy::circuit_breaker::{
    Backoff, Cause, CircuitBreaker, Config, Effect, Error, ErrorPart, ErrorPattern, FailureCount, FailureRate,
    HalfOpen, Mode, Others, Permit, ProbeRate, ProbeRule, Report, Sample, SlowRate, State, Trip,
};

use super::assert_problems;
use crate::input::Input;
use crate::stage::Stage;

const MODES: [Mode; 5] = [Mode::Normal, Mode::ForcedOpen, Mode::ForcedClosed, Mode::Disabled, Mode::MetricsOnly];
const PARTS: [ErrorPart; 5] = [ErrorPart::Any, ErrorPart::Name, ErrorPart::Message, ErrorPart::Code, ErrorPart::Status];
/// More steps than that show nothing that fewer do not.
const MAX_STEPS: usize = 200;
/// The most probes that a cell holds.
const MAX_PROBES: u32 = 1_000;

/// Runs an input.
///
/// # Panics
/// Where a promise is broken.
pub fn breaker(data: &[u8]) {
    let mut input = Input::new(data);
    let config = config(&mut input);
    let breaker = match CircuitBreaker::open(&config) {
        Ok(breaker) => breaker,
        Err(problems) => return assert_problems(&problems),
    };
    let mut circuit = Circuit::new(&config, &breaker);
    for _ in 0..MAX_STEPS {
        if input.is_empty() {
            break;
        }
        circuit.step(&mut input);
    }
}

/// Reads a configuration, sound or not.
pub(super) fn config(input: &mut Input<'_>) -> Config {
    let mut config = Config {
        trip: trip(input),
        open_ms: input.number(),
        backoff: input.flip().then(|| Backoff { factor: real(input), cap_ms: input.number() }),
        half_open: HalfOpen {
            probes: input.small(),
            successes: input.small(),
            permit_ms: input.number(),
            rule: ProbeRule::FirstFailure,
        },
        monitored: patterns(input),
        others: Others::Ignored,
        ignored: patterns(input),
        mode: Mode::Normal,
    };
    choose(&mut config, input.byte());
    config
}

/// The mode, and what ends the half-open state and becomes of other errors, by one byte.
fn choose(config: &mut Config, byte: u8) {
    let (mode, rest) = (usize::from(byte) % MODES.len(), u32::from(byte) / 5);
    config.mode = MODES[mode];
    config.half_open.rule = match rest % 3 {
        0 => ProbeRule::FirstFailure,
        1 => ProbeRule::Ratio(config.half_open.successes.saturating_add(rest / 6)),
        _ => ProbeRule::Rate(ProbeRate { percent: f64::from(rest) * 3.0, of: config.half_open.probes }),
    };
    config.others = if rest % 2 == 0 { Others::Ignored } else { Others::Success };
}

fn trip(input: &mut Input<'_>) -> Trip {
    let has = input.byte();
    Trip {
        failures: (has & 1 > 0).then(|| FailureCount { count: input.small(), within_ms: input.number() }),
        consecutive: (has & 2 > 0).then(|| input.small()),
        failure_rate: (has & 4 > 0).then(|| FailureRate { percent: real(input) }),
        slow_rate: (has & 8 > 0).then(|| SlowRate { percent: real(input), slower_than_ms: input.number() }),
        sample: if has & 16 > 0 { Sample::WindowMs(input.number()) } else { Sample::Calls(input.small()) },
        minimum_calls: input.small(),
    }
}

/// Hundredths, or any bits.
fn real(input: &mut Input<'_>) -> f64 {
    match input.maybe() {
        Some(hundredths) => f64::from(u32::try_from(hundredths).unwrap_or(u32::MAX)) / 100.0,
        None => f64::from_bits(input.number()),
    }
}

fn patterns(input: &mut Input<'_>) -> Vec<ErrorPattern> {
    (0..input.byte() % 4).map(|_| ErrorPattern { part: input.pick(&PARTS), pattern: input.text() }).collect()
}

/// A circuit, and those who call through it.
struct Circuit<'a> {
    config: &'a Config,
    breaker: &'a CircuitBreaker,
    stage: Stage,
    permits: Vec<Permit>,
    /// Probes whose outcome has not come, since what is in the cells was last known.
    probes: Vec<Permit>,
    /// Until when the circuit is open, as far as is known.
    open_until_us: u64,
    /// Whether a stranger has written.
    is_spoilt: bool,
}

impl<'a> Circuit<'a> {
    fn new(config: &'a Config, breaker: &'a CircuitBreaker) -> Self {
        let (stage, permits, probes) = (Stage::new(), Vec::new(), Vec::new());
        Self { config, breaker, stage, permits, probes, open_until_us: 0, is_spoilt: false }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 14 {
            0 | 1 => self.admit(),
            2 => self.ends(input, |breaker, stage, permit, ms| breaker.succeeded(stage, 0, permit, ms)),
            3 | 4 => {
                let code = input.text();
                let cause = Error { status: &code, ..Error::default() };
                let errors = [Error { name: "Timeout", message: "it took too long", code: &code, status: "" }, cause];
                self.ends(input, |breaker, stage, permit, ms| breaker.failed(stage, 0, permit, ms, &errors));
            }
            5 => self.ends(input, |breaker, stage, permit, ms| breaker.cancelled(stage, 0, permit, ms)),
            6 => self.recorded(|breaker, stage| breaker.record_success(stage, 0)),
            7 => self.recorded(|breaker, stage| breaker.record_failure(stage, 0, &[])),
            8 => self.recorded(|breaker, stage| breaker.record_cancelled(stage, 0)),
            9 => self.status(),
            10 => {
                let mode = input.pick(&MODES);
                self.ordered(|breaker, stage| breaker.set_mode(stage, 0, mode));
            }
            11 => match input.byte() % 4 {
                0 => self.ordered(|breaker, stage| breaker.reset(stage, 0)),
                1 => self.stage.pass_us(input.number()),
                _ => self.stage.pass_us(input.number().saturating_mul(1_000)),
            },
            12 => {
                self.stage.spoil(input);
                self.spoilt();
            }
            _ => {
                self.stage.damage(input);
                self.spoilt();
            }
        }
    }

    fn spoilt(&mut self) {
        self.is_spoilt = true;
        self.forget();
    }

    /// What is in the cells is not known any more.
    fn forget(&mut self) {
        self.probes.clear();
        self.open_until_us = 0;
    }

    fn call(&mut self, call: impl FnOnce(&CircuitBreaker, &mut Stage) -> Report) -> Report {
        let (foreign, writes) = (self.stage.foreign(), self.stage.writes());
        let report = call(self.breaker, &mut self.stage);
        self.assert_sound(&report, foreign);
        if matches!(report.effect, Effect::RefusedOpen | Effect::RefusedProbes | Effect::Late | Effect::None) {
            assert_eq!(self.stage.writes(), writes, "this changes nothing: {report:?} {:?}", self.stage);
        }
        if report.event.cause != Cause::None && report.effect != Effect::None {
            self.open_until_us = 0;
            let opened = report.event.after == State::Open && report.mode == Mode::Normal;
            if opened {
                assert!(report.retry_after_ms >= self.config.open_ms, "{:?} {report:?}", self.config);
                self.open_until_us = self.stage.time_us() + self.config.open_ms * 1_000;
            }
            // Those of an earlier generation hold no place in this one.
            self.probes.retain(|probe| probe.generation == report.generation);
        }
        report
    }

    fn admit(&mut self) {
        let report = self.call(|breaker, stage| breaker.admit(stage, 0));
        let now_us = self.stage.time_us();
        let shown = || format!("{:?} {report:?} {:?}", self.config, self.stage);
        if report.effect != Effect::Admitted {
            assert_eq!(report.permit, Permit::default(), "{}", shown());
            return;
        }
        assert_eq!(report.permit.generation, report.generation, "{}", shown());
        assert!(report.permit.admitted_at_us >= now_us, "{}", shown());
        if report.mode == Mode::Normal {
            assert!(now_us >= self.open_until_us, "an open circuit admits nobody: {}", shown());
        }
        if report.permit.probe > 0 {
            self.probes.push(report.permit);
            let lasts_us = self.config.half_open.permit_ms * 1_000;
            let now_us = report.permit.admitted_at_us;
            self.probes.retain(|probe| probe.admitted_at_us + lasts_us > now_us);
            let most = self.config.half_open.probes as usize;
            assert!(self.probes.len() <= most, "{} probes at once: {}", self.probes.len(), shown());
        }
        self.permits.push(report.permit);
    }

    /// Brings an outcome with a permit that was given, or with any.
    fn ends(&mut self, input: &mut Input<'_>, call: impl FnOnce(&CircuitBreaker, &mut Stage, Permit, u64) -> Report) {
        let given = input.maybe().and_then(|place| usize::try_from(place).ok()?.checked_rem(self.permits.len()));
        let permit = match given {
            Some(place) => self.permits[self.permits.len() - 1 - place],
            None => Permit { generation: input.number(), admitted_at_us: input.number(), probe: input.small() },
        };
        let elapsed_ms = input.number();
        self.probes.retain(|probe| (probe.generation, probe.probe) != (permit.generation, permit.probe));
        self.call(|breaker, stage| call(breaker, stage, permit, elapsed_ms));
    }

    /// Brings one without a permit: it is not known whose place that frees.
    fn recorded(&mut self, call: impl FnOnce(&CircuitBreaker, &mut Stage) -> Report) {
        self.probes.clear();
        self.call(call);
    }

    fn status(&mut self) {
        let report = self.call(|breaker, stage| breaker.status(stage, 0));
        assert_eq!((report.effect, report.event.cause), (Effect::None, Cause::None), "{report:?}");
    }

    fn ordered(&mut self, call: impl FnOnce(&CircuitBreaker, &mut Stage) -> Report) {
        let report = self.call(call);
        assert_eq!(report.effect, Effect::Ordered, "{report:?}");
        // Where a stranger took the generation away and time stands still, the next may be one that
        // was.
        assert!(report.failures + report.calls == 0 || self.is_spoilt, "{report:?}");
        assert_eq!(report.state == State::Open, report.mode == Mode::ForcedOpen, "{report:?}");
        self.forget();
    }

    fn assert_sound(&self, report: &Report, foreign: usize) {
        let shown = || format!("{:?} {report:?} {:?}", self.config, self.stage);
        assert!(report.discarded == 0 || foreign > 0, "what we wrote, we read: {}", shown());
        assert!(report.failed <= report.calls && report.slow <= report.calls, "{}", shown());
        for rate in [report.failure_rate, report.slow_rate] {
            assert!((0.0..=100.0).contains(&rate), "{}", shown());
        }
        assert!(report.failures <= self.config.trip.failures.map_or(0, |rule| rule.count), "{}", shown());
        assert!(report.probes <= MAX_PROBES, "{}", shown());
        assert!(report.state == State::HalfOpen || report.probes + report.successes == 0, "{}", shown());
        let refused = matches!(report.effect, Effect::RefusedOpen | Effect::RefusedProbes);
        assert!(!refused || report.retry_after_ms > 0, "who is refused is told when to come back: {}", shown());
        assert!(report.last_failure_us.is_none_or(|us| us <= self.stage.time_us() + AHEAD_US), "{}", shown());
    }
}

/// How far ahead of the clock a stored time may be.
const AHEAD_US: u64 = 86_400_000_000;
