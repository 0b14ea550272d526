//! No call waits for an answer of the store longer than its limit, and none is given up for what
//! others wait for.

use std::time::Duration;

use tidegate::store::StoreError;
use tidegate::{Ask, Clock as _, Error, RateLimiter, StoreState, WhenAway};
use tokio::task::JoinHandle;

use super::scene::{Fault, LIMIT, Scene, limiter, rest};

/// A call in a task of its own: its result, and after how many milliseconds since the start of the
/// scene.
async fn call(scene: &Scene, limiter: &RateLimiter, cost: u32) -> JoinHandle<(Result<bool, Error>, u64)> {
    let (limiter, clock, since_us) = (limiter.clone(), scene.clock.clone(), scene.clock.now_us());
    let call = tokio::spawn(async move {
        let result = limiter.try_acquire(Ask::of("k").cost(cost)).await;
        (result.map(|decision| decision.is_allowed()), (clock.now_us() - since_us) / 1_000)
    });
    rest().await;
    call
}

fn timed_out(result: &Result<bool, Error>) -> bool {
    matches!(result, Err(Error::Store(StoreError::TimedOut { timeout_ms: 50 })))
}

#[tokio::test]
async fn a_call_behind_one_that_hangs_goes_next_and_its_time_counts_from_then() {
    let scene = Scene::new();
    let gate = scene.host();
    let limiter = limiter(&gate, "api", 10, WhenAway::Error);
    limiter.peek("k").await.expect("the store answers");
    scene.fail(Fault::Stuck);
    let first = call(&scene, &limiter, 1).await;
    scene.pass(Duration::from_millis(30)).await;
    let second = call(&scene, &limiter, 1).await;
    scene.pass(2 * LIMIT).await;
    for (waiting, expected_ms) in [(first, 50), (second, 70)] {
        let (result, after_ms) = waiting.await.expect("it does not panic");
        assert!(timed_out(&result), "{result:?}");
        assert_eq!(after_ms, expected_ms);
    }
}

#[tokio::test]
async fn a_pause_shorter_than_the_limit_fails_nobody_in_whatever_line() {
    let scene = Scene::new();
    let gate = scene.host_with(|builder| builder.max_batch(1));
    let limiter = limiter(&gate, "api", 100, WhenAway::Error);
    limiter.peek("k").await.expect("the store answers");
    scene.fail(Fault::Stuck);
    let mut calls = Vec::new();
    for _ in 0..20 {
        calls.push(call(&scene, &limiter, 1).await);
    }
    scene.pass(Duration::from_millis(49)).await;
    scene.heal();
    rest().await;
    for call in calls {
        assert!(call.await.expect("it does not panic").0.expect("the store answers"));
    }
    assert_eq!(gate.store_state(), StoreState::Available);
}

#[tokio::test]
async fn what_the_store_does_too_late_for_its_caller_is_undone() {
    let scene = Scene::new();
    let gate = scene.host();
    let limiter = limiter(&gate, "api", 10, WhenAway::Error);
    limiter.peek("k").await.expect("the store answers");
    scene.fail(Fault::Stuck);
    let late = call(&scene, &limiter, 7).await;
    scene.pass(LIMIT).await;
    assert!(timed_out(&late.await.expect("it does not panic").0));
    scene.heal();
    rest().await;
    gate.flush().await;
    assert_eq!(limiter.peek("k").await.expect("the store answers").count, 0);
}

#[tokio::test]
async fn what_is_taken_back_is_so_beside_a_call_that_came_later() {
    let scene = Scene::new();
    let gate = scene.host_with(|builder| builder.max_batch(1));
    let limiter = limiter(&gate, "api", 10, WhenAway::Error);
    limiter.peek("k").await.expect("the store answers");
    scene.fail(Fault::Stuck);
    let (first, second) = (call(&scene, &limiter, 1).await, call(&scene, &limiter, 5).await);
    scene.pass(LIMIT).await;
    scene.heal();
    rest().await;
    gate.flush().await;
    assert!(timed_out(&first.await.expect("it does not panic").0));
    assert!(second.await.expect("it does not panic").0.expect("the store answers"));
    assert_eq!(limiter.peek("k").await.expect("the store answers").count, 5);
}

#[tokio::test]
async fn calls_that_line_up_behind_one_that_fails_go_round_by_round_until_the_watch_knows() {
    let scene = Scene::new();
    let gate = scene.host_with(|builder| builder.max_batch(1));
    let limiter = limiter(&gate, "api", 10, WhenAway::Error);
    limiter.peek("k").await.expect("the store answers");
    scene.fail(Fault::Silent);
    scene.take_commits(0);
    let mut calls = Vec::new();
    for _ in 0..5 {
        calls.push(call(&scene, &limiter, 1).await);
    }
    scene.pass(3 * LIMIT).await;
    let mut ends = Vec::new();
    for call in calls {
        let (result, after_ms) = call.await.expect("it does not panic");
        assert!(result.as_ref().is_err_and(Error::is_store_away), "{result:?}");
        ends.push((timed_out(&result), after_ms));
    }
    assert_eq!(ends, [(true, 50), (true, 100), (true, 150), (false, 150), (false, 150)]);
    assert_eq!(scene.take_commits(0).len(), 3);
}

#[tokio::test]
async fn a_call_that_drives_what_goes_before_it_is_answered_in_its_own_time() {
    let scene = Scene::new();
    let gate = scene.host_with(|builder| builder.max_batch(1).no_store_watch());
    let limiter = limiter(&gate, "api", 10, WhenAway::Open);
    limiter.peek("k").await.expect("the store answers");
    scene.fail(Fault::Stuck);
    let first = call(&scene, &limiter, 1).await;
    scene.pass(LIMIT).await;
    assert!(first.await.expect("it does not panic").0.expect("the settings say"));
    // What the first one owes goes before this one, and neither is answered.
    let second = call(&scene, &limiter, 1).await;
    scene.pass(2 * LIMIT).await;
    let (result, after_ms) = second.await.expect("it does not panic");
    assert_eq!((result.expect("the settings say"), after_ms), (true, 100));
}

#[tokio::test]
async fn a_clock_that_jumps_keeps_no_call_waiting() {
    let scene = Scene::new();
    let gate = scene.host();
    let limiter = limiter(&gate, "api", 10, WhenAway::Error);
    limiter.peek("k").await.expect("the store answers");
    scene.fail(Fault::Stuck);
    scene.clock.set_us(scene.clock.now_us() + 3_600_000_000);
    let waiting = call(&scene, &limiter, 1).await;
    scene.pass(LIMIT).await;
    assert!(timed_out(&waiting.await.expect("it does not panic").0));
}

#[tokio::test]
async fn a_call_that_is_over_its_limit_is_answered_as_the_settings_say() {
    let scene = Scene::new();
    let gate = scene.host();
    let limiter = limiter(&gate, "api", 10, WhenAway::Closed);
    limiter.peek("k").await.expect("the store answers");
    scene.fail(Fault::Stuck);
    let waiting = call(&scene, &limiter, 1).await;
    scene.pass(LIMIT).await;
    let (result, after_ms) = waiting.await.expect("it does not panic");
    assert_eq!((result.expect("the settings say"), after_ms), (false, 50));
    assert_eq!(gate.stats().degraded, 1);
}

#[tokio::test]
async fn a_call_behind_what_its_host_owes_is_answered_though_another_drives_on() {
    let scene = Scene::new();
    let gate = scene.host_with(|builder| builder.max_batch(1).no_store_watch());
    let limiter = limiter(&gate, "api", 10, WhenAway::Open);
    limiter.peek("k").await.expect("the store answers");
    scene.fail(Fault::Unreachable);
    assert!(limiter.try_acquire("k").await.expect("it goes without the store").degraded);
    scene.fail(Fault::Stuck);
    // It drives the lane, where the debt goes first and is given up; another takes the call itself.
    let waiting = call(&scene, &limiter, 1).await;
    scene.pass(3 * LIMIT).await;
    assert!(waiting.is_finished());
    let (result, after_ms) = waiting.await.expect("it does not panic");
    assert!(result.expect("it goes without the store") && after_ms == 100, "{after_ms}");
}
