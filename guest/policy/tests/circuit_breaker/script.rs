//! Random circuits and random scripts of what happens to them.

use proptest::prelude::*;
use tidegate_policy::circuit_breaker::{
    Backoff, CircuitBreaker, Config, Error, ErrorPart, ErrorPattern, FailureCount, FailureRate, HalfOpen, Mode, Others,
    Permit, ProbeRate, ProbeRule, Report, Sample, SlowRate, Trip,
};
use tidegate_policy::kv::{Clock, Kv};

/// Calls that take this long are slow.
pub(crate) const SLOW_MS: u64 = 100;

/// One thing that happens. A permit is told by how many were given after it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Admit,
    Succeed { back: usize, elapsed_ms: u64 },
    Fail { back: usize, elapsed_ms: u64, counts: bool },
    Cancel { back: usize, elapsed_ms: u64 },
    Status,
    Order(Mode),
    Reset,
    Pass { us: u64 },
    Back { us: u64 },
}

impl Step {
    /// Which permit the step hands back.
    pub(crate) fn permit<P: Copy>(self, permits: &[P]) -> Option<P> {
        match self {
            Self::Succeed { back, .. } | Self::Fail { back, .. } | Self::Cancel { back, .. } => {
                permits.len().checked_sub(back % permits.len().max(1) + 1).map(|index| permits[index])
            }
            _ => None,
        }
    }

    /// Makes the call; none: the step is none, or hands back a permit though there is none.
    pub(crate) fn call<W: Kv + Clock>(
        self,
        breaker: &CircuitBreaker,
        world: &mut W,
        permits: &[Permit],
    ) -> Option<Report> {
        let permit = self.permit(permits);
        Some(match self {
            Self::Admit => breaker.admit(world, 0),
            Self::Succeed { elapsed_ms, .. } => breaker.succeeded(world, 0, permit?, elapsed_ms),
            Self::Fail { elapsed_ms, counts, .. } => {
                let cause = Error { status: if counts { "500" } else { "404" }, ..Error::default() };
                let error = Error { name: "Broken", message: "it broke", ..Error::default() };
                breaker.failed(world, 0, permit?, elapsed_ms, &[error, cause])
            }
            Self::Cancel { elapsed_ms, .. } => breaker.cancelled(world, 0, permit?, elapsed_ms),
            Self::Status => breaker.status(world, 0),
            Self::Order(mode) => breaker.set_mode(world, 0, mode),
            Self::Reset => breaker.reset(world, 0),
            Self::Pass { .. } | Self::Back { .. } => return None,
        })
    }

    /// The time after the step.
    pub(crate) fn time_us(self, now_us: u64) -> u64 {
        match self {
            Self::Pass { us } => now_us + us,
            Self::Back { us } => now_us - us,
            _ => now_us,
        }
    }
}

/// What disturbs a script beside the passing of time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Clocks {
    /// Now and then more than a day passes.
    Leap,
    /// Now and then the clock goes back.
    StepBack,
}

pub(crate) fn steps(clocks: Clocks) -> impl Strategy<Value = Vec<Step>> {
    let odd = match clocks {
        Clocks::Leap => Just(Step::Pass { us: 25 * 3_600_000_000 }).boxed(),
        Clocks::StepBack => (1..3_000_000_u64).prop_map(|us| Step::Back { us }).boxed(),
    };
    prop::collection::vec(prop_oneof![60 => call(), 20 => pass(), 1 => odd], 1..150)
}

fn call() -> impl Strategy<Value = Step> {
    let elapsed = || prop_oneof![3 => Just(1_u64), 1 => Just(SLOW_MS - 1), 1 => Just(SLOW_MS)];
    let back = || prop_oneof![6 => Just(0_usize), 2 => 0..4_usize, 1 => any::<usize>()];
    let fail = (back(), elapsed(), prop::bool::weighted(0.85));
    prop_oneof![
        40 => Just(Step::Admit),
        14 => (back(), elapsed()).prop_map(|(back, elapsed_ms)| Step::Succeed { back, elapsed_ms }),
        30 => fail.prop_map(|(back, elapsed_ms, counts)| Step::Fail { back, elapsed_ms, counts }),
        4 => (back(), elapsed()).prop_map(|(back, elapsed_ms)| Step::Cancel { back, elapsed_ms }),
        6 => Just(Step::Status),
        2 => mode().prop_map(Step::Order),
        1 => Just(Step::Reset),
    ]
}

fn pass() -> impl Strategy<Value = Step> {
    let us =
        prop_oneof![1..5_000_u64, 1..1_500_000_u64, (1..20_u64).prop_map(|tenths| tenths * 100_000), Just(1_000_000)];
    us.prop_map(|us| Step::Pass { us })
}

fn mode() -> impl Strategy<Value = Mode> {
    let rare = [Mode::ForcedOpen, Mode::ForcedClosed, Mode::Disabled, Mode::MetricsOnly];
    prop_oneof![2 => Just(Mode::Normal), 2 => prop::sample::select(rare.to_vec())]
}

/// A sound configuration whose thresholds are within a script's reach. Its percents are whole, and
/// so is its factor.
pub(crate) fn config() -> impl Strategy<Value = Config> {
    let backoff = prop::option::of((1..4_u32, 1_000..9_000_u64));
    let mode = prop_oneof![8 => Just(Mode::Normal), 1 => Just(Mode::MetricsOnly), 1 => mode()];
    (trip(), 200..1_500_u64, backoff, half_open(), errors(), mode).prop_map(
        |(trip, open_ms, backoff, half_open, (monitored, others, ignored), mode)| {
            let backoff =
                backoff.map(|(factor, more_ms)| Backoff { factor: f64::from(factor), cap_ms: open_ms + more_ms });
            Config { trip, open_ms, backoff, half_open, monitored, others, ignored, mode }
        },
    )
}

/// All errors count, or those of a status do not, or only those of another.
fn errors() -> impl Strategy<Value = (Vec<ErrorPattern>, Others, Vec<ErrorPattern>)> {
    let pattern = |text: &str| vec![ErrorPattern { part: ErrorPart::Status, pattern: text.to_string() }];
    let monitored = pattern("5??");
    prop_oneof![
        Just((vec![], Others::Success, vec![])),
        Just((vec![], Others::Success, pattern("4??"))),
        Just((monitored.clone(), Others::Ignored, vec![])),
        Just((monitored, Others::Success, vec![])),
    ]
}

fn half_open() -> impl Strategy<Value = HalfOpen> {
    (1..4_u32, 1..4_u32, 100..2_000_u64, 0..3_u32, 0..=2_u32, 1..=100_u32).prop_map(
        |(probes, successes, permit_ms, kind, more, percent)| {
            let rule = match kind {
                0 => ProbeRule::FirstFailure,
                1 => ProbeRule::Ratio(successes + more),
                _ => ProbeRule::Rate(ProbeRate { percent: f64::from(percent), of: 1 + more }),
            };
            HalfOpen { probes, successes, permit_ms, rule }
        },
    )
}

fn trip() -> impl Strategy<Value = Trip> {
    let failures = prop::option::of((1..6_u32, 100..4_000_u64));
    let rates = (prop::option::of(1..=100_u32), prop::option::of(1..=100_u32));
    let sample = prop_oneof![
        (100..4_000_u64, 1..6_u32).prop_map(|(window_ms, least)| (Sample::WindowMs(window_ms), least)),
        (1..12_u32, 1..6_u32).prop_map(|(calls, least)| (Sample::Calls(calls), least.min(calls))),
    ];
    (failures, prop::option::of(1..6_u32), rates, sample)
        .prop_filter("a rule is needed", |(failures, consecutive, rates, _)| {
            failures.is_some() || consecutive.is_some() || *rates != (None, None)
        })
        .prop_map(|(failures, consecutive, (failed, slow), (sample, minimum_calls))| Trip {
            failures: failures.map(|(count, within_ms)| FailureCount { count, within_ms }),
            consecutive,
            failure_rate: failed.map(|percent| FailureRate { percent: f64::from(percent) }),
            slow_rate: slow.map(|percent| SlowRate { percent: f64::from(percent), slower_than_ms: SLOW_MS }),
            sample,
            minimum_calls,
        })
}
