//! No call waits for the store longer than its limit.

use std::time::Duration;

use tidegate::store::StoreError;
use tidegate::{Ask, Clock as _, Error, RateLimiter, WhenAway};
use tokio::task::JoinHandle;

use super::scene::{Fault, LIMIT, Scene, limiter, rest};

/// A call in a task of its own: its result, and after how many milliseconds since the start of the scene.
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
    matches!(result, Err(Error::Store(StoreError::TimedOut { limit_ms: 50 })))
}

#[tokio::test]
async fn a_call_behind_one_that_hangs_waits_no_longer_than_the_limit() {
    let scene = Scene::new();
    let gate = scene.host();
    let limiter = limiter(&gate, "api", 10, WhenAway::Error);
    limiter.peek("k").await.expect("the store answers");
    scene.fail(Fault::Stuck);
    let first = call(&scene, &limiter, 1).await;
    scene.pass(Duration::from_millis(30)).await;
    let second = call(&scene, &limiter, 1).await;
    scene.pass(LIMIT).await;
    for waiting in [first, second] {
        let (result, after_ms) = waiting.await.expect("it does not panic");
        assert!(timed_out(&result), "{result:?}");
        assert_eq!(after_ms, 50);
    }
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
async fn a_call_that_has_waited_in_line_is_not_made_after_its_time() {
    let scene = Scene::new();
    let gate = scene.host_with(|builder| builder.max_batch(1));
    let limiter = limiter(&gate, "api", 10, WhenAway::Error);
    limiter.peek("k").await.expect("the store answers");
    scene.fail(Fault::Stuck);
    let (first, second) = (call(&scene, &limiter, 1).await, call(&scene, &limiter, 5).await);
    scene.take_commits(0);
    scene.pass(LIMIT).await;
    scene.heal();
    rest().await;
    gate.flush().await;
    assert!(timed_out(&first.await.expect("it does not panic").0));
    assert!(timed_out(&second.await.expect("it does not panic").0));
    // What takes the first one back, and nothing for the second.
    assert_eq!(scene.take_commits(0).len(), 1);
    assert_eq!(limiter.peek("k").await.expect("the store answers").count, 0);
}

#[tokio::test]
async fn calls_that_line_up_behind_one_that_fails_fail_with_it() {
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
    scene.pass(LIMIT).await;
    for call in calls {
        assert!(timed_out(&call.await.expect("it does not panic").0));
    }
    assert_eq!(scene.take_commits(0).len(), 1);
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
