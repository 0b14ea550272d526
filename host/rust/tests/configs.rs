//! Malformed settings: each is refused with its path, its value and what is allowed, and nothing is
//! half done.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use tidegate::{
    Algorithm, Backoff, CircuitBreakerConfig, Error, ErrorPattern, FailureCount, HalfOpen, Limit, OnLimit, ProbeRule,
    RateLimiterConfig, Sample, SlowRate, Tidegate, Trip, WindowUnit,
};

/// What is wrong and what is allowed, and the settings.
type Case<C> = (&'static str, &'static str, &'static str, C);

fn gate() -> Tidegate {
    Tidegate::builder().build().expect("the component loads")
}

fn limited(limit: Limit) -> RateLimiterConfig {
    RateLimiterConfig::new("api", limit)
}

fn by(algorithm: Algorithm) -> RateLimiterConfig {
    limited(Limit::per_second(10).by(algorithm))
}

fn window(unit: WindowUnit, count: u64) -> RateLimiterConfig {
    limited(Limit::new(10, unit, count))
}

fn on_limit(on_limit: OnLimit) -> RateLimiterConfig {
    limited(Limit::per_second(10)).on_limit(on_limit)
}

fn queue(max_size: u32, timeout_ms: u64, grace_ms: Option<u64>) -> RateLimiterConfig {
    on_limit(OnLimit::Queue { max_size, timeout_ms, grace_ms })
}

fn delay(max_wait_ms: u64) -> RateLimiterConfig {
    on_limit(OnLimit::Delay { max_wait_ms })
}

const ANY_WINDOW: &str = "1 millisecond to 366 days in all";
const A_DAY: &str = "1 to 86400000";

fn malformed_windows() -> Vec<Case<RateLimiterConfig>> {
    vec![
        ("limits[0].window", "0 second", ANY_WINDOW, window(WindowUnit::Second, 0)),
        ("limits[0].window", "367 day", ANY_WINDOW, window(WindowUnit::Day, 367)),
        ("limits[0].window", "8785 hour", ANY_WINDOW, window(WindowUnit::Hour, 8_785)),
        ("limits[0].window", "31622400001 millisecond", ANY_WINDOW, window(WindowUnit::Millisecond, 31_622_400_001)),
        ("limits[0].window", "18446744073709551615 minute", ANY_WINDOW, window(WindowUnit::Minute, u64::MAX)),
        ("limits[1].window", "0 day", ANY_WINDOW, limited(Limit::per_second(1)).and(Limit::new(1, WindowUnit::Day, 0))),
    ]
}

fn malformed_limits() -> Vec<Case<RateLimiterConfig>> {
    let none = RateLimiterConfig { limits: Vec::new(), ..limited(Limit::per_second(1)) };
    let nine_limits = RateLimiterConfig { limits: different_limits(9), ..none.clone() };
    let log = |limit| limited(Limit::per_second(limit).by(Algorithm::SlidingLog));
    let gcra = Algorithm::Gcra { burst: None };
    let too_fast = "at most 1000000 for gcra in this window: 1,000,000 in a second";
    let same = "of another window or algorithm than limits[0], which is counted in the same cells";
    vec![
        ("limits", "0 limits", "1 to 8 limits", none),
        ("limits", "9 limits", "1 to 8 limits", nine_limits),
        ("limits[0].algorithm.sub_windows", "0", "1 to 100", by(Algorithm::SlidingWindow { sub_windows: 0 })),
        ("limits[0].algorithm.sub_windows", "101", "1 to 100", by(Algorithm::SlidingWindow { sub_windows: 101 })),
        ("limits[0].algorithm.burst", "0", "1 to 3162240000", by(Algorithm::Gcra { burst: Some(0) })),
        ("limits[0].algorithm.burst", "0", "1 to 3162240000", by(Algorithm::TokenBucket { burst: Some(0) })),
        ("limits[0].algorithm.burst", "4294967295", "1 to 3162240000", by(Algorithm::Gcra { burst: Some(u32::MAX) })),
        ("limits[0].limit", "1000001", too_fast, limited(Limit::per_second(1_000_001).by(gcra))),
        ("limits[0].limit", "10001", "at most 10000 for sliding-log, which keeps every permit", log(10_001)),
        ("limits[1]", "5 in 1 second", same, limited(Limit::per_second(10)).and(Limit::per_second(5))),
        ("limits[1]", "9 in 1000 millisecond", same, {
            limited(Limit::per_second(10)).and(Limit::new(9, WindowUnit::Millisecond, 1_000))
        }),
    ]
}

/// Limits that are not counted in the same cells.
fn different_limits(count: u64) -> Vec<Limit> {
    (1..=count).map(|seconds| Limit::new(10, WindowUnit::Second, seconds)).collect()
}

fn malformed_behaviours() -> Vec<Case<RateLimiterConfig>> {
    let bounded = "1 to 1000000 with these limits: their state must stay bounded";
    vec![
        ("on_limit.max_wait_ms", "0", bounded, delay(0)),
        ("on_limit.max_wait_ms", "1000001", bounded, delay(1_000_001)),
        ("on_limit.max_wait_ms", "86400001", A_DAY, {
            by(Algorithm::Gcra { burst: None }).on_limit(OnLimit::Delay { max_wait_ms: 86_400_001 })
        }),
        ("on_limit.max_size", "0", "1 to 10000", queue(0, 1_000, None)),
        ("on_limit.max_size", "10001", "1 to 10000", queue(10_001, 1_000, None)),
        ("on_limit.timeout_ms", "0", A_DAY, queue(1, 0, None)),
        ("on_limit.timeout_ms", "86400001", A_DAY, queue(1, 86_400_001, None)),
        ("on_limit.grace_ms", "0", "1 to 1000", queue(1, 1_000, Some(0))),
        ("on_limit.grace_ms", "1001", "1 to 1000", queue(1, 1_000, Some(1_001))),
    ]
}

fn tripped(trip: Trip) -> CircuitBreakerConfig {
    CircuitBreakerConfig::new("payments", trip)
}

fn failures(count: u32, within_ms: u64) -> CircuitBreakerConfig {
    tripped(Trip { failures: Some(FailureCount { count, within_ms }), ..Trip::default() })
}

fn slow(percent: f64, slower_than_ms: u64) -> CircuitBreakerConfig {
    tripped(Trip { slow_rate: Some(SlowRate { percent, slower_than_ms }), ..Trip::default() })
}

fn sampled(sample: Sample, minimum_calls: u32) -> CircuitBreakerConfig {
    tripped(Trip { failure_rate_percent: Some(50.0), sample, minimum_calls, ..Trip::default() })
}

fn consecutive() -> CircuitBreakerConfig {
    CircuitBreakerConfig::consecutive("payments", 5)
}

fn malformed_trips() -> Vec<Case<CircuitBreakerConfig>> {
    let percent = "more than 0, at most 100";
    let rate = |percent| CircuitBreakerConfig::failure_rate("payments", percent);
    let row = |failures| CircuitBreakerConfig::consecutive("payments", failures);
    vec![
        ("trip", "no rule", "at least one of `failures`, `consecutive`, `failure_rate_percent` and `slow_rate`", {
            tripped(Trip::default())
        }),
        ("trip.failures.count", "0", "1 to 1000", failures(0, 1)),
        ("trip.failures.count", "1001", "1 to 1000", failures(1_001, 1)),
        ("trip.failures.within_ms", "0", A_DAY, failures(1, 0)),
        ("trip.failures.within_ms", "18446744073709551615", A_DAY, failures(1, u64::MAX)),
        ("trip.consecutive", "0", "1 to 1000000", row(0)),
        ("trip.consecutive", "1000001", "1 to 1000000", row(1_000_001)),
        ("trip.failure_rate_percent", "0", percent, rate(0.0)),
        ("trip.failure_rate_percent", "-1", percent, rate(-1.0)),
        ("trip.failure_rate_percent", "100.01", percent, rate(100.01)),
        ("trip.failure_rate_percent", "NaN", percent, rate(f64::NAN)),
        ("trip.failure_rate_percent", "inf", percent, rate(f64::INFINITY)),
        ("trip.slow_rate.percent", "101", percent, slow(101.0, 1)),
        ("trip.slow_rate.slower_than_ms", "0", A_DAY, slow(1.0, 0)),
        ("trip.sample.window_ms", "99", "100 to 86400000", sampled(Sample::WindowMs(99), 1)),
        ("trip.sample.calls", "1001", "1 to 1000", sampled(Sample::Calls(1_001), 1)),
        ("trip.minimum_calls", "0", "1 to 1000000", sampled(Sample::WindowMs(100), 0)),
        ("trip.minimum_calls", "11", "1 to 10", sampled(Sample::Calls(10), 11)),
    ]
}

fn malformed_recoveries() -> Vec<Case<CircuitBreakerConfig>> {
    let month = "1 to 2592000000";
    let backoff = |factor, cap_ms| CircuitBreakerConfig { backoff: Some(Backoff { factor, cap_ms }), ..consecutive() };
    let half_open = |half_open| consecutive().half_open(half_open);
    let with = HalfOpen::default();
    let monitored = |patterns| CircuitBreakerConfig { monitored: patterns, ..consecutive() };
    let ignored = |patterns| CircuitBreakerConfig { ignored: patterns, ..consecutive() };
    let dangling = "a pattern in which a character follows each backslash that takes one";
    vec![
        ("open_ms", "0", month, CircuitBreakerConfig { open_ms: 0, ..consecutive() }),
        ("open_ms", "2592000001", month, CircuitBreakerConfig { open_ms: 2_592_000_001, ..consecutive() }),
        ("backoff.factor", "0.5", "1 to 100", backoff(0.5, 60_000)),
        ("backoff.factor", "NaN", "1 to 100", backoff(f64::NAN, 60_000)),
        ("backoff.cap_ms", "29999", "30000 to 2592000000", backoff(2.0, 29_999)),
        ("half_open.probes", "0", "1 to 1000", half_open(HalfOpen { probes: 0, ..with })),
        ("half_open.successes", "0", "1 to 1000000", half_open(HalfOpen { successes: 0, ..with })),
        ("half_open.permit_ms", "86400001", A_DAY, half_open(HalfOpen { permit_ms: 86_400_001, ..with })),
        ("half_open.rule.ratio.of", "1", "2 to 1000000", {
            half_open(HalfOpen { successes: 2, rule: ProbeRule::Ratio { of: 1 }, ..with })
        }),
        ("half_open.rule.rate.of", "0", "1 to 1000000", {
            half_open(HalfOpen { rule: ProbeRule::Rate { percent: 50.0, of: 0 }, ..with })
        }),
        ("monitored[0].pattern", "\"\"", "1 to 1024 bytes long", monitored(vec![ErrorPattern::any("")])),
        ("ignored[1].pattern", "\"a\\\\\"", dangling, {
            ignored(vec![ErrorPattern::any("a"), ErrorPattern::any("a\\")])
        }),
        ("monitored", "101 patterns", "at most 100 patterns", monitored(vec![ErrorPattern::any("*"); 101])),
    ]
}

/// Whether an error names just this problem.
fn assert_names(error: Error, name: &str, [path, value, allowed]: [&str; 3]) {
    let shown = error.to_string();
    let Error::Config { name: named, problems } = error else { panic!("{path}: {shown}") };
    let found: Vec<_> = problems.iter().map(|p| [p.path.as_str(), p.value.as_str(), p.allowed.as_str()]).collect();
    assert_eq!((named.as_str(), found), (name, vec![[path, value, allowed]]));
    assert_eq!(shown, format!("{name:?} is not a valid configuration: {path} is {value}, must be {allowed}"));
}

#[tokio::test]
async fn each_malformed_limiter_is_refused_with_its_path_and_value_and_a_valid_one_works_after_it() {
    let gate = gate();
    let cases = [malformed_windows(), malformed_limits(), malformed_behaviours()].concat();
    for (index, (path, value, allowed, config)) in cases.into_iter().enumerate() {
        let error = gate.rate_limiter(config).expect_err(path);
        assert_names(error, "api", [path, value, allowed]);
        let limiter = gate.rate_limiter(limited(Limit::per_hour(2))).expect("it is valid");
        let decision = limiter.try_acquire(index.to_string().as_str()).await.expect("it fits");
        assert_eq!((decision.is_allowed(), decision.remaining), (true, 1), "after {path}");
    }
    assert_eq!(gate.stats().runtime.traps, 0);
}

#[tokio::test]
async fn each_malformed_breaker_is_refused_with_its_path_and_value_and_a_valid_one_works_after_it() {
    let gate = gate();
    let cases = [malformed_trips(), malformed_recoveries()].concat();
    for (path, value, allowed, config) in cases {
        let error = gate.circuit_breaker(config).expect_err(path);
        assert_names(error, "payments", [path, value, allowed]);
        let breaker = gate.circuit_breaker(consecutive()).expect("it is valid");
        assert!(breaker.admit().await.expect("there is an answer").is_admitted(), "after {path}");
    }
    assert_eq!(gate.stats().runtime.traps, 0);
}

#[test]
fn all_problems_of_a_limiter_are_told_at_once() {
    let config = limited(Limit::per_second(1).by(Algorithm::SlidingWindow { sub_windows: 0 }))
        .and(Limit::new(1, WindowUnit::Day, 0))
        .on_limit(OnLimit::Queue { max_size: 0, timeout_ms: 0, grace_ms: Some(0) });
    let Err(Error::Config { problems, .. }) = gate().rate_limiter(config) else { panic!("it is malformed") };
    let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
    let queue = ["on_limit.max_size", "on_limit.timeout_ms", "on_limit.grace_ms"];
    let limits = ["limits[0].algorithm.sub_windows", "limits[1].window"];
    assert_eq!(paths, [&limits[..], &queue].concat());
}

#[test]
fn all_problems_of_a_breaker_are_told_at_once() {
    let trip = Trip { consecutive: Some(0), failure_rate_percent: Some(-3.0), minimum_calls: 0, ..Trip::default() };
    let half_open = HalfOpen { probes: 0, successes: 0, permit_ms: 0, ..HalfOpen::default() };
    let config = CircuitBreakerConfig { open_ms: 0, ..tripped(trip).half_open(half_open) };
    let Err(Error::Config { problems, .. }) = gate().circuit_breaker(config) else { panic!("it is malformed") };
    let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
    let trip = ["trip.consecutive", "trip.failure_rate_percent", "trip.minimum_calls", "open_ms"];
    assert_eq!(paths, [&trip[..], &["half_open.probes", "half_open.successes", "half_open.permit_ms"]].concat());
}

/// Reads settings that must not be readable, and wants the error to name all of these words.
fn assert_unreadable<C: DeserializeOwned + Debug>(json: &str, words: &[&str]) {
    let error = serde_json::from_str::<C>(json).expect_err(json).to_string();
    for word in words {
        assert!(error.contains(word), "{json}: {error}");
    }
}

/// One text, one answer: the table that the tests of all languages read. What else is in it, Rust's
/// types say.
#[test]
fn settings_are_read_as_in_all_languages() {
    #[derive(serde::Deserialize)]
    struct Inputs {
        settings: Vec<(String, Option<String>)>,
    }
    let table = include_str!("../../../tests/conformance/inputs.json");
    let Inputs { settings } = serde_json::from_str(table).expect("the table is JSON");
    let gate = Tidegate::builder().build().expect("the component loads");
    for (text, path) in settings {
        let opened = RateLimiterConfig::from_json(&text).and_then(|config| gate.rate_limiter(config).map(drop));
        let found = opened.err().map(|error| match error {
            Error::Json { path, .. } => path,
            Error::Config { problems, .. } => problems[0].path.clone(),
            other => panic!("{text}: {other}"),
        });
        assert_eq!(found, path, "{text}");
    }
}

#[test]
fn a_limiter_that_is_not_of_the_shape_is_refused_by_the_name_of_the_field() {
    let cases: [(&str, &[&str]); 14] = [
        (r#"{"limits": []}"#, &["missing field", "name"]),
        (r#"{"name": "api"}"#, &["missing field", "limits"]),
        (r#"{"name": "api", "limits": [], "limit": 3}"#, &["unknown field", "limit", "limits"]),
        (r#"{"name": "api", "limits": [{"window": "second"}]}"#, &["missing field", "limit"]),
        (r#"{"name": "api", "limits": [{"limit": 1}]}"#, &["missing field", "window"]),
        (r#"{"name": "api", "limits": [{"limit": -1, "window": "second"}]}"#, &["-1", "u32"]),
        (r#"{"name": "api", "limits": [{"limit": 4294967296, "window": "second"}]}"#, &["4294967296", "u32"]),
        (r#"{"name": "api", "limits": [{"limit": 1.5, "window": "second"}]}"#, &["1.5", "u32"]),
        (r#"{"name": "api", "limits": [{"limit": "1", "window": "second"}]}"#, &["invalid type", "string"]),
        (r#"{"name": "api", "limits": [{"limit": 1, "window": "week"}]}"#, &["week", "second", "day"]),
        (r#"{"name": "api", "limits": [{"limit": 1, "window": "second", "windowcount": 2}]}"#, &["windowcount"]),
        (
            r#"{"name": "api", "limits": [{"limit": 1, "window": "second", "algorithm": {"name": "leaky"}}]}"#,
            &["leaky", "sliding-window", "gcra"],
        ),
        (r#"{"name": "api", "limits": [], "onLimit": {"behavior": "drop"}}"#, &["drop", "reject", "queue"]),
        (r#"{"name": "api", "limits": [], "onLimit": {"behavior": "delay"}}"#, &["missing field", "maxWaitMs"]),
    ];
    for (json, words) in cases {
        assert_unreadable::<RateLimiterConfig>(json, words);
    }
}

#[test]
fn a_breaker_that_is_not_of_the_shape_is_refused_by_the_name_of_the_field() {
    let cases: [(&str, &[&str]); 10] = [
        (r#"{"trip": {}}"#, &["missing field", "name"]),
        (r#"{"name": "c"}"#, &["missing field", "trip"]),
        (r#"{"name": "c", "trip": {"failureRate": 50}}"#, &["unknown field", "failureRate", "failureRatePercent"]),
        (r#"{"name": "c", "trip": {"failures": {"count": 5}}}"#, &["missing field", "withinMs"]),
        (r#"{"name": "c", "trip": {"consecutive": "5"}}"#, &["invalid type", "string"]),
        (r#"{"name": "c", "trip": {"sample": {"minutes": 1}}}"#, &["minutes", "windowMs", "calls"]),
        (r#"{"name": "c", "trip": {}, "openMs": -1}"#, &["-1", "u64"]),
        (r#"{"name": "c", "trip": {}, "halfOpen": {"probe": 1}}"#, &["unknown field", "probe", "probes"]),
        (r#"{"name": "c", "trip": {}, "monitored": [{"part": "text", "pattern": "a"}]}"#, &["text", "message"]),
        (r#"{"name": "c", "trip": {}, "mode": "on"}"#, &["on", "forced-open"]),
    ];
    for (json, words) in cases {
        assert_unreadable::<CircuitBreakerConfig>(json, words);
    }
}

#[test]
fn settings_survive_their_json() {
    let limiter = by(Algorithm::Gcra { burst: Some(3) }).and(Limit::per_hour(9)).on_limit(OnLimit::Queue {
        max_size: 5,
        timeout_ms: 1_000,
        grace_ms: Some(10),
    });
    let text = serde_json::to_string(&limiter).expect("it can be written");
    assert_eq!(serde_json::from_str::<RateLimiterConfig>(&text).expect(&text), limiter);
    let breaker = CircuitBreakerConfig { ignored: vec![ErrorPattern::any("a")], ..slow(5.5, 100) };
    let text = serde_json::to_string(&breaker).expect("it can be written");
    assert_eq!(serde_json::from_str::<CircuitBreakerConfig>(&text).expect(&text), breaker);
}

#[test]
fn the_least_json_gives_the_defaults() {
    let limiter = r#"{"name": "api", "limits": [{"limit": 10, "window": "second"}]}"#;
    let limiter: RateLimiterConfig = serde_json::from_str(limiter).expect("it is readable");
    assert_eq!(limiter, limited(Limit::per_second(10)));
    let breaker = r#"{"name": "payments", "trip": {"consecutive": 5}}"#;
    let breaker: CircuitBreakerConfig = serde_json::from_str(breaker).expect("it is readable");
    assert_eq!(breaker, consecutive());
}

/// All problems that JSON of the wrong shape has: path, value and what is allowed.
fn misread(read: Result<(), Error>) -> Vec<(String, String, String)> {
    let Err(Error::Config { problems, .. }) = read else { panic!("it is of the right shape: {read:?}") };
    problems.into_iter().map(|problem| (problem.path, problem.value, problem.allowed)).collect()
}

#[test]
fn json_of_the_wrong_shape_is_refused_with_all_that_is_wrong() {
    let limiter = |text: &str| misread(RateLimiterConfig::from_json(text).map(drop));
    let breaker = |text: &str| misread(CircuitBreakerConfig::from_json(text).map(drop));
    let words = r#"one of "error", "open", "closed", {"share": ...}"#;
    let units = r#"one of "millisecond", "second", "minute", "hour", "day""#;
    let cases = [
        (
            limiter(r#"{"name": 5, "limits": [{"limit": "5", "window": "week"}], "whenAway": "allow"}"#),
            vec![
                ("name", "5", "a text"),
                ("limits[0].limit", "\"5\"", "a whole number from 0 to 4294967295"),
                ("limits[0].window", "\"week\"", units),
                ("whenAway", "\"allow\"", words),
            ],
        ),
        (
            // What is only out of range is told along with what is of the wrong type.
            limiter(r#"{"limits": 10, "onLimit": {"behavior": "queue", "maxSize": 0, "timeoutMs": 0.5}}"#),
            vec![
                ("name", "missing", "a text"),
                ("limits", "10", "a list"),
                ("onLimit.maxSize", "0", "1 to 10000"),
                ("onLimit.timeoutMs", "0.5", "a whole number from 1 to 86400000"),
            ],
        ),
        (
            limiter(r#"{"name": "a", "limits": ["ten a second"], "onLimit": "queue"}"#),
            vec![
                ("limits[0]", "\"ten a second\"", "an object or a text such as \"10/second\""),
                ("onLimit", "\"queue\"", r#"an object whose behavior is one of "reject", "delay", "queue""#),
            ],
        ),
        (
            breaker(r#"{"name": "a", "trip": {"consecutive": -1, "sample": {}}, "failures": 5}"#),
            vec![
                (
                    "failures",
                    "5",
                    "left out: the fields here are name, trip, openMs, backoff, halfOpen, monitored, others, ignored, \
                     countRefusals, mode, whenAway",
                ),
                ("trip.consecutive", "-1", "a whole number from 1 to 1000000"),
                ("trip.sample", "{}", r#"one of {"windowMs": ...}, {"calls": ...}"#),
            ],
        ),
        (limiter("7"), vec![(".", "7", "an object")]),
    ];
    for (found, expected) in cases {
        let found: Vec<_> = found.iter().map(|(path, value, allowed)| (&**path, &**value, &**allowed)).collect();
        assert_eq!(found, expected);
    }
    assert!(RateLimiterConfig::from_json(r#"{"name": "a", "limits": [{"limit": 5, "window": "second"}]}"#).is_ok());
}

#[test]
fn what_is_no_json_is_refused_with_its_place() {
    for (text, reason) in [(r#"{"name": "a", "limits": []} x"#, "line 1 column 29"), ("", "line 1 column 0")] {
        let Err(Error::Json { path, reason: found }) = RateLimiterConfig::from_json(text) else { panic!("{text}") };
        assert_eq!(path, ".");
        assert!(found.contains(reason), "{found}");
    }
}

#[test]
fn a_limit_may_be_a_text() {
    let read = |text: &str| text.parse::<Limit>();
    for (text, limit) in [
        ("10/second", Limit::per_second(10)),
        (" 100 / 5 minutes ", Limit::new(100, WindowUnit::Minute, 5)),
        ("1000 per day", Limit::per_day(1_000)),
        ("5/250ms", Limit::new(5, WindowUnit::Millisecond, 250)),
    ] {
        assert_eq!(read(text).expect(text), limit);
        let config = format!(r#"{{"name": "api", "limits": ["{text}"]}}"#);
        assert_eq!(RateLimiterConfig::from_json(&config).expect(text), limited(limit));
    }
    for text in ["", "10", "/second", "ten/second", "-1/second", "+1/second", "10/week", "1.5/second", "4294967296/s"] {
        let Err(Error::Config { problems, .. }) = read(text) else { panic!("{text} is a limit") };
        assert_eq!(problems[0].value, format!("{text:?}"));
    }
}
