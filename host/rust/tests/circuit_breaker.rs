//! The circuit breaker by its public face, on the memory store and a clock that moves when it is
//! told to.

use std::future::pending;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use tidegate::{
    CallError, Cause, CircuitBreaker, CircuitBreakerConfig, CircuitReport, Effect, ErrorPart, ErrorPattern, Failure,
    HalfOpen, ManualClock, Mode, Sample, SlowRate, State, Tidegate, Trip,
};

const OPEN: Duration = Duration::from_secs(30);

/// What the protected service answers when it fails.
#[derive(Debug, thiserror::Error)]
#[error("status {0}")]
struct Status(u16);

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

    /// A circuit that five failures have opened, and whose open time is over.
    async fn half_open(&self, half_open: HalfOpen) -> CircuitBreaker {
        let breaker = self.breaker(five_failures().half_open(half_open));
        fail(&breaker, 5).await;
        self.clock.advance(OPEN);
        assert_eq!(status(&breaker).await.state, State::HalfOpen);
        breaker
    }
}

fn five_failures() -> CircuitBreakerConfig {
    CircuitBreakerConfig::consecutive("payments", 5).open_for(OPEN)
}

async fn status(breaker: &CircuitBreaker) -> CircuitReport {
    breaker.status().await.expect("there is an answer")
}

async fn admit(breaker: &CircuitBreaker) -> CircuitReport {
    breaker.admit().await.expect("there is an answer")
}

async fn fail(breaker: &CircuitBreaker, times: u32) {
    for _ in 0..times {
        let result = breaker.call(async { Err::<(), _>(Status(503)) }).await;
        assert!(matches!(result, Err(CallError::Failed(Status(503)))), "{result:?}");
    }
}

async fn succeed(breaker: &CircuitBreaker) {
    breaker.call(async { Ok::<_, Status>(()) }).await.expect("it is admitted");
}

/// Calls, and must not be let through.
async fn refused(breaker: &CircuitBreaker) -> CircuitReport {
    match breaker.call(async { panic!("a refused call is not made") as Result<(), Status> }).await {
        Err(CallError::Refused { report, .. }) => *report,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn five_failures_open_the_circuit_and_the_next_call_fails_fast() {
    let world = World::new();
    let breaker = world.breaker(five_failures());
    fail(&breaker, 4).await;
    assert_eq!(status(&breaker).await.state, State::Closed);
    fail(&breaker, 1).await;
    let report = refused(&breaker).await;
    assert_eq!((report.effect, report.state, report.retry_after), (Effect::RefusedOpen, State::Open, OPEN));
}

#[tokio::test]
async fn a_success_in_between_keeps_the_circuit_closed() {
    let world = World::new();
    let breaker = world.breaker(five_failures());
    fail(&breaker, 4).await;
    succeed(&breaker).await;
    fail(&breaker, 4).await;
    assert_eq!(status(&breaker).await.state, State::Closed);
}

#[tokio::test]
async fn the_failure_that_opens_reports_the_change_and_its_cause() {
    let world = World::new();
    let breaker = world.breaker(CircuitBreakerConfig::failures("payments", 2, Duration::from_secs(10)));
    let mut last = None;
    for _ in 0..2 {
        let permit = admit(&breaker).await.permit.expect("it is closed");
        last = breaker.failed(permit, Duration::ZERO, Failure::of(&Status(500))).await.expect("it is here").event;
    }
    let event = last.expect("it opened");
    assert_eq!((event.cause, event.before, event.after), (Cause::Failures, State::Closed, State::Open));
}

#[tokio::test]
async fn a_refused_call_gets_the_callers_fallback() {
    let world = World::new();
    let breaker = world.breaker(five_failures());
    fail(&breaker, 5).await;
    let answer = match breaker.call(async { Ok::<_, Status>("fresh") }).await {
        Ok(answer) => answer,
        Err(CallError::Refused { circuit, report }) => {
            assert_eq!((circuit.as_str(), report.state), ("payments", State::Open));
            "from the cache"
        }
        Err(error) => panic!("{error}"),
    };
    assert_eq!(answer, "from the cache");
}

#[tokio::test]
async fn the_circuit_is_half_open_from_the_very_end_of_its_time() {
    let world = World::new();
    let breaker = world.breaker(five_failures());
    fail(&breaker, 5).await;
    world.clock.advance(Duration::from_millis(29_999));
    assert_eq!(refused(&breaker).await.retry_after, Duration::from_millis(1));
    world.clock.advance(Duration::from_millis(1));
    assert_eq!(status(&breaker).await.state, State::HalfOpen);
    let probe = admit(&breaker).await;
    let event = probe.event.expect("it became half-open");
    assert_eq!((probe.effect, event.cause, event.after), (Effect::Admitted, Cause::OpenElapsed, State::HalfOpen));
}

#[tokio::test]
async fn enough_successes_close_the_circuit() {
    let world = World::new();
    let breaker = world.half_open(HalfOpen { successes: 3, ..HalfOpen::default() }).await;
    for successes in 0..3 {
        let report = status(&breaker).await;
        assert_eq!((report.state, report.successes), (State::HalfOpen, successes));
        succeed(&breaker).await;
    }
    let report = status(&breaker).await;
    assert_eq!((report.state, report.consecutive), (State::Closed, 0));
}

#[tokio::test]
async fn a_failed_probe_opens_the_circuit_again() {
    let world = World::new();
    let breaker = world.half_open(HalfOpen { successes: 3, ..HalfOpen::default() }).await;
    succeed(&breaker).await;
    fail(&breaker, 1).await;
    assert_eq!(refused(&breaker).await.retry_after, OPEN);
}

#[tokio::test]
async fn a_growing_open_time_stops_at_its_cap_and_starts_over_when_closed() {
    let world = World::new();
    let breaker = world.breaker(five_failures().backoff(2.0, 3 * OPEN));
    fail(&breaker, 5).await;
    for open in [OPEN, 2 * OPEN, 3 * OPEN, 3 * OPEN] {
        assert_eq!(refused(&breaker).await.retry_after, open);
        world.clock.advance(open);
        fail(&breaker, 1).await;
    }
    world.clock.advance(3 * OPEN);
    succeed(&breaker).await;
    fail(&breaker, 5).await;
    assert_eq!(refused(&breaker).await.retry_after, OPEN);
}

#[tokio::test]
async fn surplus_calls_are_refused_while_all_probes_are_in_flight() {
    let world = World::new();
    let breaker = world.half_open(HalfOpen { probes: 2, ..HalfOpen::default() }).await;
    let first = admit(&breaker).await;
    let second = admit(&breaker).await;
    assert!(first.is_admitted() && second.is_admitted());
    assert_eq!(refused(&breaker).await.effect, Effect::RefusedProbes);
    breaker.cancelled(second.permit.expect("it was admitted"), Duration::ZERO).await.expect("there is an answer");
    assert!(admit(&breaker).await.is_admitted());
}

#[tokio::test]
async fn a_dropped_call_gives_its_probe_back() {
    let world = World::new();
    let breaker = world.half_open(HalfOpen::default()).await;
    {
        let mut call = pin!(breaker.call(pending::<Result<(), Status>>()));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(refused(&breaker).await.effect, Effect::RefusedProbes);
    }
    assert_eq!(status(&breaker).await.probes, 0);
    succeed(&breaker).await;
    assert_eq!(status(&breaker).await.state, State::Closed);
}

#[tokio::test]
async fn a_call_that_panics_gives_its_probe_back() {
    let world = World::new();
    let breaker = world.half_open(HalfOpen::default()).await;
    let call = tokio::spawn({
        let breaker = breaker.clone();
        async move { breaker.call(async { panic!("of the operation") as Result<(), Status> }).await }
    });
    assert!(call.await.expect_err("the operation panicked").is_panic());
    let report = status(&breaker).await;
    assert_eq!((report.state, report.probes), (State::HalfOpen, 0));
}

#[tokio::test]
async fn a_probe_that_never_comes_back_is_given_up() {
    let world = World::new();
    let permit_ms = 1_000;
    let breaker = world.half_open(HalfOpen { permit_ms, ..HalfOpen::default() }).await;
    let lost = admit(&breaker).await.permit.expect("it is the first probe");
    assert_eq!(refused(&breaker).await.retry_after, Duration::from_millis(permit_ms));
    world.clock.advance(Duration::from_millis(permit_ms));
    assert!(admit(&breaker).await.is_admitted());
    let late = breaker.succeeded(lost, Duration::from_secs(1)).await.expect("there is an answer");
    assert_eq!((late.effect, late.state), (Effect::Late, State::HalfOpen));
}

#[tokio::test]
async fn a_result_from_before_the_last_change_counts_for_nothing() {
    let world = World::new();
    let breaker = world.breaker(five_failures());
    let early = admit(&breaker).await.permit.expect("it is closed");
    fail(&breaker, 5).await;
    world.clock.advance(OPEN);
    succeed(&breaker).await;
    let late = breaker.failed(early, OPEN, Failure::default()).await.expect("there is an answer");
    assert_eq!((late.effect, late.state, late.consecutive), (Effect::Late, State::Closed, 0));
}

#[tokio::test]
async fn only_the_codes_of_the_patterns_count_as_failures() {
    let world = World::new();
    let code = |pattern: &str| ErrorPattern { part: ErrorPart::Code, pattern: pattern.to_owned() };
    let mut config = five_failures();
    (config.monitored, config.ignored) = (vec![code("5??")], vec![code("501")]);
    let breaker = world.breaker(config);
    for (status_code, consecutive) in [(404, 0), (503, 1), (501, 1), (500, 2), (50, 2)] {
        let failure_of = |status: &Status| Failure::of(status).with_code(status.0);
        let result = breaker.call_with(failure_of, async { Err::<(), _>(Status(status_code)) }).await;
        assert!(matches!(result, Err(CallError::Failed(Status(code))) if code == status_code), "{result:?}");
        assert_eq!(status(&breaker).await.consecutive, consecutive, "{status_code}");
    }
}

#[tokio::test]
async fn an_error_counts_by_the_name_of_its_type_and_its_message() {
    let world = World::new();
    for (name, pattern, part, counts) in [
        ("by name", "Status", ErrorPart::Name, 1),
        ("by another name", "Timeout", ErrorPart::Name, 0),
        ("by message", "status 5*", ErrorPart::Message, 1),
        ("by any", "status ?03", ErrorPart::Any, 1),
        ("by code", "503", ErrorPart::Code, 0),
    ] {
        let mut config = CircuitBreakerConfig::consecutive(name, 5);
        config.monitored = vec![ErrorPattern { part, pattern: pattern.to_owned() }];
        let breaker = world.breaker(config);
        fail(&breaker, 1).await;
        assert_eq!(status(&breaker).await.consecutive, counts, "{name}");
    }
}

#[tokio::test]
async fn an_ignored_error_gives_its_probe_back() {
    let world = World::new();
    let mut config = five_failures();
    config.ignored = vec![ErrorPattern::any("status 404")];
    let breaker = world.breaker(config);
    fail(&breaker, 5).await;
    world.clock.advance(OPEN);
    let result = breaker.call(async { Err::<(), _>(Status(404)) }).await;
    assert!(matches!(result, Err(CallError::Failed(Status(404)))), "{result:?}");
    let report = status(&breaker).await;
    assert_eq!((report.state, report.probes, report.successes), (State::HalfOpen, 0, 0));
}

#[tokio::test]
async fn calls_that_are_slow_by_the_clock_open_the_circuit() {
    let world = World::new();
    let slow_rate = Some(SlowRate { percent: 50.0, slower_than_ms: 100 });
    let trip = Trip { slow_rate, sample: Sample::Calls(4), minimum_calls: 4, ..Trip::default() };
    let breaker = world.breaker(CircuitBreakerConfig::new("payments", trip));
    for (elapsed_ms, slow) in [(99, 0), (100, 1), (0, 1)] {
        let operation = async {
            world.clock.advance(Duration::from_millis(elapsed_ms));
            Ok::<_, Status>(())
        };
        breaker.call(operation).await.expect("it is admitted");
        let report = status(&breaker).await;
        assert_eq!((report.state, report.slow), (State::Closed, slow), "after {elapsed_ms} ms");
    }
    let permit = admit(&breaker).await.permit.expect("it is closed");
    let report = breaker.succeeded(permit, Duration::from_secs(5)).await.expect("there is an answer");
    assert_eq!(report.event.map(|event| event.cause), Some(Cause::SlowRate));
    assert_eq!(refused(&breaker).await.state, State::Open);
}

#[tokio::test]
async fn a_failure_rate_opens_once_the_sample_holds_enough_calls() {
    let world = World::new();
    let breaker = world.breaker(CircuitBreakerConfig::failure_rate("payments", 50.0));
    fail(&breaker, 5).await;
    for _ in 0..4 {
        succeed(&breaker).await;
    }
    assert_eq!(status(&breaker).await.state, State::Closed);
    succeed(&breaker).await;
    assert_eq!(refused(&breaker).await.state, State::Open);
}

#[tokio::test]
async fn an_ordered_mode_rules_until_it_is_taken_back() {
    let world = World::new();
    let breaker = world.breaker(five_failures());
    let order = async |mode| breaker.set_mode(mode).await.expect("there is an answer");
    assert_eq!(order(Mode::ForcedOpen).await.effect, Effect::Ordered);
    assert_eq!(refused(&breaker).await.effect, Effect::RefusedForced);
    // Where the rules are only watched, the fifth failure would have opened the circuit and begins
    // the counts anew.
    for (mode, consecutive) in [(Mode::ForcedClosed, 6), (Mode::MetricsOnly, 1), (Mode::Disabled, 0)] {
        order(mode).await;
        fail(&breaker, 6).await;
        let report = status(&breaker).await;
        assert_eq!((report.state, report.mode, report.consecutive), (State::Closed, mode, consecutive));
    }
    order(Mode::Normal).await;
    fail(&breaker, 5).await;
    assert_eq!(refused(&breaker).await.effect, Effect::RefusedOpen);
}

#[tokio::test]
async fn metrics_only_reports_the_rule_that_would_have_opened() {
    let world = World::new();
    let breaker = world.breaker(CircuitBreakerConfig { mode: Mode::MetricsOnly, ..five_failures() });
    fail(&breaker, 4).await;
    let permit = admit(&breaker).await.permit.expect("it admits all");
    let report = breaker.failed(permit, Duration::ZERO, Failure::default()).await.expect("there is an answer");
    let event = report.event.expect("a rule was met");
    assert_eq!((event.cause, event.after, report.state), (Cause::Consecutive, State::Open, State::Closed));
    succeed(&breaker).await;
}

#[tokio::test]
async fn a_reset_closes_the_circuit_at_once() {
    let world = World::new();
    let breaker = world.breaker(five_failures());
    fail(&breaker, 5).await;
    let event = breaker.reset().await.expect("there is an answer").event.expect("it closed");
    assert_eq!((event.cause, event.before, event.after), (Cause::Reset, State::Open, State::Closed));
    fail(&breaker, 4).await;
    succeed(&breaker).await;
}

#[tokio::test]
async fn each_key_has_a_circuit_of_its_own() {
    let world = World::new();
    let breaker = world.breaker(five_failures());
    let (eu, us) = (breaker.keyed("eu"), breaker.keyed("us"));
    fail(&eu, 5).await;
    assert_eq!(refused(&eu).await.state, State::Open);
    succeed(&us).await;
    succeed(&breaker).await;
    assert_eq!(refused(&us.keyed("eu")).await.state, State::Open);
    assert_eq!(refused(&world.breaker(five_failures()).keyed("eu")).await.state, State::Open);
}

#[tokio::test]
async fn a_status_changes_nothing() {
    let world = World::new();
    let breaker = world.half_open(HalfOpen::default()).await;
    let first = status(&breaker).await;
    for _ in 0..3 {
        assert_eq!(status(&breaker).await, first);
    }
    assert!(admit(&breaker).await.is_admitted());
}
