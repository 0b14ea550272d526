//! The ledger on the real protocol, with the memory store at the other end and faults in between.

mod support;

use std::future::Future as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use proptest::prelude::*;
use support::{Fault, Host, TwoNodes, World, algorithms};
use tidegate::{
    Ask, CircuitBreakerConfig, Error, Failure, Limit, ManualClock, Memory, OnLimit, RateLimiterConfig, State, Tidegate,
    Verdict, WhenAway,
};

fn ten_a_second() -> RateLimiterConfig {
    RateLimiterConfig::new("api", Limit::per_second(10))
}

#[tokio::test]
async fn hosts_on_one_store_share_a_limit() {
    let world = World::new();
    let hosts: Vec<Host> = (0..4).map(|_| world.host()).collect();
    let mut callers = Vec::new();
    for host in &hosts {
        let limiter = host.gate.rate_limiter(ten_a_second()).expect("the configuration is valid");
        callers.extend((0..16).map(|_| {
            tokio::spawn({
                let limiter = limiter.clone();
                async move { limiter.try_acquire("k").await.expect("the store answers").is_allowed() }
            })
        }));
    }
    let mut allowed = 0;
    for caller in callers {
        allowed += u32::from(caller.await.expect("no caller panics"));
    }
    assert_eq!(allowed, 10);
}

#[tokio::test]
async fn calls_that_meet_on_a_key_go_out_together() {
    let world = World::new();
    let host = world.host();
    let limiter = host.gate.rate_limiter(ten_a_second()).expect("the configuration is valid");
    limiter.peek("k").await.expect("the store answers");
    let before = host.gate.stats().commits;
    let gate = world.link.hold().await;
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let limiter = limiter.clone();
            tokio::spawn(async move { limiter.try_acquire("k").await.expect("the store answers").is_allowed() })
        })
        .collect();
    tokio::task::yield_now().await;
    drop(gate);
    let mut allowed = 0;
    for caller in callers {
        allowed += u32::from(caller.await.expect("no caller panics"));
    }
    assert_eq!(allowed, 10);
    let commits = host.gate.stats().commits - before;
    assert!(commits <= 5, "50 calls took {commits} commits");
}

#[tokio::test]
async fn hosts_whose_clocks_are_thirty_seconds_apart_keep_the_promise() {
    let world = World::new();
    let early = world.host_off_by(-30_000);
    let late = world.host_off_by(30_000);
    let mut allowed = Vec::new();
    for round in 0..40 {
        for host in [&early, &late] {
            let limiter = host.gate.rate_limiter(ten_a_second()).expect("the configuration is valid");
            let decision = limiter.try_acquire("k").await.expect("the store answers");
            if decision.is_allowed() {
                allowed.push(world.clock_us());
            }
        }
        world.pass(Duration::from_millis(37 + round));
    }
    for (index, start) in allowed.iter().enumerate() {
        let within = allowed[index..].iter().take_while(|at| **at < start + 1_000_000).count();
        assert!(within <= 10, "{within} in the second from {start}");
    }
    assert!(allowed.len() > 10, "only {} were let through", allowed.len());
}

#[tokio::test]
async fn a_clock_that_jumps_costs_a_commit_and_no_call() {
    let world = World::new();
    let host = world.host();
    let limiter = host.gate.rate_limiter(ten_a_second()).expect("the configuration is valid");
    assert!(limiter.try_acquire("k").await.expect("the store answers").is_allowed());
    for jump_ms in [3_600_000_i64, -7_200_000, 40] {
        host.jump(jump_ms);
        assert!(limiter.try_acquire("k").await.expect("the store answers").is_allowed());
    }
    assert!(host.gate.stats().untimely >= 2, "{:?}", host.gate.stats());
}

#[tokio::test]
async fn what_another_host_changed_is_found_out_in_the_same_call() {
    let world = World::new();
    let (one, other) = (world.host(), world.host());
    let config = || CircuitBreakerConfig::consecutive("c", 2);
    let here = one.gate.circuit_breaker(config()).expect("the configuration is valid");
    let there = other.gate.circuit_breaker(config()).expect("the configuration is valid");
    let permit = there.admit().await.expect("the store answers").permit.expect("it is closed");
    for _ in 0..2 {
        let permit = here.admit().await.expect("the store answers").permit.expect("it is closed");
        here.failed(permit, Duration::ZERO, Failure::default()).await.expect("the store answers");
    }
    let refused = there.admit().await.expect("the store answers");
    assert_eq!((refused.is_admitted(), refused.state), (false, State::Open));
    let late = there.succeeded(permit, Duration::ZERO).await.expect("the store answers");
    assert_eq!(late.effect, tidegate::Effect::Late);
}

#[tokio::test]
async fn a_success_of_a_closed_circuit_waits_for_no_commit_and_is_recorded_all_the_same() {
    let world = World::new();
    let host = world.host();
    let config = CircuitBreakerConfig::failure_rate("c", 50.0);
    let breaker = host.gate.circuit_breaker(config.clone()).expect("the configuration is valid");
    for _ in 0..20 {
        let permit = breaker.admit().await.expect("the store answers").permit.expect("it is closed");
        let held = world.link.hold().await;
        breaker.succeeded(permit, Duration::ZERO).await.expect("it does not ask the store");
        drop(held);
    }
    host.gate.flush().await;
    let other = world.host().gate.circuit_breaker(config).expect("the configuration is valid");
    assert_eq!(other.status().await.expect("the store answers").calls, 20);
    assert_eq!(host.gate.stats().lost, 0);
}

#[tokio::test]
async fn a_caller_that_goes_away_gets_its_permit_taken_back() {
    let world = World::new();
    let host = world.host();
    let limiter = host.gate.rate_limiter(ten_a_second()).expect("the configuration is valid");
    limiter.peek("k").await.expect("the store answers");
    let held = world.link.hold().await;
    let going = tokio::spawn({
        let limiter = limiter.clone();
        async move { limiter.try_acquire(Ask::of("k").cost(7)).await }
    });
    world.link.waiting(1).await;
    going.abort();
    going.await.expect_err("it was aborted");
    drop(held);
    host.gate.flush().await;
    assert_eq!(limiter.peek("k").await.expect("the store answers").count, 0);
}

/// Its answer is there, sent by another's driver, but it is dropped before it looks.
#[tokio::test]
async fn a_caller_that_goes_away_with_its_answer_unheard_gets_its_permit_taken_back() {
    let world = World::new();
    let host = world.host();
    let limiter = host.gate.rate_limiter(ten_a_second()).expect("the configuration is valid");
    limiter.peek("k").await.expect("the store answers");
    let held = world.link.hold().await;
    let driver = tokio::spawn({
        let limiter = limiter.clone();
        async move { limiter.try_acquire("k").await }
    });
    world.link.waiting(1).await;
    let mut going = Box::pin(limiter.try_acquire(Ask::of("k").cost(7)));
    let polled = std::future::poll_fn(|context| std::task::Poll::Ready(going.as_mut().poll(context))).await;
    assert!(polled.is_pending());
    drop(held);
    driver.await.expect("it does not panic").expect("the store answers");
    host.gate.flush().await;
    drop(going);
    host.gate.flush().await;
    assert_eq!(limiter.peek("k").await.expect("the store answers").count, 1);
}

#[tokio::test]
async fn a_waiter_that_goes_away_leaves_the_queue() {
    let world = World::new();
    let host = world.host();
    let config = ten_a_second().on_limit(OnLimit::queue(5, Duration::from_secs(30)));
    let limiter = host.gate.rate_limiter(config).expect("the configuration is valid");
    assert!(limiter.try_acquire(Ask::of("k").cost(10)).await.expect("the store answers").is_allowed());
    let waiter = tokio::spawn({
        let limiter = limiter.clone();
        async move { limiter.acquire("k").await }
    });
    while limiter.peek("k").await.expect("the store answers").waiting == 0 {
        tokio::task::yield_now().await;
    }
    waiter.abort();
    waiter.await.expect_err("it was aborted");
    host.gate.flush().await;
    assert_eq!(limiter.peek("k").await.expect("the store answers").waiting, 0);
}

#[tokio::test]
async fn a_place_that_is_given_up_can_be_taken_by_another() {
    let world = World::new();
    let host = world.host();
    let config = ten_a_second().on_limit(OnLimit::delay(Duration::from_secs(30)));
    let limiter = host.gate.rate_limiter(config).expect("the configuration is valid");
    limiter.try_acquire(Ask::of("k").cost(10)).await.expect("the store answers");
    let first = limiter.decide(Ask::of("k").cost(10), None).await.expect("the store answers");
    assert_eq!(first.verdict, Verdict::Wait);
    limiter.refund(Ask::of("k").cost(10), &first).await.expect("the store answers");
    let second = limiter.decide(Ask::of("k").cost(10), None).await.expect("the store answers");
    assert_eq!(second.charged_at_us, first.charged_at_us);
}

#[tokio::test]
async fn a_call_that_always_meets_others_ends_as_contended_and_charges_nothing() {
    let world = World::new();
    let host = world.host_with(|builder| builder.max_attempts(5));
    let limiter = host.gate.rate_limiter(ten_a_second()).expect("the configuration is valid");
    world.link.fail_next(5, Fault::Refuse);
    let error = limiter.try_acquire("k").await.expect_err("every commit is refused");
    assert!(matches!(error, Error::Contended { attempts: 5 }), "{error}");
    assert_eq!(host.gate.stats().contended, 1);
    assert_eq!(limiter.peek("k").await.expect("the store answers").count, 0);
}

#[tokio::test]
async fn whoever_is_to_be_denied_is_so_by_the_refusal_of_its_first_commit() {
    for algorithm in algorithms() {
        let world = World::new();
        let (host, other) = (world.host(), world.host());
        let config = RateLimiterConfig::new("api", Limit::per_second(2).by(algorithm));
        let limiter = host.gate.rate_limiter(config.clone()).expect("the configuration is valid");
        assert!(limiter.try_acquire("k").await.expect("the store answers").is_allowed());
        let others = other.gate.rate_limiter(config).expect("the configuration is valid");
        while others.try_acquire("k").await.expect("the store answers").is_allowed() {}
        let before = host.gate.stats();
        let decision = limiter.try_acquire("k").await.expect("the store answers");
        let after = host.gate.stats();
        assert_eq!(decision.verdict, Verdict::Denied, "{algorithm:?}");
        assert_eq!((after.commits - before.commits, after.refused - before.refused), (1, 1), "{algorithm:?}");
        // It is known now as if the store had been asked.
        let again = limiter.try_acquire("k").await.expect("the store answers");
        assert_eq!((again.verdict, host.gate.stats().commits), (Verdict::Denied, after.commits), "{algorithm:?}");
    }
}

#[tokio::test]
async fn a_refused_commit_that_was_to_change_something_is_made_again() {
    let world = World::new();
    let (host, other) = (world.host(), world.host());
    let config = RateLimiterConfig::new("api", Limit::per_second(3));
    let limiter = host.gate.rate_limiter(config.clone()).expect("the configuration is valid");
    assert!(limiter.try_acquire("k").await.expect("the store answers").is_allowed());
    let others = other.gate.rate_limiter(config).expect("the configuration is valid");
    assert!(others.try_acquire("k").await.expect("the store answers").is_allowed());
    let before = host.gate.stats().commits;
    assert!(limiter.try_acquire("k").await.expect("the store answers").is_allowed());
    assert_eq!(host.gate.stats().commits - before, 2);
    assert_eq!(limiter.peek("k").await.expect("the store answers").count, 3);
}

#[tokio::test]
async fn a_store_that_is_away_is_a_typed_error_unless_the_caller_chose_otherwise() {
    let world = World::new();
    let host = world.host();
    for (when_away, allowed) in [(WhenAway::Error, None), (WhenAway::Open, Some(true)), (WhenAway::Closed, Some(false))]
    {
        let limiter = host.gate.rate_limiter(ten_a_second().when_away(when_away)).expect("the configuration is valid");
        let config = CircuitBreakerConfig::consecutive("c", 1).when_away(when_away);
        let breaker = host.gate.circuit_breaker(config).expect("the configuration is valid");
        world.link.fail_next(2, Fault::Away);
        let (decision, report) = (limiter.try_acquire("k").await, breaker.admit().await);
        match allowed {
            None => {
                assert!(decision.expect_err("the store is away").is_store_away());
                assert!(report.expect_err("the store is away").is_store_away());
            }
            Some(allowed) => {
                let (decision, report) = (decision.expect("chosen"), report.expect("chosen"));
                assert_eq!((decision.is_allowed(), decision.degraded), (allowed, true));
                assert_eq!((report.is_admitted(), report.degraded), (allowed, true));
            }
        }
    }
}

#[tokio::test]
async fn what_is_known_is_bounded_in_number_and_forgetting_it_harms_nothing() {
    let world = World::new();
    let host = world.host_with(|builder| builder.max_known(32));
    let limiter = host.gate.rate_limiter(ten_a_second()).expect("the configuration is valid");
    for _ in 0..3 {
        for user in 0..500 {
            let decision = limiter.try_acquire(format!("user {user}").as_str()).await.expect("the store answers");
            assert!(decision.is_allowed());
        }
    }
    assert_eq!(limiter.peek("user 7").await.expect("the store answers").count, 3);
}

#[tokio::test]
async fn nodes_whose_clocks_differ_cost_a_commit_now_and_then_and_not_each_time() {
    let nodes = TwoNodes::new(Duration::from_millis(5));
    let clock = nodes.fast_clock.clone();
    let gate = Tidegate::builder().store(nodes.clone()).clock(clock.clone()).build().expect("the component loads");
    let limiter = gate.rate_limiter(RateLimiterConfig::new("api", Limit::per_second(1_000))).expect("it is valid");
    for _ in 0..200 {
        for key in ["slow", "fast"] {
            assert!(limiter.try_acquire(key).await.expect("the store answers").is_allowed());
        }
        nodes.pass(Duration::from_millis(3));
    }
    let stats = gate.stats();
    assert!(stats.untimely < 20, "{stats:?}");
}

/// A step of a script: who calls, for what, and how much time passes before.
#[derive(Debug, Clone)]
struct Step {
    host: usize,
    call: u8,
    cost: u32,
    pass_ms: u64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let pass_ms = prop_oneof![3 => Just(0_u64), 2 => 0..150_u64, 1 => 0..3_000_u64];
    let step = (0..3_usize, 0..8_u8, 1..4_u32, pass_ms);
    prop::collection::vec(step.prop_map(|(host, call, cost, pass_ms)| Step { host, call, cost, pass_ms }), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Three hosts behind ledgers, each knowing only what it last saw, decide just as one memory
    /// store does.
    #[test]
    fn ledgers_decide_as_the_memory_store_does(steps in steps(), which in 0..algorithms().len(), behaviour in 0..3_u8) {
        let limit = Limit::per_second(5).by(algorithms()[which]);
        let on_limit = match behaviour {
            0 => OnLimit::Reject,
            1 => OnLimit::delay(Duration::from_secs(3)),
            _ => OnLimit::queue(4, Duration::from_secs(5)),
        };
        let config = RateLimiterConfig::new("api", limit).and(Limit::per_minute(40)).on_limit(on_limit);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let world = World::new();
            // A refund by another host is to be seen at once.
            let hosts: Vec<Host> =
                (0..3).map(|_| world.host_with(|builder| builder.max_staleness(Duration::ZERO))).collect();
            let clock = ManualClock::at_us(world.clock_us());
            let alone = Tidegate::builder().memory(Memory::new()).clock(clock.clone()).build().expect("it loads");
            let alone = alone.rate_limiter(config.clone()).expect("the configuration is valid");
            let mut tickets = Vec::new();
            let mut charged = Vec::new();
            for step in steps {
                world.pass(Duration::from_millis(step.pass_ms));
                clock.set_us(world.clock_us());
                let limiter = hosts[step.host].gate.rate_limiter(config.clone()).expect("the configuration is valid");
                let ask = Ask::of("k").cost(step.cost);
                let (there, here) = match step.call {
                    0 => (limiter.try_acquire(ask).await, alone.try_acquire(ask).await),
                    1 => (limiter.peek(ask).await, alone.peek(ask).await),
                    2 if !tickets.is_empty() => {
                        let (ask, ticket) = tickets.remove(0);
                        (limiter.decide(ask, ticket).await, alone.decide(ask, ticket).await)
                    }
                    3 if !charged.is_empty() => {
                        let (ask, decision) = charged.remove(0);
                        (limiter.refund(ask, &decision).await, alone.refund(ask, &decision).await)
                    }
                    _ => (limiter.decide(ask, None).await, alone.decide(ask, None).await),
                };
                let (there, here) = (there.expect("the store answers"), here.expect("it is here"));
                prop_assert_eq!(&there, &here);
                if there.ticket.is_some() {
                    tickets.push((ask, there.ticket));
                } else if there.charged_at_us.is_some() {
                    charged.push((ask, there));
                }
            }
            for host in &hosts {
                prop_assert_eq!(host.gate.stats().diverged, 0);
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn the_link_counts_what_goes_over_it() {
    let world = World::new();
    let host = world.host();
    let limiter = host.gate.rate_limiter(ten_a_second()).expect("the configuration is valid");
    limiter.try_acquire("k").await.expect("the store answers");
    assert_eq!(host.gate.stats().commits, 1);
    assert_eq!(Arc::clone(&world.link.commits).load(Ordering::Relaxed), 1);
}
