//! The watch counts rounds, not calls: what was sent before the first failure was known says
//! nothing new.

use std::time::Duration;

use tidegate::store::StoreError;
use tidegate::{Error, StoreState, Tidegate, WhenAway};
use tokio::task::JoinSet;

use super::scene::{Fault, LIMIT, Scene, limiter, rest};

type Calls = JoinSet<Result<bool, Error>>;

/// This many calls at once, each on a key of its own.
async fn burst(gate: &Tidegate, when_away: WhenAway, keys: usize) -> Calls {
    let limiter = limiter(gate, "api", 10, when_away);
    let mut calls = JoinSet::new();
    for key in 0..keys {
        let limiter = limiter.clone();
        calls.spawn(async move { limiter.try_acquire(&*key.to_string()).await.map(|decision| decision.is_allowed()) });
    }
    rest().await;
    calls
}

/// How many of them failed.
async fn failed(calls: Calls) -> usize {
    calls.join_all().await.iter().filter(|result| result.is_err()).count()
}

async fn heard(scene: &Scene) -> Tidegate {
    let gate = scene.host();
    limiter(&gate, "api", 10, WhenAway::Error).peek("first").await.expect("the store answers");
    gate
}

#[tokio::test]
async fn however_many_calls_run_into_one_pause_it_is_one_failure() {
    let scene = Scene::new();
    let gate = heard(&scene).await;
    for _ in 0..2 {
        scene.fail(Fault::Stuck);
        let calls = burst(&gate, WhenAway::Error, 100).await;
        scene.pass(LIMIT).await;
        assert_eq!(failed(calls).await, 100);
        assert_eq!(gate.store_state(), StoreState::Available);
        scene.heal();
        rest().await;
        assert_eq!(failed(burst(&gate, WhenAway::Error, 100).await).await, 0);
    }
    assert_eq!(scene.states(), []);
}

#[tokio::test]
async fn after_three_rounds_in_a_row_the_store_is_away_and_those_in_line_are_answered_as_told() {
    let scene = Scene::new();
    let gate = heard(&scene).await;
    scene.fail(Fault::Stuck);
    for round in 1..=3 {
        let calls = burst(&gate, WhenAway::Error, 20).await;
        assert_eq!(gate.store_state(), StoreState::Available, "round {round}");
        scene.pass(LIMIT).await;
        assert_eq!(failed(calls).await, 20);
    }
    assert_eq!(scene.states(), [StoreState::Away]);
    let calls = burst(&gate, WhenAway::Open, 20).await;
    assert_eq!(failed(calls).await, 0, "they are let go at once");
}

#[tokio::test]
async fn calls_that_have_no_place_yet_are_answered_as_told_once_the_watch_knows() {
    let scene = Scene::new();
    let gate = heard(&scene).await;
    scene.fail(Fault::Stuck);
    scene.take_commits(0);
    let calls = burst(&gate, WhenAway::Closed, 5_000).await;
    for _ in 0..3 * LIMIT.as_millis() {
        scene.clock.advance(Duration::from_millis(1));
        // One rest is too short for so many tasks.
        for _ in 0..50 {
            rest().await;
        }
    }
    assert_eq!(scene.states(), [StoreState::Away]);
    assert!(calls.join_all().await.into_iter().all(|result| !result.expect("the settings say")));
    assert_eq!(scene.take_commits(0).len(), 3 * 256);
}

#[tokio::test]
async fn three_refused_attempts_to_connect_make_the_store_away_at_once() {
    let scene = Scene::new();
    let gate = heard(&scene).await;
    scene.fail(Fault::Gone);
    assert_eq!(failed(burst(&gate, WhenAway::Error, 1).await).await, 1);
    assert_eq!(scene.states(), [StoreState::Away]);
}

#[tokio::test]
async fn a_burst_of_keys_waits_for_a_store_that_answers_others() {
    let scene = Scene::new();
    let gate = heard(&scene).await;
    scene.fail(Fault::Stuck);
    scene.take_commits(0);
    let calls = burst(&gate, WhenAway::Error, 5_000).await;
    assert_eq!(scene.take_commits(0).len(), 256);
    scene.pass(Duration::from_millis(49)).await;
    scene.heal();
    assert_eq!(failed(calls).await, 0);
    assert_eq!((scene.take_commits(0).len(), gate.store_state()), (5_000 - 256, StoreState::Available));
}

#[tokio::test]
async fn a_line_that_is_full_is_an_error_of_its_own_that_no_setting_answers() {
    let scene = Scene::new();
    let gate = scene.host_with(|builder| builder.max_waiting(2));
    let limiter = limiter(&gate, "api", 10, WhenAway::Open);
    limiter.peek("first").await.expect("the store answers");
    scene.fail(Fault::Stuck);
    let waiting = burst(&gate, WhenAway::Open, 2).await;
    for _ in 0..5 {
        let error = limiter.try_acquire("one more").await.expect_err("the line is full");
        assert!(matches!(error, Error::Overloaded { waiting: 2, max_waiting: 2 }), "{error:?}");
        assert!(!error.is_store_away());
        assert_eq!(error.to_string(), "2 calls wait for the store in this process, and no more than 2 may");
    }
    scene.heal();
    assert_eq!(failed(waiting).await, 0);
    limiter.try_acquire("one more").await.expect("there is room");
    assert_eq!((gate.store_state(), gate.stats().degraded), (StoreState::Available, 0));
}

#[tokio::test]
async fn any_number_of_keys_in_one_call_goes_through_a_line_of_any_length() {
    let scene = Scene::new();
    let gate = scene.host_with(|builder| builder.max_waiting(100));
    let keys: Vec<String> = (0..20_000).map(|key| key.to_string()).collect();
    let answers = limiter(&gate, "api", 10, WhenAway::Error).try_acquire_many(keys.iter().map(String::as_str)).await;
    assert_eq!(answers.len(), 20_000);
    assert!(answers.into_iter().all(|answer| answer.expect("the store answers").is_allowed()));
}

#[tokio::test]
async fn before_the_first_answer_nothing_is_known_of_the_store() {
    let scene = Scene::new();
    let gate = scene.host();
    assert_eq!(gate.store_state(), StoreState::Unknown);
    limiter(&gate, "api", 10, WhenAway::Error).try_acquire("k").await.expect("the store answers");
    assert_eq!(gate.store_state(), StoreState::Available);
    assert_eq!(scene.states(), [], "that a store is there is no news");
}

#[tokio::test]
async fn a_store_that_is_away_from_the_start_was_unknown_before() {
    let scene = Scene::new();
    let gate = scene.host();
    scene.fail(Fault::Unreachable);
    scene.find_out(&gate).await;
    let told = scene.told.lock().clone();
    assert_eq!((told[0].before, told[0].after), (StoreState::Unknown, StoreState::Away));
    scene.heal();
    scene.pass(Duration::from_millis(500)).await;
    assert_eq!(gate.store_state(), StoreState::Available);
}

#[tokio::test]
async fn a_gate_is_ready_when_the_store_does_what_it_is_asked() {
    let scene = Scene::new();
    let gate = scene.host();
    scene.fail(Fault::ReadOnly);
    let asked = gate.clone();
    let ready = tokio::spawn(async move { asked.ready(Duration::from_secs(5)).await });
    scene.pass(Duration::from_secs(2)).await;
    assert!(!ready.is_finished());
    scene.heal();
    scene.pass(Duration::from_secs(2)).await;
    assert!(ready.is_finished());
    ready.await.expect("it does not panic").expect("the store answers");
    assert_eq!(gate.store_state(), StoreState::Available);
}

#[tokio::test]
async fn a_gate_that_is_not_ready_in_time_says_what_the_store_failed_with() {
    let scene = Scene::new();
    let gate = scene.host();
    for (fault, expected) in [(Fault::Stuck, "did not answer within 50 ms"), (Fault::Unreachable, "connection refused")]
    {
        scene.fail(fault);
        let asked = gate.clone();
        let ready = tokio::spawn(async move { asked.ready(Duration::from_millis(120)).await });
        rest().await;
        scene.pass(Duration::from_millis(120)).await;
        let error = ready.await.expect("it does not panic").expect_err("the store is away");
        assert!(matches!(&error, Error::Store(StoreError::TimedOut { .. } | StoreError::Away(_))), "{error:?}");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[tokio::test]
async fn the_memory_store_is_always_ready() {
    let gate = Tidegate::builder().build().expect("the component loads");
    gate.ready(Duration::ZERO).await.expect("it is here");
    assert_eq!(gate.store_state(), StoreState::Available);
}
