//! Successes of a closed circuit on a shared store: none waits for a commit, and none is forgotten
//! because this host knows of no failure.

#[allow(dead_code, reason = "each test target uses a part")]
mod support;

use std::time::Duration;

use support::World;
use tidegate::store::redis::Redis;
use tidegate::{CircuitBreaker, CircuitBreakerConfig, Failure, Permit, State, Tidegate};
use tidegate_test_support::redis_server::RedisServer;

fn five_in_a_row() -> CircuitBreakerConfig {
    CircuitBreakerConfig::consecutive("payments", 5)
}

async fn permit(breaker: &CircuitBreaker) -> Permit {
    breaker.admit().await.expect("the store answers").permit.expect("it is closed")
}

/// Fails so often; the state after the last.
async fn fail(breaker: &CircuitBreaker, times: u32) -> State {
    let mut state = State::Closed;
    for _ in 0..times {
        let failed = breaker.failed(permit(breaker).await, Duration::ZERO, Failure::default()).await;
        state = failed.expect("the store answers").state;
    }
    state
}

async fn succeed(breaker: &CircuitBreaker, permit: Permit) {
    breaker.succeeded(permit, Duration::ZERO).await.expect("it does not ask the store");
}

#[tokio::test]
async fn a_success_ends_a_row_of_failures_that_its_host_has_not_heard_of() {
    let world = World::new();
    let (one, other) = (world.host(), world.host());
    let here = one.gate.circuit_breaker(five_in_a_row()).expect("the configuration is valid");
    let there = other.gate.circuit_breaker(five_in_a_row()).expect("the configuration is valid");
    let admitted = permit(&here).await;
    assert_eq!(fail(&there, 4).await, State::Closed);
    let held = world.link.hold().await;
    succeed(&here, admitted).await;
    drop(held);
    one.gate.flush().await;
    assert_eq!(fail(&there, 1).await, State::Closed);
    assert_eq!(there.status().await.expect("the store answers").consecutive, 1);
}

#[tokio::test]
async fn successes_that_change_nothing_go_out_as_one_in_time_and_not_with_each_admission() {
    let world = World::new();
    let host = world.host();
    let breaker = host.gate.circuit_breaker(five_in_a_row()).expect("the configuration is valid");
    let before = host.gate.stats().commits;
    for _ in 0..10 {
        let permit = permit(&breaker).await;
        succeed(&breaker, permit).await;
    }
    assert_eq!(host.gate.stats().commits, before + 10);
    host.gate.flush().await;
    assert_eq!((host.gate.stats().commits, host.gate.stats().lost), (before + 11, 0));
}

#[tokio::test]
async fn a_success_that_changes_nothing_is_recorded_before_a_failure_that_came_after_it() {
    let world = World::new();
    let (one, other) = (world.host(), world.host());
    let here = one.gate.circuit_breaker(five_in_a_row()).expect("the configuration is valid");
    let there = other.gate.circuit_breaker(five_in_a_row()).expect("the configuration is valid");
    let (admitted, next) = (permit(&here).await, permit(&here).await);
    assert_eq!(fail(&there, 4).await, State::Closed);
    succeed(&here, admitted).await;
    let failed = here.failed(next, Duration::ZERO, Failure::default()).await.expect("the store answers");
    assert_eq!((failed.state, failed.consecutive), (State::Closed, 1));
}

#[tokio::test]
async fn a_success_ends_a_row_of_failures_of_another_process_on_redis() {
    let server = RedisServer::start().expect("redis-server starts");
    let mut gates = Vec::new();
    for _ in 0..2 {
        let store = Redis::builder(&server.url()).timeout_ms(10_000).connect().await.expect("the store connects");
        gates.push(Tidegate::builder().store(store).build().expect("the component loads"));
    }
    let breaker = |gate: &Tidegate| gate.circuit_breaker(five_in_a_row()).expect("the configuration is valid");
    let (here, there) = (breaker(&gates[0]), breaker(&gates[1]));
    let admitted = permit(&here).await;
    assert_eq!(fail(&there, 4).await, State::Closed);
    succeed(&here, admitted).await;
    gates[0].flush().await;
    assert_eq!(fail(&there, 4).await, State::Closed);
    assert_eq!(fail(&there, 1).await, State::Open);
}
