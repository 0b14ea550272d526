//! One fleet of three languages on one Redis: two processes of each.

use std::time::Duration;

use tidegate::{Algorithm, CircuitBreakerConfig, Limit, OnLimit, RateLimiterConfig};
use tidegate_fleet_tests::language::Language;
use tidegate_fleet_tests::protocol::Place;
use tidegate_fleet_tests::strategies::circuit_breaker::protocol::CircuitRequest;
use tidegate_fleet_tests::strategies::rate_limiter::promise::Promise;
use tidegate_fleet_tests::strategies::rate_limiter::protocol::{Admitted, Hammer, Hammered, Until};
use tidegate_fleet_tests::worker::{Worker, hammer};

use crate::fixtures::{admit, circuit, fail, merged, permits, place, server, short_limit, start};
use crate::queues::waiters_go_in_order;

const CALLERS: usize = 8;
const RUN_MS: u64 = 5_000;

fn node(place: &Place) -> Worker {
    start_in(Language::Node, place)
}

fn python(place: &Place) -> Worker {
    start_in(Language::Python, place)
}

fn start_in(language: Language, place: &Place) -> Worker {
    language.start(env!("CARGO_BIN_EXE_fleet-worker"), place).expect("the worker starts")
}

/// Two processes of each language, in turns.
fn fleet(place: &Place) -> Vec<Worker> {
    [start, node, python, start, node, python].map(|start| start(place)).into()
}

fn each_has_a_share(all: &[Hammered]) {
    let shares: Vec<u64> = all.iter().map(|one| permits(&one.admitted)).collect();
    let even = shares.iter().sum::<u64>() / shares.len() as u64;
    for share in &shares {
        assert!(share * 2 >= even, "a process has less than half of an even share: {shares:?}");
    }
}

fn order(limiter: RateLimiterConfig, waits: bool) -> Hammer {
    let keys = vec!["k".to_owned()];
    Hammer { limiter, keys, costs: vec![1], tasks: CALLERS, waits, until: Until::PassedMs(RUN_MS) }
}

fn check(limit: &Limit, admitted: &[Admitted]) {
    Promise::of(limit).check_decisions(admitted).expect("the decisions keep the promise");
    // Several windows have passed.
    assert!(permits(admitted) >= 5 * u64::from(limit.limit), "{} permits", permits(admitted));
}

#[test]
fn three_languages_that_wait_in_one_queue_keep_the_promise_and_share_alike() {
    let server = server();
    let mut workers = fleet(&place(&server));
    let limit = short_limit(Algorithm::default());
    let limiter = RateLimiterConfig::new("queued", limit).on_limit(OnLimit::queue(1_000, Duration::from_mins(1)));
    let all = hammer(&mut workers, &order(limiter, true)).expect("all workers answer");
    each_has_a_share(&all);
    check(&limit, &merged(all));
}

#[test]
fn three_languages_that_hammer_one_key_keep_the_promise() {
    let server = server();
    let mut workers = fleet(&place(&server));
    let limit = short_limit(Algorithm::default());
    let all =
        hammer(&mut workers, &order(RateLimiterConfig::new("hammered", limit), false)).expect("all workers answer");
    let admitted = merged(all);
    check(&limit, &admitted);
    Promise::of(&limit).check_calls(&admitted).expect("the calls keep the promise");
}

#[test]
fn a_circuit_tripped_in_python_fails_fast_in_node_and_rust_and_closes_for_all() {
    let server = server();
    let place = place(&server);
    let (mut rust, mut node, mut python) = (start(&place), node(&place), python(&place));
    let breaker = CircuitBreakerConfig::consecutive("payments", 3).open_for(Duration::from_secs(1));
    for worker in [&mut rust, &mut node, &mut python] {
        assert_eq!(admit(worker, &breaker, "").state, "closed");
    }
    assert_eq!(fail(&mut python, &breaker, "").cause, None);
    assert_eq!(fail(&mut node, &breaker, "").cause, None);
    let tripped = fail(&mut python, &breaker, "");
    assert_eq!(tripped.cause.as_deref(), Some("consecutive"));
    let mut wait_ms = 0;
    for worker in [&mut rust, &mut node] {
        let refused = admit(worker, &breaker, "");
        assert_eq!((refused.effect.as_str(), refused.state.as_str()), ("refused-open", "open"));
        assert_eq!(refused.generation, tripped.generation);
        wait_ms = refused.retry_after_ms;
    }
    // Node's probe, whose permit is handed back in Rust.
    let mut probe = circuit(&breaker, "", CircuitRequest::Admit);
    probe.wait_ms = wait_ms;
    let permit = node.circuit(probe).expect("the circuit answers").permit.expect("a probe is admitted");
    let closed = rust.circuit(circuit(&breaker, "", CircuitRequest::Succeeded(permit))).expect("the circuit answers");
    assert_eq!(closed.cause.as_deref(), Some("probes-succeeded"), "{closed:?}");
    assert_eq!(admit(&mut python, &breaker, "").state, "closed");
}

#[test]
fn waiters_of_three_languages_are_let_go_by_priority_and_then_by_arrival() {
    let server = server();
    let place = place(&server);
    waiters_go_in_order([start(&place), node(&place), python(&place)]);
}
