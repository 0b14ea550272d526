//! What an outcome counts as, by the public face: statuses and causes of errors, errors that are
//! not monitored, calls that were given up, and probes that decide together.

use std::time::Duration;

use tidegate::{
    Cause, CircuitBreaker, CircuitBreakerConfig, CircuitReport, Effect, ErrorPart, ErrorPattern, Failure, HalfOpen,
    ManualClock, Others, Permit, ProbeRule, SlowRate, State, Tidegate, Trip,
};

const OPEN: Duration = Duration::from_secs(30);

fn opened(config: CircuitBreakerConfig) -> (ManualClock, CircuitBreaker) {
    let clock = ManualClock::new();
    let gate = Tidegate::builder().clock(clock.clone()).build().expect("the component loads");
    (clock, gate.circuit_breaker(config).expect("the configuration is valid"))
}

async fn permit(breaker: &CircuitBreaker) -> Permit {
    breaker.admit().await.expect("there is an answer").permit.expect("it is admitted")
}

async fn fail(breaker: &CircuitBreaker, failure: Failure) -> CircuitReport {
    breaker.failed(permit(breaker).await, Duration::ZERO, failure).await.expect("there is an answer")
}

async fn cancel(breaker: &CircuitBreaker, ms: u64) -> CircuitReport {
    let elapsed = Duration::from_millis(ms);
    breaker.cancelled(permit(breaker).await, elapsed).await.expect("there is an answer")
}

fn status(pattern: &str) -> ErrorPattern {
    ErrorPattern { part: ErrorPart::Status, pattern: pattern.to_owned() }
}

#[tokio::test]
async fn the_status_of_an_error_counts_and_so_does_that_of_its_cause() {
    let config = CircuitBreakerConfig::consecutive("upstream", 9).monitored([status("5??")], Others::Ignored);
    let (_, breaker) = opened(config);
    let cause = Failure::default().caused_by(Failure::default().with_status(503));
    for (failure, effect) in [
        (Failure::default().with_status(503), Effect::CountedFailure),
        (Failure::default().with_code(503), Effect::Ignored),
        (Failure::default().with_status(404), Effect::Ignored),
        (Failure::default().with_status(404).caused_by(cause), Effect::CountedFailure),
    ] {
        assert_eq!(fail(&breaker, failure.clone()).await.effect, effect, "{failure:?}");
    }
}

#[tokio::test]
async fn an_error_that_is_not_monitored_is_a_success_where_that_is_said() {
    let config = CircuitBreakerConfig::consecutive("upstream", 9)
        .monitored([status("5??")], Others::Success)
        .ignored([status("404")]);
    let (_, breaker) = opened(config);
    assert_eq!(fail(&breaker, Failure::default().with_status(500)).await.consecutive, 1);
    assert_eq!(fail(&breaker, Failure::default().with_status(404)).await.effect, Effect::Ignored);
    let other = fail(&breaker, Failure::default().with_status(429)).await;
    assert_eq!((other.effect, other.consecutive), (Effect::CountedSuccess, 0));
}

#[tokio::test]
async fn a_call_that_was_given_up_too_late_counts_as_slow() {
    let slow_rate = Some(SlowRate { percent: 100.0, slower_than_ms: 100 });
    let (_, breaker) =
        opened(CircuitBreakerConfig::new("upstream", Trip { slow_rate, minimum_calls: 2, ..Trip::default() }));
    assert_eq!(cancel(&breaker, 99).await.effect, Effect::Ignored);
    let slow = cancel(&breaker, 100).await;
    assert_eq!((slow.effect, slow.calls, slow.slow, slow.failed), (Effect::CountedSlow, 1, 1, 0));
    assert_eq!(cancel(&breaker, 100).await.event.expect("it opens").cause, Cause::SlowRate);
}

#[tokio::test]
async fn a_call_that_is_dropped_too_late_counts_as_slow() {
    let slow_rate = Some(SlowRate { percent: 100.0, slower_than_ms: 100 });
    let (clock, breaker) =
        opened(CircuitBreakerConfig::new("upstream", Trip { slow_rate, minimum_calls: 1, ..Trip::default() }));
    let call = breaker.call(std::future::pending::<Result<(), std::io::Error>>());
    let mut call = Box::pin(call);
    let polled = std::future::poll_fn(|context| std::task::Poll::Ready(call.as_mut().poll(context).is_pending())).await;
    assert!(polled, "the operation hangs");
    clock.advance(Duration::from_millis(100));
    drop(call);
    assert_eq!(breaker.status().await.expect("there is an answer").state, State::Open);
}

#[tokio::test]
async fn probes_decide_together_where_that_is_said() {
    let ratio = ProbeRule::Ratio { of: 3 };
    let rate = ProbeRule::Rate { percent: 50.0, of: 4 };
    for (rule, outcomes, state) in [
        (ProbeRule::FirstFailure, "sf", State::Open),
        (ratio, "sfs", State::Closed),
        (ratio, "ff", State::Open),
        (rate, "fsss", State::Closed),
        (rate, "sfsf", State::Open),
    ] {
        let half_open = HalfOpen { successes: 2, rule, ..HalfOpen::default() };
        let config = CircuitBreakerConfig::consecutive("upstream", 1).open_for(OPEN).half_open(half_open);
        let (clock, breaker) = opened(config);
        fail(&breaker, Failure::default()).await;
        clock.advance(OPEN);
        for (place, outcome) in outcomes.chars().enumerate() {
            let report = if outcome == 's' {
                breaker.succeeded(permit(&breaker).await, Duration::ZERO).await.expect("there is an answer")
            } else {
                fail(&breaker, Failure::default()).await
            };
            let expected = if place + 1 == outcomes.len() { state } else { State::HalfOpen };
            assert_eq!(report.state, expected, "{rule:?} {outcomes} at {place}");
        }
    }
}

#[test]
fn rules_of_probes_are_read_from_json_as_they_are_written() {
    for (rule, text) in [
        (ProbeRule::FirstFailure, r#""first-failure""#),
        (ProbeRule::Ratio { of: 3 }, r#"{"ratio":{"of":3}}"#),
        (ProbeRule::Rate { percent: 50.0, of: 4 }, r#"{"rate":{"percent":50.0,"of":4}}"#),
    ] {
        assert_eq!(serde_json::to_string(&rule).expect("it is plain data"), text);
        let json = format!(
            r#"{{"name": "a", "trip": {{"consecutive": 1}}, "halfOpen": {{"rule": {text}}}, "others": "success"}}"#
        );
        let config = CircuitBreakerConfig::from_json(&json).expect("it is well formed");
        assert_eq!((config.half_open.rule, config.others), (rule, Others::Success));
    }
}
