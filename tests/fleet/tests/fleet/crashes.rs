//! Processes that are killed while they hold something.

use std::time::Duration;

use tidegate::{CircuitBreakerConfig, HalfOpen, Limit, OnLimit, RateLimiterConfig};
use tidegate_fleet_tests::strategies::circuit_breaker::protocol::{Circuit, CircuitRequest, Reported};
use tidegate_fleet_tests::strategies::rate_limiter::protocol::{Decide, Decided};
use tidegate_fleet_tests::worker::Worker;

use crate::fixtures::{admit, ask, circuit, fail, place, server, start};

const PERMIT_MS: u64 = 1_500;

fn probing() -> CircuitBreakerConfig {
    let half_open = HalfOpen { probes: 2, successes: 1, permit_ms: PERMIT_MS, ..HalfOpen::default() };
    CircuitBreakerConfig::consecutive("payments", 1).open_for(Duration::from_millis(100)).half_open(half_open)
}

/// Asks for a probe and comes back when told, until one is admitted; with how often it had to come
/// back.
fn probe(worker: &mut Worker, breaker: &CircuitBreakerConfig) -> (Reported, u32) {
    let mut wait_ms = 0;
    for returns in 0..10 {
        let ask = Circuit { wait_ms, ..circuit(breaker, "", CircuitRequest::Admit) };
        let report = worker.circuit(ask).expect("the circuit answers");
        if report.permit.is_some() {
            return (report, returns);
        }
        assert!((1..=PERMIT_MS).contains(&report.retry_after_ms), "{report:?}");
        wait_ms = report.retry_after_ms;
    }
    panic!("no probe is ever free");
}

#[test]
fn probes_of_a_killed_process_are_free_when_their_permits_are_over() {
    let server = server();
    let (mut dying, mut other) = (start(&place(&server)), start(&place(&server)));
    let breaker = probing();
    assert_eq!(fail(&mut dying, &breaker, "").state, "open");
    let first = probe(&mut dying, &breaker).0.permit.expect("a probe");
    let second = admit(&mut dying, &breaker, "").permit.expect("a second probe");
    dying.kill().expect("it is killed");

    let (report, returns) = probe(&mut other, &breaker);
    let permit = report.permit.expect("a probe");
    assert!(returns <= 1, "it was told {returns} times to come back");
    assert!(permit.admitted_at_us >= first.admitted_at_us + PERMIT_MS * 1_000, "{permit:?} beside {first:?}");
    assert_eq!((permit.generation, permit.generation), (first.generation, second.generation));
    let closed = other.circuit(circuit(&breaker, "", CircuitRequest::Succeeded(permit))).expect("the circuit answers");
    assert_eq!((closed.state.as_str(), closed.cause.as_deref()), ("closed", Some("probes-succeeded")));
}

const TIMEOUT_MS: u64 = 20_000;
const GRACE_MS: u64 = 300;

fn queueing() -> RateLimiterConfig {
    let on_limit = OnLimit::Queue { max_size: 10, timeout_ms: TIMEOUT_MS, grace_ms: Some(GRACE_MS) };
    RateLimiterConfig::new("queued", Limit::per(1, Duration::from_millis(200))).on_limit(on_limit)
}

/// Comes back when told until it is let go; all decisions on the way.
fn wait_in_line(worker: &mut Worker, first: Decide) -> Vec<Decided> {
    let (mut next, mut decisions) = (first, Vec::new());
    for _ in 0..50 {
        let decided = worker.decide(next.clone()).expect("the limiter answers");
        assert_ne!(decided.verdict, "denied", "{decided:?}");
        (next.ticket, next.wait_ms) = (decided.ticket, decided.wait_ms);
        decisions.push(decided.clone());
        if decided.is_allowed() {
            return decisions;
        }
    }
    panic!("its turn never comes: {decisions:?}");
}

#[test]
fn tickets_of_a_killed_process_are_passed_over_when_their_grace_is_over() {
    let server = server();
    let (mut dying, mut other) = (start(&place(&server)), start(&place(&server)));
    let limiter = queueing();
    assert!(dying.decide(ask(&limiter)).expect("the limiter answers").is_allowed());
    let held: Vec<Decided> = (0..2).map(|_| dying.decide(ask(&limiter)).expect("the limiter answers")).collect();
    assert!(held.iter().all(|decided| decided.verdict == "wait" && decided.ticket.is_some()), "{held:?}");
    dying.kill().expect("it is killed");

    let decisions = wait_in_line(&mut other, ask(&limiter));
    // Both are passed over from here on, and the one permit that was given is long back.
    let free_us = held.iter().map(Decided::due_us).max().expect("two tickets") + GRACE_MS * 1_000 + 1;
    for decided in &decisions {
        assert!(decided.is_allowed() || decided.at_us < free_us, "still waits at {decided:?}, free from {free_us}");
        assert!(decided.due_us() < free_us + 1_000 || decided.is_allowed(), "told {decided:?}, free from {free_us}");
    }
}

#[test]
fn tickets_of_a_killed_process_are_gone_when_their_time_is_over() {
    let server = server();
    let (mut dying, mut other) = (start(&place(&server)), start(&place(&server)));
    let on_limit = OnLimit::Queue { max_size: 2, timeout_ms: 1_500, grace_ms: Some(1_500) };
    let limiter = RateLimiterConfig::new("queued", Limit::per_day(1)).on_limit(on_limit);
    assert!(dying.decide(ask(&limiter)).expect("the limiter answers").is_allowed());
    let held: Vec<Decided> = (0..2).map(|_| dying.decide(ask(&limiter)).expect("the limiter answers")).collect();
    dying.kill().expect("it is killed");

    let last_ticket = held.last().and_then(|decided| decided.ticket).expect("a ticket").0;
    let free_us = last_ticket + 1_500 * 1_000;
    let mut next = ask(&limiter);
    let taken = loop {
        let decided = other.decide(next.clone()).expect("the limiter answers");
        if decided.ticket.is_some() {
            break decided;
        }
        assert_eq!(decided.reason, "queue-full");
        assert!(decided.at_us < free_us, "still full at {decided:?}, free from {free_us}");
        next.wait_ms = decided.retry_after_ms;
    };
    assert!(taken.at_us >= free_us - 1_500_000, "{taken:?}");
}
