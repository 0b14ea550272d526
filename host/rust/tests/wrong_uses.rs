//! Each wrong use gives one error that names the path, the value and what is allowed: of JSON that
//! is not of its shape as JSON has it, and else as one writes it in Rust. More fields of Rust's own
//! types that are out of range are in `configs.rs`.

use tidegate::{
    Ask, CircuitBreakerConfig, Error, FailureCount, Limit, RateLimiterConfig, Redis, SlowRate, StoreWatch, Tidegate,
    Trip, WhenAway, WindowUnit,
};

/// What is done, and what the error has to say.
type Use = (Result<(), Error>, &'static str);

fn gate() -> Tidegate {
    Tidegate::builder().build().expect("the component is there")
}

fn limiter(json: &str) -> Result<(), Error> {
    RateLimiterConfig::from_json(json).and_then(|config| gate().rate_limiter(config).map(drop))
}

fn limited(settings: &str) -> Result<(), Error> {
    limiter(&format!(r#"{{"name": "api", {settings}}}"#))
}

fn with(settings: &str) -> Result<(), Error> {
    limited(&format!(r#""limits": ["10/second"], {settings}"#))
}

fn breaker(settings: &str) -> Result<(), Error> {
    let config = CircuitBreakerConfig::from_json(&format!(r#"{{"name": "payments", {settings}}}"#));
    config.and_then(|config| gate().circuit_breaker(config).map(drop))
}

fn tripped(trip: &str) -> Result<(), Error> {
    breaker(&format!(r#""trip": {{{trip}}}"#))
}

fn node(settings: &str) -> Result<(), Error> {
    let given = format!(r#"{{"window": "second", "keyType": "global", "behavior": "reject", {settings}}}"#);
    gate().rate_limiter_node(given.as_str()).map(drop)
}

fn redis(url: &str) -> Result<(), Error> {
    Ok(Redis::builder(url).connect_in_background().map(drop)?)
}

const U32: &str = "must be a whole number from 0 to 4294967295";

fn limiters() -> Vec<Use> {
    let units = r#"must be one of "millisecond", "second", "minute", "hour", "day""#;
    let behaviours = r#"onLimit.behavior is "drop", must be one of "reject", "delay", "queue""#;
    vec![
        (limiter("{"), "the configuration is wrong at .: EOF while parsing"),
        (limiter("[]"), ". is [], must be an object"),
        (limiter(r#"{"limits": []}"#), "name is missing, must be a text"),
        (limiter(r#"{"name": "a"}"#), "limits is missing, must be a list"),
        (limited(r#""limits": "10/second""#), r#"limits is "10/second", must be a list"#),
        (limited(r#""limits": []"#), "limits is 0 limits, must be 1 to 8 limits"),
        (limited(r#""limits": [10]"#), "limits[0] is 10, must be an object or a text such as \"10/second\""),
        (limited(r#""limits": ["10/fortnight"]"#), r#"limits[0] is "10/fortnight", must be"#),
        (limited(r#""limits": ["0/0s"]"#), "limits[0].window is 0 second, must be 1 millisecond to 366 days"),
        (limited(r#""limits": [{"window": "second"}]"#), "limits[0].limit is missing, must be a whole number"),
        (limited(r#""limits": [{"limit": 1}]"#), units),
        (limited(r#""limits": [{"limit": 1, "window": "week"}]"#), r#"limits[0].window is "week", must be one of"#),
        (limited(r#""limits": [{"limit": 1.5, "window": "day"}]"#), U32),
        (limited(r#""limits": [{"limit": -1, "window": "day"}]"#), "limits[0].limit is -1, must be a whole number"),
        (limited(r#""limits": [{"limit": "1", "window": "day"}]"#), r#"limits[0].limit is "1", must be a whole"#),
        (limited(r#""limits": [{"limit": 1, "window": "day", "count": 2}]"#), "limits[0].count is 2, must be left out"),
        (
            limited(r#""limits": [{"limit": 1, "window": "day", "algorithm": "gcra"}]"#),
            r#"limits[0].algorithm is "gcra", must be an object whose name is one of"#,
        ),
        (
            limited(r#""limits": [{"limit": 1, "window": "day", "algorithm": {"name": "leaky"}}]"#),
            r#"limits[0].algorithm.name is "leaky", must be one of"#,
        ),
        (with(r#""limit": 3"#), "limit is 3, must be left out: the fields here are name, limits, onLimit"),
        (with(r#""onLimit": "queue""#), r#"onLimit is "queue", must be an object whose behavior is one of"#),
        (with(r#""onLimit": {"behavior": "drop"}"#), behaviours),
        (with(r#""onLimit": {"behavior": "delay"}"#), "onLimit.maxWaitMs is missing, must be a whole number"),
        (with(r#""onLimit": {"behavior": "delay", "maxWaitMs": 0}"#), "on_limit.max_wait_ms is 0, must be 1 to"),
        (with(r#""lease": {"maxPermits": 0, "lifeMs": 100}"#), "lease.max_permits is 0, must be"),
        (with(r#""whenAway": "allow""#), r#"whenAway is "allow", must be one of "error", "open", "closed""#),
        (with(r#""whenAway": {"share": 0}"#), "when_away.share is 0, must be 1 to 1000000"),
        ("ten".parse::<Limit>().map(drop), r#"limit is "ten", must be a limit such as "10/second""#),
        (gate().rate_limiter(RateLimiterConfig::new("a", Limit::new(1, WindowUnit::Day, 400))).map(drop), "400 day"),
        (
            gate()
                .rate_limiter(RateLimiterConfig::new("a", Limit::per_day(1)).when_away(WhenAway::Share { hosts: 0 }))
                .map(drop),
            "when_away.share is 0, must be 1 to 1000000",
        ),
    ]
}

fn breakers() -> Vec<Use> {
    let rules = "trip is no rule, must be at least one of `failures`, `consecutive`, `failure_rate_percent` and";
    let typed = |trip| gate().circuit_breaker(CircuitBreakerConfig::new("payments", trip)).map(drop);
    let failures = Trip { failures: Some(FailureCount { count: 5, within_ms: 0 }), ..Trip::default() };
    let slow = Trip { slow_rate: Some(SlowRate { percent: 0.0, slower_than_ms: 1 }), ..Trip::default() };
    vec![
        (breaker(r#""openMs": 5"#), "trip is missing, must be an object"),
        (tripped(""), rules),
        (tripped(r#""failures": 5"#), "trip.failures is 5, must be an object"),
        (tripped(r#""failures": {"count": 5}"#), "trip.failures.withinMs is missing, must be a whole number"),
        (tripped(r#""failureRate": 50"#), "trip.failureRate is 50, must be left out: the fields here are"),
        (tripped(r#""failureRatePercent": 150"#), "trip.failure_rate_percent is 150, must be more than 0, at most 100"),
        (tripped(r#""consecutive": "5""#), r#"trip.consecutive is "5", must be a whole number from 1 to 1000000"#),
        (tripped(r#""consecutive": 1, "sample": {"minutes": 1}"#), "trip.sample is {\"minutes\":1}, must be one of"),
        (breaker(r#""trip": {"consecutive": 5}, "openMs": 0.5"#), "openMs is 0.5, must be a whole number from 1 to"),
        (breaker(r#""trip": {"consecutive": 5}, "openMs": 0"#), "open_ms is 0, must be 1 to 2592000000"),
        (breaker(r#""trip": {"consecutive": 5}, "mode": "on""#), r#"mode is "on", must be one of "normal""#),
        (breaker(r#""trip": {"consecutive": 5}, "ignored": "Timeout""#), r#"ignored is "Timeout", must be a list"#),
        (
            breaker(r#""trip": {"consecutive": 5}, "halfOpen": {"probes": 0}"#),
            "half_open.probes is 0, must be 1 to 1000",
        ),
        (typed(Trip::default()), "at least one of `failures`, `consecutive`, `failure_rate_percent` and `slow_rate`"),
        (typed(failures), "trip.failures.within_ms is 0, must be 1 to 86400000"),
        (typed(slow), "trip.slow_rate.percent is 0, must be more than 0, at most 100"),
    ]
}

fn gates() -> Vec<Use> {
    let watch = |failures, open_ms| {
        let watch = StoreWatch { failures, open_ms, ..StoreWatch::default() };
        let store = Redis::builder("redis://127.0.0.1:1").connect_in_background().expect("it is a URL");
        Tidegate::builder().store(store).store_watch(watch).build().map(drop)
    };
    let url = "must be a URL such as redis://[user[:password]@]host[:port][/db]";
    let no_limit = Redis::builder("redis://127.0.0.1:1").timeout_ms(0).connect_in_background().map(drop);
    let no_tls = Redis::builder("redis://127.0.0.1:1").root_certificate("PEM").connect_in_background().map(drop);
    vec![
        (Tidegate::builder().require_shared(true).build().map(drop), "store is the memory store, must be one that"),
        (watch(0, 500), "store_watch.failures is 0, must be"),
        (watch(3, 0), "store_watch.open_ms is 0, must be"),
        (redis("localhost:6379"), url),
        (redis("http://localhost"), "url is \"http://localhost\", must be a URL such as"),
        (redis("redis://user:secret@host?db=3"), "without ?db: the database is the path, as in redis://host/3"),
        (redis("redis://user:secret@host?timeout=3"), "url is \"redis://***@host?timeout=3\""),
        (no_limit.map_err(Into::into), "timeout_ms is 0, must be 1 to 60000"),
        (
            no_tls.map_err(Into::into),
            "root_certificate is given, must be left out unless all URLs begin with rediss://",
        ),
        (node(r#""limit": 0.5"#), "limit is 0.5, must be"),
        (node(r#""limit": 1, "window": "week""#), "window is \"second\", must be given once"),
        (node(r#""limit": 1, "windows": "second""#), "windows is"),
    ]
}

#[tokio::test]
async fn one_error_says_what_is_wrong() {
    let uses = [limiters(), breakers(), gates()].concat();
    assert!(uses.len() >= 40);
    let faults: Vec<_> = uses.into_iter().filter_map(|(result, expected)| fault(result, expected)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// What is wrong with what came of a wrong use.
fn fault(result: Result<(), Error>, expected: &str) -> Option<String> {
    let Err(error) = result else { return Some(format!("nothing was said, in place of: {expected}")) };
    let message = error.to_string();
    let is_good = message.contains(expected) && foreign(&message).is_none() && !message.contains("secret");
    (!is_good).then(|| format!("{message}\nshould say: {expected}"))
}

#[tokio::test]
async fn one_error_says_what_is_wrong_with_a_call() {
    let limiter = gate().rate_limiter(RateLimiterConfig::new("api", Limit::per_second(2))).expect("it is valid");
    let error = limiter.try_acquire(Ask::of("me").cost(5)).await.expect_err("it never fits");
    assert_eq!(
        error.to_string(),
        "a cost of 5 can never fit in limits[0] of rate limiter \"api\", which admits 2 at once; 0 count now"
    );
    let node = r#"{"limit": 1, "window": "second", "keyType": "per-user", "behavior": "reject"}"#;
    let node = gate().rate_limiter_node(node).expect("it is valid");
    let error = node.execute("{}").await.expect_err("there is no user");
    assert!(error.to_string().contains("context.userId is missing, must be"), "{error}");
}

/// Words that are of the contract, of a library within, or of Rust's types.
const FOREIGN: [&str; 16] = [
    "serde", "wasmtime", "wit", "u8", "u32", "u64", "i64", "usize", "f64", "struct", "enum", "variant", "expected",
    "Option", "Vec", "option",
];

/// The first of them in a message; or a name as the contract has it, with a dash before its unit.
fn foreign(message: &str) -> Option<&str> {
    let is_of_a_word = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-');
    let mut words = message.split(|character| !is_of_a_word(character));
    words.find(|word| FOREIGN.contains(word) || word.ends_with("-ms"))
}

#[test]
fn the_words_of_others_are_found() {
    for message in ["invalid type: integer `10`, expected struct Limit", "open-ms is 0", "option<u32>"] {
        assert!(foreign(message).is_some(), "{message}");
    }
}
