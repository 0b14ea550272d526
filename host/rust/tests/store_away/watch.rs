//! The store watch.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tidegate::{Clock as _, Error, StoreState, StoreWatch, Tidegate, WhenAway};

use super::scene::{Fault, Scene, limiter};

async fn fails(gate: &Tidegate) -> String {
    let error = limiter(gate, "api", 1, WhenAway::Error).try_acquire("k").await.expect_err("the store is away");
    assert!(error.is_store_away(), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn after_three_failures_in_a_row_the_store_is_not_asked_any_more() {
    let scene = Scene::new();
    let gate = scene.host();
    scene.fail(Fault::Unreachable);
    for _ in 0..3 {
        assert!(fails(&gate).await.contains("connection refused"));
    }
    scene.take_commits(0);
    let error = fails(&gate).await;
    assert!(error.contains("watch") && error.contains("connection refused"), "{error}");
    assert_eq!(scene.take_commits(0), []);
    assert_eq!(gate.stats().watch_refused, 1);
    assert_eq!(gate.store_state(), StoreState::Away);
}

#[tokio::test]
async fn failures_with_a_success_between_them_are_not_taken_for_an_outage() {
    let scene = Scene::new();
    let gate = scene.host();
    for _ in 0..4 {
        scene.fail(Fault::Unreachable);
        fails(&gate).await;
        fails(&gate).await;
        scene.heal();
        limiter(&gate, "api", 1, WhenAway::Error).peek("k").await.expect("the store answers");
    }
    assert_eq!(gate.store_state(), StoreState::Available);
    assert_eq!(scene.states(), []);
}

#[tokio::test]
async fn a_store_that_comes_back_is_found_without_traffic_and_every_change_is_told() {
    let scene = Scene::new();
    let gate = scene.host();
    scene.fail(Fault::Unreachable);
    scene.find_out(&gate).await;
    scene.heal();
    scene.pass(Duration::from_millis(499)).await;
    assert_eq!(scene.states(), [StoreState::Away]);
    scene.pass(Duration::from_millis(1)).await;
    assert_eq!(scene.states(), [StoreState::Away, StoreState::Probing, StoreState::Available]);
    assert_eq!(gate.store_state(), StoreState::Available);
    let told = scene.told.lock().clone();
    assert!(told[0].cause.contains("connection refused"), "{told:?}");
    assert!(told.windows(2).all(|pair| pair[0].after == pair[1].before), "{told:?}");
}

#[tokio::test]
async fn a_store_that_stays_away_is_tried_less_and_less_often() {
    let scene = Scene::new();
    let gate = scene.host();
    let since_us = scene.clock.now_us();
    scene.fail(Fault::Unreachable);
    scene.find_out(&gate).await;
    scene.take_commits(since_us);
    scene.pass(Duration::from_secs(18)).await;
    let times: Vec<u64> = scene.take_commits(since_us).into_iter().map(|(ms, _)| ms).collect();
    assert_eq!(times, [500, 1_500, 3_500, 7_500, 12_500, 17_500]);
}

#[tokio::test]
async fn a_call_that_comes_when_the_pause_is_over_tries_the_store_itself() {
    let scene = Scene::new();
    let gate = scene.host();
    scene.fail(Fault::Unreachable);
    scene.find_out(&gate).await;
    scene.heal();
    // Nobody else has had a turn since.
    scene.clock.advance(Duration::from_millis(500));
    limiter(&gate, "api", 1, WhenAway::Error).try_acquire("k").await.expect("the store answers");
    assert_eq!(gate.store_state(), StoreState::Available);
}

#[tokio::test]
async fn a_store_that_only_reads_is_not_taken_for_one_that_is_back() {
    let scene = Scene::new();
    let gate = scene.host();
    scene.fail(Fault::ReadOnly);
    scene.find_out(&gate).await;
    scene.pass(Duration::from_millis(1_600)).await;
    assert_eq!(scene.states().last(), Some(&StoreState::Away));
    assert!(!scene.states().contains(&StoreState::Available));
    scene.heal();
    scene.pass(Duration::from_secs(2)).await;
    assert_eq!(gate.store_state(), StoreState::Available);
}

#[tokio::test]
async fn a_store_that_refuses_writes_is_away_however_well_it_reads() {
    let scene = Scene::new();
    let gate = scene.host();
    scene.fail(Fault::ReadOnly);
    let limiter = limiter(&gate, "api", 9, WhenAway::Error);
    for _ in 0..3 {
        limiter.peek("another").await.expect("it reads");
        limiter.try_acquire("k").await.expect_err("it only reads");
    }
    assert_eq!(gate.store_state(), StoreState::Away);
    // The pause is over, and the first who comes only reads.
    scene.clock.advance(Duration::from_millis(500));
    limiter.peek("a third").await.expect("it reads");
    assert!(!scene.states().contains(&StoreState::Available));
}

#[tokio::test]
async fn a_part_of_the_store_that_is_away_does_not_take_the_others_down() {
    let scene = Scene::new();
    let gate = scene.host();
    scene.only("far");
    scene.fail(Fault::Unreachable);
    let limiter = limiter(&gate, "api", 9, WhenAway::Error);
    for _ in 0..4 {
        limiter.try_acquire("far").await.expect_err("its part is away");
        limiter.try_acquire("near").await.expect("its part answers");
    }
    assert_eq!(gate.stats().watch_refused, 1);
    assert_eq!(scene.told.lock().iter().map(|change| change.shard).collect::<Vec<_>>(), [1]);
    assert_eq!(gate.store_state(), StoreState::Away);
}

#[tokio::test]
async fn a_part_of_the_store_is_probed_by_an_entity_that_is_in_it() {
    let scene = Scene::new();
    let gate = scene.host();
    scene.only("7");
    scene.fail(Fault::Unreachable);
    for _ in 0..3 {
        limiter(&gate, "api", 9, WhenAway::Error).try_acquire("user 7").await.expect_err("its part is away");
    }
    scene.take_commits(0);
    scene.heal();
    scene.pass(Duration::from_millis(500)).await;
    assert_eq!(gate.store_state(), StoreState::Available);
    assert!(scene.take_commits(0).iter().all(|(_, tag)| tag.contains('7')));
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_keep_the_watch_open() {
    let scene = Scene::new();
    let gate = scene.host();
    scene.fail(Fault::Unreachable);
    scene.find_out(&gate).await;
    scene.heal();
    scene.clock.set_us(scene.clock.now_us() - 3_600_000_000);
    fails(&gate).await;
    // The watch's own timer waits for a time that this clock will only show in an hour: a call is
    // what finds out.
    scene.clock.advance(Duration::from_millis(500));
    limiter(&gate, "api", 1, WhenAway::Error).try_acquire("k").await.expect("the store answers");
    assert_eq!(gate.store_state(), StoreState::Available);
}

#[tokio::test]
async fn without_a_watch_the_store_is_asked_every_time() {
    let scene = Scene::new();
    let gate = scene.host_with(tidegate::Builder::no_store_watch);
    scene.fail(Fault::Unreachable);
    for _ in 0..10 {
        fails(&gate).await;
    }
    scene.heal();
    limiter(&gate, "api", 1, WhenAway::Error).try_acquire("k").await.expect("the store answers");
    assert_eq!(scene.states(), []);
}

#[tokio::test]
async fn the_watch_is_set_as_told_and_wrong_settings_are_named() {
    let scene = Scene::new();
    let watch = StoreWatch { failures: 1, open_ms: 20, cap_ms: 20 };
    let gate = scene.host_with(|builder| builder.store_watch(watch));
    scene.fail(Fault::Unreachable);
    fails(&gate).await;
    assert_eq!(gate.store_state(), StoreState::Away);
    scene.heal();
    scene.pass(Duration::from_millis(20)).await;
    assert_eq!(gate.store_state(), StoreState::Available);

    let wrong = StoreWatch { failures: 0, open_ms: 0, cap_ms: 9 };
    let error = Tidegate::builder().store(scene.store.clone()).store_watch(wrong).build().expect_err("it is wrong");
    let Error::Config { problems, .. } = &error else { panic!("{error}") };
    let paths: Vec<_> = problems.iter().map(|problem| &*problem.path).collect();
    assert_eq!(paths, ["store_watch.failures", "store_watch.open_ms"]);
}

#[tokio::test]
async fn a_gate_that_is_dropped_probes_no_more() {
    let scene = Scene::new();
    let gate = scene.host();
    scene.fail(Fault::Unreachable);
    scene.find_out(&gate).await;
    drop(gate);
    scene.take_commits(0);
    scene.pass(Duration::from_secs(2)).await;
    assert_eq!(scene.take_commits(0), []);
}

#[tokio::test]
async fn a_listener_may_ask_the_gate_and_even_call_it() {
    let scene = Scene::new();
    let gate = Arc::new(OnceLock::<Tidegate>::new());
    let (asked, seen) = (Arc::clone(&gate), Arc::new(parking_lot::Mutex::new(Vec::new())));
    let states = Arc::clone(&seen);
    let listener = move |_| {
        if let Some(gate) = asked.get() {
            states.lock().push((gate.store_state(), gate.stats().watch_refused));
        }
    };
    gate.set(scene.host_with(|builder| builder.on_store_change(listener))).expect("it is set once");
    scene.fail(Fault::Unreachable);
    scene.find_out(gate.get().expect("it is set")).await;
    assert_eq!(*seen.lock(), [(StoreState::Away, 0)]);
}
