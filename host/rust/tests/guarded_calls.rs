//! Guarded calls: time limits, what errors and results count by, calls within calls, and permits
//! that are held.

use std::error::Error as StdError;
use std::future::pending;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate::{
    Ask, CallError, CircuitBreaker, CircuitBreakerConfig, CircuitReport, ErrorPart, ErrorPattern, Failure, HalfOpen,
    Limit, ManualClock, Mode, Others, RateLimiterConfig, State, Tidegate, blocking, http_failure,
};

const OPEN: Duration = Duration::from_secs(30);
const SECOND: Duration = Duration::from_secs(1);

struct World {
    clock: ManualClock,
    gate: Tidegate,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::new();
        let gate = Tidegate::builder().clock(clock.clone()).build().expect("the component loads");
        Self { clock, gate }
    }

    fn breaker(&self, config: CircuitBreakerConfig) -> CircuitBreaker {
        self.gate.circuit_breaker(config).expect("the configuration is valid")
    }

    /// Lets a future run until it waits, then lets so much time pass, and gives what it ends in.
    async fn after<T>(&self, time: Duration, call: impl Future<Output = T>) -> T {
        let mut call = Box::pin(call);
        let waits = std::future::poll_fn(|context| std::task::Poll::Ready(call.as_mut().poll(context).is_pending()));
        assert!(waits.await, "it waits");
        self.clock.advance(time);
        call.await
    }
}

fn nine_failures() -> CircuitBreakerConfig {
    CircuitBreakerConfig::consecutive("upstream", 9)
}

fn monitored(part: ErrorPart, pattern: &str) -> CircuitBreakerConfig {
    nine_failures().monitored([ErrorPattern { part, pattern: pattern.to_owned() }], Others::Ignored)
}

async fn status(breaker: &CircuitBreaker) -> CircuitReport {
    breaker.status().await.expect("there is an answer")
}

/// How many failures in a row the circuit has counted.
async fn failures(breaker: &CircuitBreaker) -> u32 {
    status(breaker).await.consecutive
}

#[derive(Debug, thiserror::Error)]
#[error("the request failed")]
struct Request(#[source] std::io::Error);

fn refused_connection() -> std::io::Error {
    std::io::ErrorKind::ConnectionRefused.into()
}

#[tokio::test]
async fn a_call_that_hangs_is_dropped_at_its_time_limit_and_has_failed() {
    let world = World::new();
    let breaker = world.breaker(CircuitBreakerConfig::consecutive("upstream", 2).open_for(OPEN));
    for _ in 0..2 {
        let call = breaker.guard().timeout(SECOND).call(pending::<Result<(), std::io::Error>>());
        let result = world.after(SECOND, call).await;
        assert!(matches!(result, Err(CallError::TimedOut { timeout: SECOND })), "{result:?}");
    }
    assert_eq!(status(&breaker).await.state, State::Open);
}

#[tokio::test]
async fn a_time_limit_that_is_over_counts_whatever_is_monitored_unless_it_is_ignored() {
    let world = World::new();
    let by_status = monitored(ErrorPart::Status, "5??");
    let ignoring = by_status.clone().ignored([ErrorPattern::any("CallTimeoutError")]);
    for (name, config, counted) in [("monitoring", by_status, 1), ("ignoring", ignoring, 0)] {
        let breaker = world.breaker(CircuitBreakerConfig { name: name.to_owned(), ..config });
        let call = breaker.guard().timeout(SECOND).call(pending::<Result<(), std::io::Error>>());
        assert!(matches!(world.after(SECOND, call).await, Err(CallError::TimedOut { .. })));
        assert_eq!(failures(&breaker).await, counted, "{name}");
    }
}

#[tokio::test]
async fn a_call_in_time_is_what_it_is_without_a_limit() {
    let world = World::new();
    let breaker = world.breaker(nine_failures());
    let answer = breaker.guard().timeout(SECOND).call(async { Ok::<_, std::io::Error>(5) }).await;
    assert_eq!(answer.expect("it is in time"), 5);
    let failed = breaker.guard().timeout(SECOND).call(async { Err::<(), _>(refused_connection()) }).await;
    assert!(matches!(failed, Err(CallError::Failed(_))), "{failed:?}");
    assert_eq!(failures(&breaker).await, 1);
}

#[tokio::test]
async fn errors_count_by_what_they_and_their_sources_tell() {
    let world = World::new();
    for (part, pattern, counted) in [
        (ErrorPart::Name, "Request", 1),
        (ErrorPart::Name, "io::Error", 1),
        (ErrorPart::Code, "ConnectionRefused", 1),
        (ErrorPart::Message, "the request failed", 1),
        (ErrorPart::Name, "Error", 0),
        (ErrorPart::Code, "TimedOut", 0),
    ] {
        let config = CircuitBreakerConfig { name: format!("{part:?} {pattern}"), ..monitored(part, pattern) };
        let breaker = world.breaker(config);
        let failed = breaker.call(async { Err::<(), _>(Request(refused_connection())) }).await;
        assert!(matches!(failed, Err(CallError::Failed(Request(_)))));
        assert_eq!(failures(&breaker).await, counted, "{part:?} {pattern}");
    }
}

#[tokio::test]
async fn boxed_errors_and_reports_are_taken_as_they_are() {
    let world = World::new();
    let breaker = world.breaker(monitored(ErrorPart::Code, "ConnectionRefused"));
    let boxed: Box<dyn StdError> = Box::new(Request(refused_connection()));
    breaker.call(async { Err::<(), _>(boxed) }).await.expect_err("it failed");
    let shared: Box<dyn StdError + Send + Sync> = Box::new(refused_connection());
    breaker.call(async { Err::<(), _>(shared) }).await.expect_err("it failed");
    let report = anyhow::Error::new(refused_connection()).context("while paying");
    let failed = breaker.call(async { Err::<(), _>(report) }).await;
    assert!(matches!(failed, Err(CallError::Failed(report)) if report.to_string() == "while paying"));
    assert_eq!(failures(&breaker).await, 3);
}

struct Reply {
    status: u16,
}

#[tokio::test]
async fn a_result_is_a_failure_where_a_predicate_says_so_and_is_given_all_the_same() {
    let world = World::new();
    let breaker = world.breaker(monitored(ErrorPart::Status, "???"));
    for (status, counted) in [(503, 1), (404, 0), (500, 1), (408, 2), (429, 3), (200, 0)] {
        let guard = breaker.guard().failure_if(|reply: &Reply| http_failure(reply.status));
        let reply = guard.call(async { Ok::<_, std::io::Error>(Reply { status }) }).await.expect("it has an answer");
        assert_eq!((reply.status, failures(&breaker).await), (status, counted));
    }
    let breaker = world.breaker(CircuitBreakerConfig { name: "by truth".to_owned(), ..nine_failures() });
    let guard = breaker.guard().failure_if(|rows: &Vec<u8>| rows.is_empty());
    guard.call(async { Ok::<_, std::io::Error>(vec![]) }).await.expect("it has an answer");
    assert_eq!(failures(&breaker).await, 1);
}

#[tokio::test]
async fn a_caller_keeps_its_result_though_judging_it_panics() {
    let world = World::new();
    let config = CircuitBreakerConfig::consecutive("upstream", 1).open_for(OPEN);
    let breaker = world.breaker(config);
    let broken = |_: &std::io::Error| -> Failure { panic!("it cannot be read") };
    let failed = breaker.call_with(broken, async { Err::<(), _>(refused_connection()) }).await;
    assert!(matches!(failed, Err(CallError::Failed(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused));
    assert_eq!(status(&breaker).await.state, State::Open);
    world.clock.advance(OPEN);
    let broken = |_: &u8| -> bool { panic!("it cannot be judged") };
    let answer = breaker.guard().failure_if(broken).call(async { Ok::<_, std::io::Error>(5) }).await;
    assert_eq!(answer.expect("it has an answer"), 5);
    assert_eq!(status(&breaker).await.state, State::Closed);
}

#[tokio::test]
async fn refusals_of_policies_within_are_no_failures_unless_that_is_said() {
    let world = World::new();
    let outer = world.breaker(nine_failures());
    let counting =
        world.breaker(CircuitBreakerConfig { name: "counting".to_owned(), ..nine_failures().count_refusals(true) });
    let inner = world.breaker(CircuitBreakerConfig::consecutive("inner", 1).open_for(OPEN));
    let limiter = world.gate.rate_limiter(RateLimiterConfig::new("api", Limit::per_day(1))).expect("it is valid");
    limiter.acquire("me").await.expect("the first is let go");
    inner.call(async { Err::<(), _>(refused_connection()) }).await.expect_err("it failed");
    for (breaker, counted) in [(&outer, 0), (&counting, 3)] {
        breaker.call(limiter.acquire("me")).await.expect_err("it is denied");
        breaker.call(inner.call(async { Ok::<_, std::io::Error>(()) })).await.expect_err("it is refused");
        let boxed = async { Err::<(), Box<dyn StdError>>(limiter.acquire("me").await.expect_err("denied").into()) };
        breaker.call(boxed).await.expect_err("it is denied");
        assert_eq!(failures(breaker).await, counted);
    }
    outer.guard().count_refusals(true).call(limiter.acquire("me")).await.expect_err("it is denied");
    assert_eq!(failures(&outer).await, 1);
    outer.call(inner.call(async { Err::<(), _>(refused_connection()) })).await.expect_err("it is refused");
    assert_eq!(failures(&outer).await, 1);
}

#[tokio::test]
async fn an_error_that_came_through_another_circuit_counts_as_what_it_is() {
    let world = World::new();
    let outer = world.breaker(monitored(ErrorPart::Code, "ConnectionRefused"));
    let inner = world.breaker(CircuitBreakerConfig { name: "inner".to_owned(), ..nine_failures() });
    let call = inner.call(async { Err::<(), _>(Request(refused_connection())) });
    outer.call(call).await.expect_err("it failed");
    assert_eq!((failures(&outer).await, failures(&inner).await), (1, 1));
}

#[tokio::test]
async fn a_call_within_a_call_of_the_same_circuit_goes_with_its_permit_and_half_open_recovers() {
    let world = World::new();
    let half_open = HalfOpen { probes: 1, successes: 1, ..HalfOpen::default() };
    let config = CircuitBreakerConfig::consecutive("upstream", 1).open_for(OPEN).half_open(half_open);
    let breaker = world.breaker(config);
    breaker.call(async { Err::<(), _>(refused_connection()) }).await.expect_err("it failed");
    world.clock.advance(OPEN);
    let same = breaker.clone();
    let within = breaker.call(async { same.call(async { Ok::<_, std::io::Error>(5) }).await });
    assert_eq!(within.await.expect("the one probe is both"), 5);
    assert_eq!(status(&breaker).await.state, State::Closed);
}

#[tokio::test]
async fn a_call_within_a_call_of_another_key_is_a_call_of_its_own() {
    let world = World::new();
    let breaker = world.breaker(nine_failures());
    let (one, other) = (breaker.keyed("one"), breaker.keyed("other"));
    let within = one.call(async { other.call(async { Err::<(), _>(refused_connection()) }).await });
    within.await.expect_err("it failed");
    assert_eq!((failures(&one).await, failures(&other).await), (1, 1));
    let within = one.call(async { one.call(async { Err::<(), _>(refused_connection()) }).await });
    within.await.expect_err("it failed");
    assert_eq!(failures(&one).await, 2);
}

#[tokio::test]
async fn a_permit_guards_to_the_end_of_what_is_held_with_it() {
    let world = World::new();
    let breaker = world.breaker(nine_failures());
    let mut permit = breaker.guard().timeout(SECOND).permit().await.expect("it is closed");
    assert_eq!(permit.limited(async { 5 }).await.expect("it is in time"), 5);
    let late = world.after(SECOND, permit.limited(pending::<()>())).await;
    assert!(matches!(late, Err(CallError::TimedOut { timeout: SECOND })), "{late:?}");
    assert_eq!(failures(&breaker).await, 1);
    assert_eq!(permit.succeeded().await.expect("there is an answer"), None);
    let permit = breaker.permit().await.expect("it is closed");
    permit.failed(Failure::of(&refused_connection())).await.expect("there is an answer");
    assert_eq!(failures(&breaker).await, 2);
    drop(breaker.permit().await.expect("it is closed"));
    assert_eq!(failures(&breaker).await, 2);
    breaker.permit().await.expect("it is closed").succeeded().await.expect("there is an answer");
    assert_eq!(failures(&breaker).await, 0);
}

#[tokio::test]
async fn a_permit_that_is_dropped_frees_its_probe() {
    let world = World::new();
    let breaker = world.breaker(CircuitBreakerConfig::consecutive("upstream", 1).open_for(OPEN));
    breaker.call(async { Err::<(), _>(refused_connection()) }).await.expect_err("it failed");
    world.clock.advance(OPEN);
    let probe = breaker.permit().await.expect("it is the probe");
    assert!(matches!(breaker.permit().await, Err(CallError::Refused { .. })));
    drop(probe);
    breaker.permit().await.expect("it is the next").succeeded().await.expect("there is an answer");
    assert_eq!(status(&breaker).await.state, State::Closed);
}

#[test]
fn blocking_calls_count_by_the_same() {
    let gate = blocking::Tidegate::builder().clock(ManualClock::new()).build().expect("the component loads");
    let breaker = gate.circuit_breaker(monitored(ErrorPart::Status, "5??")).expect("the configuration is valid");
    let guard = breaker.guard().failure_if(|reply: &Reply| http_failure(reply.status));
    guard.call(|| Ok::<_, std::io::Error>(Reply { status: 503 })).expect("it has an answer");
    let guard = breaker.guard().failure_of(|error: &std::io::Error| Failure::of(error).with_status(500));
    guard.call(|| Err::<(), _>(refused_connection())).expect_err("it failed");
    breaker.call(|| Err::<(), _>(anyhow::Error::new(refused_connection()))).expect_err("it failed");
    assert_eq!(breaker.status().expect("there is an answer").consecutive, 2);
    let within = breaker.call(|| breaker.call(|| Ok::<_, std::io::Error>(5)));
    assert_eq!(within.expect("it has an answer"), 5);
}

#[tokio::test]
async fn calls_of_a_node_are_guarded_alike() {
    let world = World::new();
    let config = json!({
        "circuitId": "payments", "failureThreshold": 9, "failureWindowMs": 60_000, "successThreshold": 1,
        "halfOpenTimeoutMs": 1_000, "fallbackAction": "error", "monitoredErrors": ["503", "ConnectionRefused"],
    });
    let node = world.gate.circuit_breaker_node(&config).expect("it is sound");
    let call = node.guard().timeout(SECOND).call(pending::<Result<Value, std::io::Error>>());
    assert!(matches!(world.after(SECOND, call).await, Err(CallError::TimedOut { timeout: SECOND })));
    let guard = node.guard().failure_if(|reply: &Value| http_failure(u16::try_from(reply["status"].as_u64()?).ok()?));
    let reply = guard.call(async { Ok::<_, std::io::Error>(json!({ "status": 503 })) }).await;
    assert_eq!(reply.expect("it has an answer").circuit_result.failure_count, 2);
    let failed = node.call(async { Err::<Value, _>(anyhow::Error::new(refused_connection())) }).await;
    assert!(matches!(failed, Err(CallError::Failed(_))));
    let within =
        node.call(async { node.call(async { Err::<Value, _>(refused_connection()) }).await.map(|it| it.result) });
    within.await.expect_err("it failed");
    let status = node.status().await.expect("there is an answer");
    assert_eq!(status.result.failure_count, 4);
}

#[tokio::test]
async fn an_error_says_when_to_come_back_where_that_is_known() {
    let world = World::new();
    let breaker = world.breaker(CircuitBreakerConfig::consecutive("payments", 1).open_for(OPEN));
    let failed = breaker.call(async { Err::<(), _>(std::fmt::Error) }).await.expect_err("it fails");
    assert_eq!(failed.retry_after(), None);
    world.clock.advance(SECOND);
    let refused = breaker.call(async { Ok::<_, std::fmt::Error>(()) }).await.expect_err("it is refused");
    assert_eq!(refused.clone().retry_after(), Some(29 * SECOND));
    // An order has no end that is known.
    breaker.set_mode(Mode::ForcedOpen).await.expect("there is an answer");
    let ordered = breaker.call(async { Ok::<_, std::fmt::Error>(()) }).await.expect_err("it is refused");
    assert_eq!(ordered.retry_after(), None);

    let limiter = world.gate.rate_limiter(RateLimiterConfig::new("api", Limit::per_second(1))).expect("it is valid");
    limiter.acquire("me").await.expect("it is allowed");
    let denied = limiter.acquire("me").await.expect_err("it is denied");
    assert_eq!(denied.retry_after(), denied.denied().map(|decision| decision.retry_after));
    assert!(denied.retry_after() > Some(Duration::ZERO));
    let never = limiter.acquire(Ask::of("me").cost(2)).await.expect_err("it never fits");
    assert_eq!(never.retry_after(), None);
    let gate = CallError::<&str>::Gate(denied.clone());
    assert_eq!(gate.retry_after(), denied.retry_after());
}
