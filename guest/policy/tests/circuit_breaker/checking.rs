//! Malformed configurations: every problem with its path and value.

use tidegate_policy::circuit_breaker::{
    Backoff, CircuitBreaker, Config, ErrorPart, ErrorPattern, FailureCount, FailureRate, HalfOpen, Mode, Others,
    ProbeRate, ProbeRule, Sample, SlowRate, Trip,
};

use crate::common::{on_failures, without_rules};

fn sound() -> Config {
    Config {
        trip: Trip {
            failures: Some(FailureCount { count: 5, within_ms: 1_000 }),
            consecutive: Some(5),
            failure_rate: Some(FailureRate { percent: 50.0 }),
            slow_rate: Some(SlowRate { percent: 50.0, slower_than_ms: 100 }),
            sample: Sample::Calls(10),
            minimum_calls: 10,
        },
        backoff: Some(Backoff { factor: 2.0, cap_ms: 5_000 }),
        monitored: vec![pattern("*")],
        ignored: vec![pattern("a?")],
        ..without_rules()
    }
}

fn pattern(text: &str) -> ErrorPattern {
    ErrorPattern { part: ErrorPart::Any, pattern: text.to_string() }
}

type Spoil = fn(&mut Config);

fn rate(config: &mut Config, percent: f64) {
    config.trip.failure_rate = Some(FailureRate { percent });
}

fn slow(config: &mut Config, percent: f64, slower_than_ms: u64) {
    config.trip.slow_rate = Some(SlowRate { percent, slower_than_ms });
}

fn failures(config: &mut Config, count: u32, within_ms: u64) {
    config.trip.failures = Some(FailureCount { count, within_ms });
}

fn backoff(config: &mut Config, factor: f64, cap_ms: u64) {
    config.backoff = Some(Backoff { factor, cap_ms });
}

fn probe_rate(config: &mut Config, percent: f64, of: u32) {
    config.half_open.rule = ProbeRule::Rate(ProbeRate { percent, of });
}

const MALFORMED: [(&str, &str, Spoil); 51] = [
    ("trip", "no rule", |c| c.trip = without_rules().trip),
    ("trip.failures.count", "0", |c| failures(c, 0, 1)),
    ("trip.failures.count", "1001", |c| failures(c, 1_001, 1)),
    ("trip.failures.count", "4294967295", |c| failures(c, u32::MAX, 1)),
    ("trip.failures.within-ms", "0", |c| failures(c, 1, 0)),
    ("trip.failures.within-ms", "86400001", |c| failures(c, 1, 86_400_001)),
    ("trip.failures.within-ms", "18446744073709551615", |c| failures(c, 1, u64::MAX)),
    ("trip.consecutive", "0", |c| c.trip.consecutive = Some(0)),
    ("trip.consecutive", "1000001", |c| c.trip.consecutive = Some(1_000_001)),
    ("trip.failure-rate-percent", "0", |c| rate(c, 0.0)),
    ("trip.failure-rate-percent", "-1", |c| rate(c, -1.0)),
    ("trip.failure-rate-percent", "100.01", |c| rate(c, 100.01)),
    ("trip.failure-rate-percent", "NaN", |c| rate(c, f64::NAN)),
    ("trip.failure-rate-percent", "inf", |c| rate(c, f64::INFINITY)),
    ("trip.failure-rate-percent", "-inf", |c| rate(c, f64::NEG_INFINITY)),
    ("trip.slow-rate.percent", "0", |c| slow(c, 0.0, 1)),
    ("trip.slow-rate.percent", "101", |c| slow(c, 101.0, 1)),
    ("trip.slow-rate.percent", "NaN", |c| slow(c, f64::NAN, 1)),
    ("trip.slow-rate.slower-than-ms", "0", |c| slow(c, 1.0, 0)),
    ("trip.slow-rate.slower-than-ms", "86400001", |c| slow(c, 1.0, 86_400_001)),
    ("trip.sample.window-ms", "99", |c| c.trip.sample = Sample::WindowMs(99)),
    ("trip.sample.window-ms", "86400001", |c| c.trip.sample = Sample::WindowMs(86_400_001)),
    ("trip.sample.window-ms", "18446744073709551615", |c| c.trip.sample = Sample::WindowMs(u64::MAX)),
    ("trip.sample.calls", "1001", |c| c.trip.sample = Sample::Calls(1_001)),
    ("trip.minimum-calls", "0", |c| c.trip.minimum_calls = 0),
    ("trip.minimum-calls", "11", |c| c.trip.minimum_calls = 11),
    ("trip.minimum-calls", "1000001", |c| (c.trip.sample, c.trip.minimum_calls) = (Sample::WindowMs(100), 1_000_001)),
    ("open-ms", "0", |c| c.open_ms = 0),
    ("backoff.factor", "0.99", |c| backoff(c, 0.99, 5_000)),
    ("backoff.factor", "100.5", |c| backoff(c, 100.5, 5_000)),
    ("backoff.factor", "NaN", |c| backoff(c, f64::NAN, 5_000)),
    ("backoff.factor", "inf", |c| backoff(c, f64::INFINITY, 5_000)),
    ("backoff.cap-ms", "4999", |c| backoff(c, 2.0, 4_999)),
    ("backoff.cap-ms", "2592000001", |c| backoff(c, 2.0, 2_592_000_001)),
    ("half-open.probes", "0", |c| c.half_open.probes = 0),
    ("half-open.probes", "1001", |c| c.half_open.probes = 1_001),
    ("half-open.successes", "0", |c| c.half_open.successes = 0),
    ("half-open.successes", "1000001", |c| c.half_open.successes = 1_000_001),
    ("half-open.permit-ms", "0", |c| c.half_open.permit_ms = 0),
    ("half-open.permit-ms", "86400001", |c| c.half_open.permit_ms = 86_400_001),
    ("half-open.rule.ratio.of", "0", |c| c.half_open.rule = ProbeRule::Ratio(0)),
    ("half-open.rule.ratio.of", "1", |c| c.half_open.rule = ProbeRule::Ratio(1)),
    ("half-open.rule.ratio.of", "1000001", |c| c.half_open.rule = ProbeRule::Ratio(1_000_001)),
    ("half-open.rule.rate.percent", "0", |c| probe_rate(c, 0.0, 1)),
    ("half-open.rule.rate.percent", "NaN", |c| probe_rate(c, f64::NAN, 1)),
    ("half-open.rule.rate.of", "0", |c| probe_rate(c, 50.0, 0)),
    ("half-open.rule.rate.of", "1000001", |c| probe_rate(c, 50.0, 1_000_001)),
    ("monitored[1].pattern", "\"\"", |c| c.monitored.push(pattern(""))),
    ("ignored[0].pattern", "\"a\\\\\"", |c| c.ignored[0] = pattern(r"a\")),
    ("monitored", "101 patterns", |c| c.monitored = vec![pattern("*"); 101]),
    ("ignored", "1000 patterns", |c| c.ignored = vec![pattern("*"); 1_000]),
];

#[test]
fn each_malformed_setting_is_named_with_its_value() {
    for (path, value, spoil) in MALFORMED {
        let mut config = sound();
        spoil(&mut config);
        let problems = CircuitBreaker::open(&config).expect_err(path);
        let found: Vec<_> = problems.iter().map(|problem| (problem.path.as_str(), problem.value.as_str())).collect();
        assert_eq!(found, [(path, value)]);
        assert!(!problems[0].allowed.is_empty());
    }
}

#[test]
fn all_problems_are_reported_at_once() {
    let config = Config {
        trip: Trip {
            failures: Some(FailureCount { count: 0, within_ms: 0 }),
            consecutive: Some(0),
            failure_rate: Some(FailureRate { percent: f64::NAN }),
            slow_rate: Some(SlowRate { percent: 0.0, slower_than_ms: 0 }),
            sample: Sample::Calls(0),
            minimum_calls: 0,
        },
        open_ms: u64::MAX,
        backoff: Some(Backoff { factor: 0.0, cap_ms: 0 }),
        half_open: HalfOpen { probes: 0, successes: 0, permit_ms: 0, rule: ProbeRule::Ratio(0) },
        monitored: vec![pattern("")],
        others: Others::Success,
        ignored: vec![pattern("a"), pattern(r"\")],
        mode: Mode::Normal,
    };
    let problems = CircuitBreaker::open(&config).expect_err("nothing in it is right");
    let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "trip.failures.count",
            "trip.failures.within-ms",
            "trip.consecutive",
            "trip.failure-rate-percent",
            "trip.slow-rate.percent",
            "trip.slow-rate.slower-than-ms",
            "trip.sample.calls",
            "trip.minimum-calls",
            "open-ms",
            "backoff.factor",
            "backoff.cap-ms",
            "half-open.probes",
            "half-open.successes",
            "half-open.permit-ms",
            "half-open.rule.ratio.of",
            "monitored[0].pattern",
            "ignored[1].pattern",
        ]
    );
}

#[test]
fn a_bad_pattern_is_quoted_in_a_bounded_length() {
    let config = Config { ignored: vec![pattern(&"é".repeat(5_000_000))], ..on_failures() };
    let problems = CircuitBreaker::open(&config).expect_err("the pattern is too long");
    assert_eq!(problems[0].value, format!("\"{}\"... (10000000 bytes)", "é".repeat(50)));
    assert_eq!(problems[0].allowed, "1 to 1024 bytes long");
}

#[test]
fn a_range_is_told_as_what_is_allowed() {
    let mut config = sound();
    config.trip.minimum_calls = 11;
    let problems = CircuitBreaker::open(&config).expect_err("above the sample");
    assert_eq!(problems[0].allowed, "1 to 10");
}

#[test]
fn the_ends_of_every_range_are_allowed() {
    let least = Config {
        trip: Trip {
            failures: Some(FailureCount { count: 1, within_ms: 1 }),
            consecutive: Some(1),
            failure_rate: Some(FailureRate { percent: f64::MIN_POSITIVE }),
            slow_rate: Some(SlowRate { percent: 100.0, slower_than_ms: 1 }),
            sample: Sample::WindowMs(100),
            minimum_calls: 1,
        },
        open_ms: 1,
        backoff: Some(Backoff { factor: 1.0, cap_ms: 1 }),
        half_open: HalfOpen { probes: 1, successes: 1, permit_ms: 1, rule: ProbeRule::Ratio(1) },
        ..sound()
    };
    let most = Config {
        trip: Trip {
            failures: Some(FailureCount { count: 1_000, within_ms: 86_400_000 }),
            consecutive: Some(1_000_000),
            sample: Sample::WindowMs(86_400_000),
            minimum_calls: 1_000_000,
            slow_rate: Some(SlowRate { percent: 100.0, slower_than_ms: 86_400_000 }),
            ..sound().trip
        },
        open_ms: 2_592_000_000,
        backoff: Some(Backoff { factor: 100.0, cap_ms: 2_592_000_000 }),
        half_open: HalfOpen {
            probes: 1_000,
            successes: 1_000_000,
            permit_ms: 86_400_000,
            rule: ProbeRule::Rate(ProbeRate { percent: 100.0, of: 1_000_000 }),
        },
        monitored: vec![pattern(&"a".repeat(1_024)); 100],
        ..sound()
    };
    for config in [sound(), least, most] {
        assert!(CircuitBreaker::open(&config).is_ok());
    }
}
