//! A configuration that has been checked, in the units that decisions are taken in.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::config::{Backoff, Config, ErrorPattern, FailureCount, HalfOpen, Mode, Others, ProbeRule, Trip};
use super::pattern::{LOOKED_AT_ERRORS, MAX_PATTERN_BYTES, Matcher};
use super::report::{Cause, Error};
use super::{DAY_MS, MAX_OPEN_MS, MAX_REMEMBERED};
use crate::parts::sample::Sample;
use crate::parts::sample::{Outcome, Tally};
use crate::problem::{Problem, Problems};

pub(crate) const MAX_PATTERNS: usize = 100;
pub(crate) const MAX_CALLS: u32 = 1_000_000;
/// The name of a call's error that a host has stopped because its own time limit was over. It is
/// always monitored.
const TIMED_OUT: &str = "CallTimeoutError";
/// How much of a bad text is quoted, in bytes.
const QUOTED_BYTES: usize = 100;

/// What a circuit breaker was configured to do.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) failures: Option<FailureCount>,
    pub(super) consecutive: Option<u32>,
    failure_hundredths: Option<u32>,
    slow_hundredths: Option<u32>,
    slower_than_ms: u64,
    /// None where no rule needs a sample.
    pub(super) sample: Option<Sample>,
    minimum_calls: u32,
    open_ms: u64,
    backoff: Option<Backoff>,
    pub(super) half_open: HalfOpen,
    monitored: Vec<Matcher>,
    others: Others,
    ignored: Vec<Matcher>,
    pub(super) mode: Mode,
}

/// What is counted of the calls so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) failures: u32,
    pub(super) consecutive: u32,
    pub(super) sample: Tally,
}

impl Rules {
    /// Checks the whole configuration.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(super) fn new(config: &Config) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        check_trip(&mut problems, &config.trip);
        check_open(&mut problems, config);
        check_half_open(&mut problems, &config.half_open);
        let trip = &config.trip;
        let has_rate = trip.failure_rate.is_some() || trip.slow_rate.is_some();
        let rules = Self {
            failures: trip.failures,
            consecutive: trip.consecutive,
            failure_hundredths: trip.failure_rate.map(|rate| hundredths(rate.percent)),
            slow_hundredths: trip.slow_rate.map(|rate| hundredths(rate.percent)),
            slower_than_ms: trip.slow_rate.map_or(u64::MAX, |rate| rate.slower_than_ms),
            sample: has_rate.then_some(trip.sample),
            minimum_calls: trip.minimum_calls,
            open_ms: config.open_ms,
            backoff: config.backoff,
            half_open: config.half_open,
            monitored: matchers(&mut problems, "monitored", &config.monitored),
            others: config.others,
            ignored: matchers(&mut problems, "ignored", &config.ignored),
            mode: config.mode,
        };
        problems.into_result(rules)
    }

    /// The first rule that these counts meet. A success cannot meet a rule that counts failures
    /// alone.
    pub(super) fn met(&self, counts: &Counts, failed: bool) -> Option<Cause> {
        let sample = &counts.sample;
        let reached = |limit: Option<u32>, count| limit.is_some_and(|limit| failed && count >= limit);
        let share = |limit: Option<u32>, part: u32| {
            let met = |limit| u64::from(part) * 10_000 >= u64::from(limit) * u64::from(sample.calls);
            sample.calls >= self.minimum_calls && limit.is_some_and(met)
        };
        if reached(self.failures.map(|rule| rule.count), counts.failures) {
            Some(Cause::Failures)
        } else if reached(self.consecutive, counts.consecutive) {
            Some(Cause::Consecutive)
        } else if share(self.failure_hundredths, sample.failed) {
            Some(Cause::FailureRate)
        } else if share(self.slow_hundredths, sample.slow) {
            Some(Cause::SlowRate)
        } else {
            None
        }
    }

    /// Whether a call that took this long is slow.
    pub(super) fn is_slow(&self, elapsed_ms: u64) -> bool {
        self.slow_hundredths.is_some() && elapsed_ms >= self.slower_than_ms
    }

    /// What a call counts as that ended in this error, or one with these causes, after that time.
    /// `None`: it counts as nothing.
    pub(super) fn outcome(&self, errors: &[Error<'_>], elapsed_ms: u64) -> Option<Outcome> {
        let errors = if errors.is_empty() { &[Error::default()] } else { errors };
        let errors = &errors[..errors.len().min(LOOKED_AT_ERRORS)];
        let matches = |matcher: &Matcher| errors.iter().any(|error| matcher.matches(error));
        let timed_out = errors[0].name == TIMED_OUT;
        let failed = timed_out || self.monitored.is_empty() || self.monitored.iter().any(matches);
        let counts = failed || self.others == Others::Success;
        let outcome = Outcome { failed, slow: self.is_slow(elapsed_ms), given_up: false };
        (counts && !self.ignored.iter().any(matches)).then_some(outcome)
    }

    /// How long the circuit stays open after it has reopened this many times in a row.
    pub(super) fn open_ms(&self, reopenings: u32) -> u64 {
        let Some(backoff) = self.backoff else { return self.open_ms };
        let grown = whole_u64(as_f64(self.open_ms) * power(backoff.factor, reopenings) + 0.5);
        grown.clamp(self.open_ms, backoff.cap_ms)
    }

    /// Whether a count has a use however old it is.
    pub(super) fn counts_without_age(&self) -> bool {
        self.consecutive.is_some() || matches!(self.sample, Some(Sample::Calls(_)))
    }
}

fn check_trip(problems: &mut Problems, trip: &Trip) {
    let (rates, counts) = ((trip.failure_rate, trip.slow_rate), (trip.failures, trip.consecutive));
    if rates == (None, None) && counts == (None, None) {
        problems.add(
            "trip",
            &"no rule",
            "at least one of `failures`, `consecutive`, `failure-rate-percent` and `slow-rate`",
        );
    }
    if let Some(failures) = trip.failures {
        problems.check_range("trip.failures.count", failures.count, 1..=MAX_REMEMBERED);
        problems.check_range("trip.failures.within-ms", failures.within_ms, 1..=DAY_MS);
    }
    if let Some(consecutive) = trip.consecutive {
        problems.check_range("trip.consecutive", consecutive, 1..=MAX_CALLS);
    }
    if let Some(rate) = trip.failure_rate {
        check_percent(problems, "trip.failure-rate-percent", rate.percent);
    }
    if let Some(rate) = trip.slow_rate {
        check_percent(problems, "trip.slow-rate.percent", rate.percent);
        problems.check_range("trip.slow-rate.slower-than-ms", rate.slower_than_ms, 1..=DAY_MS);
    }
    check_sample(problems, trip);
}

fn check_sample(problems: &mut Problems, trip: &Trip) {
    let mut most_calls = MAX_CALLS;
    match trip.sample {
        Sample::WindowMs(window_ms) => problems.check_range("trip.sample.window-ms", window_ms, 100..=DAY_MS),
        Sample::Calls(calls) => {
            problems.check_range("trip.sample.calls", calls, 1..=MAX_REMEMBERED);
            most_calls = calls.clamp(1, MAX_REMEMBERED);
        }
    }
    problems.check_range("trip.minimum-calls", trip.minimum_calls, 1..=most_calls);
}

fn check_percent(problems: &mut Problems, path: &str, percent: f64) {
    if !(percent > 0.0 && percent <= 100.0) {
        problems.add(path, &percent, "more than 0, at most 100");
    }
}

fn check_open(problems: &mut Problems, config: &Config) {
    problems.check_range("open-ms", config.open_ms, 1..=MAX_OPEN_MS);
    if let Some(backoff) = config.backoff {
        problems.check_range("backoff.factor", backoff.factor, 1.0..=100.0);
        let least_ms = config.open_ms.clamp(1, MAX_OPEN_MS);
        problems.check_range("backoff.cap-ms", backoff.cap_ms, least_ms..=MAX_OPEN_MS);
    }
}

fn check_half_open(problems: &mut Problems, half_open: &HalfOpen) {
    problems.check_range("half-open.probes", half_open.probes, 1..=MAX_REMEMBERED);
    problems.check_range("half-open.successes", half_open.successes, 1..=MAX_CALLS);
    problems.check_range("half-open.permit-ms", half_open.permit_ms, 1..=DAY_MS);
    match half_open.rule {
        ProbeRule::FirstFailure => {}
        ProbeRule::Ratio(of) => {
            let least = half_open.successes.clamp(1, MAX_CALLS);
            problems.check_range("half-open.rule.ratio.of", of, least..=MAX_CALLS);
        }
        ProbeRule::Rate(rate) => {
            check_percent(problems, "half-open.rule.rate.percent", rate.percent);
            problems.check_range("half-open.rule.rate.of", rate.of, 1..=MAX_CALLS);
        }
    }
}

fn matchers(problems: &mut Problems, path: &str, patterns: &[ErrorPattern]) -> Vec<Matcher> {
    if patterns.len() > MAX_PATTERNS {
        problems.add(path, &format!("{} patterns", patterns.len()), &format!("at most {MAX_PATTERNS} patterns"));
    }
    let checked = patterns.iter().take(MAX_PATTERNS).enumerate();
    checked.filter_map(|(index, pattern)| matcher(problems, &format!("{path}[{index}].pattern"), pattern)).collect()
}

fn matcher(problems: &mut Problems, path: &str, pattern: &ErrorPattern) -> Option<Matcher> {
    let text = pattern.pattern.as_str();
    if text.is_empty() || text.len() > MAX_PATTERN_BYTES {
        problems.add(path, &quoted(text), &format!("1 to {MAX_PATTERN_BYTES} bytes long"));
        return None;
    }
    let matcher = Matcher::new(pattern);
    if matcher.is_none() {
        problems.add(path, &quoted(text), "a pattern in which a character follows each backslash that takes one");
    }
    matcher
}

fn quoted(text: &str) -> String {
    match text.len() {
        0..=QUOTED_BYTES => format!("{text:?}"),
        length => format!("{:?}... ({length} bytes)", &text[..text.floor_char_boundary(QUOTED_BYTES)]),
    }
}

/// The least number of hundredths that is not below `percent`. Compared as a quotient, so that 0.07
/// is 7 and not 8.
pub(super) fn hundredths(percent: f64) -> u32 {
    let near = u32::try_from(whole_u64(percent * 100.0)).unwrap_or(10_000).min(10_000);
    let candidates = near.saturating_sub(1).max(1)..10_000;
    candidates.take(3).find(|hundredths| f64::from(*hundredths) / 100.0 >= percent).unwrap_or(10_000)
}

/// `base` to the power of `exponent`, in at most 64 multiplications.
fn power(base: f64, exponent: u32) -> f64 {
    let (mut result, mut square, mut left) = (1.0, base, exponent);
    while left > 0 {
        if left & 1 == 1 {
            result *= square;
        }
        square *= square;
        left >>= 1;
    }
    result
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast saturates, which is what is wanted"
)]
fn whole_u64(number: f64) -> u64 {
    number as u64
}

#[expect(clippy::cast_precision_loss, reason = "a checked open time is far below 2^53")]
fn as_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{hundredths, power};

    #[test]
    fn hundredths_are_rounded_up_and_only_where_they_must() {
        let cases =
            [(0.07, 7), (0.29, 29), (50.0, 5_000), (33.333, 3_334), (1e-300, 1), (100.0, 10_000), (99.999, 10_000)];
        for (percent, expected) in cases {
            assert_eq!(hundredths(percent), expected, "{percent}");
        }
        for exact in 1..=10_000_u32 {
            assert_eq!(hundredths(f64::from(exact) / 100.0), exact);
        }
    }

    proptest! {
        #[test]
        fn hundredths_are_the_least_that_reach_the_percent(percent in 0.000_001..=100.0) {
            let found = hundredths(percent);
            prop_assert!(f64::from(found) / 100.0 >= percent);
            prop_assert!(found == 1 || f64::from(found - 1) / 100.0 < percent);
        }
    }

    #[test]
    fn powers_never_overflow_into_nonsense() {
        assert!((power(2.0, 10) - 1_024.0).abs() < f64::EPSILON);
        assert!((power(1.0, u32::MAX) - 1.0).abs() < f64::EPSILON);
        assert!((power(3.0, 0) - 1.0).abs() < f64::EPSILON);
        assert!(power(100.0, u32::MAX).is_infinite());
    }
}
