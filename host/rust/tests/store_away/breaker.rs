//! Circuit breakers while the store is away, and when it is back.

use std::time::Duration;

use tidegate::{CircuitBreaker, CircuitReport, Effect, Failure, Permit, State, Tidegate, WhenAway};

use super::scene::{Fault, Scene, breaker, rest};

async fn admit(breaker: &CircuitBreaker) -> CircuitReport {
    breaker.admit().await.expect("the settings say what to answer")
}

async fn fail(breaker: &CircuitBreaker, permit: Permit) -> CircuitReport {
    let failure = Failure { message: "it broke".to_owned(), ..Failure::default() };
    breaker.failed(permit, Duration::ZERO, failure).await.expect("the settings say what to answer")
}

async fn permit(breaker: &CircuitBreaker) -> Permit {
    admit(breaker).await.permit.expect("it is admitted")
}

async fn back(scene: &Scene, gate: &Tidegate) {
    scene.heal();
    scene.pass(Duration::from_millis(600)).await;
    assert_eq!(gate.store_state(), tidegate::StoreState::Available);
}

#[tokio::test]
async fn open_admits_and_the_outcome_counts_nowhere() {
    let scene = Scene::new();
    let gate = scene.host();
    let breaker = breaker(&gate, WhenAway::Open);
    scene.fail(Fault::Unreachable);
    for _ in 0..5 {
        let report = admit(&breaker).await;
        assert_eq!((report.effect, report.degraded), (Effect::Admitted, true));
        let outcome = fail(&breaker, report.permit.expect("it is admitted")).await;
        assert_eq!((outcome.effect, outcome.degraded), (Effect::Ignored, true));
    }
    let kept = permit(&breaker).await;
    back(&scene, &gate).await;
    assert_eq!(fail(&breaker, kept).await.effect, Effect::Ignored);
    let status = breaker.status().await.expect("the store answers");
    assert_eq!((status.state, status.consecutive, status.degraded), (State::Closed, 0, false));
    assert_eq!(gate.stats().degraded, 6);
}

#[tokio::test]
async fn closed_refuses_until_the_store_is_tried_again() {
    let scene = Scene::new();
    let gate = scene.host();
    let breaker = breaker(&gate, WhenAway::Closed);
    scene.fail(Fault::Unreachable);
    for _ in 0..3 {
        assert_eq!(admit(&breaker).await.effect, Effect::RefusedAway);
    }
    let report = admit(&breaker).await;
    assert_eq!((report.permit, report.degraded), (None, true));
    assert_eq!(report.retry_after, Duration::from_millis(500));
}

#[tokio::test]
async fn by_share_a_host_has_a_circuit_of_its_own() {
    let scene = Scene::new();
    let gate = scene.host();
    let breaker = breaker(&gate, WhenAway::Share { hosts: 4 });
    scene.fail(Fault::Unreachable);
    for _ in 0..2 {
        let permit = permit(&breaker).await;
        assert!(permit.degraded);
        assert_eq!(fail(&breaker, permit).await.effect, Effect::CountedFailure);
    }
    let refused = admit(&breaker).await;
    assert_eq!((refused.effect, refused.degraded), (Effect::RefusedOpen, true));
    let status = breaker.status().await.expect("this host's own");
    assert_eq!((status.state, status.degraded), (State::Open, true));
    back(&scene, &gate).await;
    let report = admit(&breaker).await;
    assert_eq!((report.effect, report.state, report.degraded), (Effect::Admitted, State::Closed, false));
}

#[tokio::test]
async fn the_next_outage_begins_with_a_closed_circuit() {
    let scene = Scene::new();
    let gate = scene.host();
    let breaker = breaker(&gate, WhenAway::Share { hosts: 4 });
    for _ in 0..2 {
        scene.fail(Fault::Unreachable);
        scene.find_out(&gate).await;
        for _ in 0..2 {
            let permit = permit(&breaker).await;
            fail(&breaker, permit).await;
        }
        assert_eq!(admit(&breaker).await.effect, Effect::RefusedOpen);
        back(&scene, &gate).await;
    }
}

#[tokio::test]
async fn a_permit_of_a_hosts_own_circuit_never_counts_in_the_shared_one() {
    let scene = Scene::new();
    let gate = scene.host();
    let breaker = breaker(&gate, WhenAway::Share { hosts: 4 });
    breaker.status().await.expect("the store answers");
    scene.fail(Fault::Unreachable);
    let permits = [permit(&breaker).await, permit(&breaker).await];
    back(&scene, &gate).await;
    for permit in permits {
        assert!(fail(&breaker, permit).await.degraded);
    }
    let status = breaker.status().await.expect("the store answers");
    assert_eq!((status.state, status.consecutive), (State::Closed, 0));
}

#[tokio::test]
async fn an_outcome_of_before_is_told_to_the_hosts_own_circuit_and_to_the_store_when_it_is_back() {
    let scene = Scene::new();
    let gate = scene.host();
    let breaker = breaker(&gate, WhenAway::Share { hosts: 4 });
    let permits = [permit(&breaker).await, permit(&breaker).await];
    scene.fail(Fault::Unreachable);
    scene.find_out(&gate).await;
    for permit in permits {
        let outcome = fail(&breaker, permit).await;
        assert_eq!((outcome.effect, outcome.degraded), (Effect::CountedFailure, true));
    }
    assert_eq!(admit(&breaker).await.effect, Effect::RefusedOpen);
    back(&scene, &gate).await;
    let status = breaker.status().await.expect("the store answers");
    assert_eq!((status.state, status.degraded), (State::Open, false));
    assert_eq!(gate.stats().lost, 0);
}

#[tokio::test]
async fn an_outcome_of_before_is_an_error_where_the_settings_say_nothing() {
    let scene = Scene::new();
    let gate = scene.host();
    let breaker = breaker(&gate, WhenAway::Error);
    let permit = permit(&breaker).await;
    scene.fail(Fault::Unreachable);
    let error = breaker.failed(permit, Duration::ZERO, Failure::default()).await.expect_err("the store is away");
    assert!(error.is_store_away());
    back_at_once(&scene).await;
    assert_eq!(fail(&breaker, permit).await.effect, Effect::CountedFailure);
}

async fn back_at_once(scene: &Scene) {
    scene.heal();
    rest().await;
}

#[tokio::test]
async fn successes_that_settle_later_are_kept_while_the_store_is_away() {
    let scene = Scene::new();
    let gate = scene.host();
    let config = tidegate::CircuitBreakerConfig::failure_rate("rate", 50.0);
    let rated = gate.circuit_breaker(config).expect("the configuration is valid");
    let mut permits = Vec::new();
    for _ in 0..20 {
        permits.push(permit(&rated).await);
    }
    scene.fail(Fault::Unreachable);
    scene.find_out(&gate).await;
    for permit in permits {
        let outcome = rated.succeeded(permit, Duration::ZERO).await.expect("it is told later");
        assert_eq!(outcome.effect, Effect::CountedSuccess);
    }
    scene.pass(Duration::from_millis(100)).await;
    back(&scene, &gate).await;
    gate.flush().await;
    assert_eq!(rated.status().await.expect("the store answers").calls, 20);
    assert_eq!(gate.stats().lost, 0);
}

#[tokio::test]
async fn what_was_on_its_way_when_the_store_went_away_is_lost_and_counted() {
    let scene = Scene::new();
    let gate = scene.host();
    let config = tidegate::CircuitBreakerConfig::failure_rate("rate", 50.0);
    let rated = gate.circuit_breaker(config).expect("the configuration is valid");
    let permit = permit(&rated).await;
    scene.fail(Fault::Unreachable);
    rated.succeeded(permit, Duration::ZERO).await.expect("it is told later");
    rest().await;
    scene.pass(Duration::from_millis(20)).await;
    assert_eq!(gate.stats().lost, 1);
}

#[tokio::test]
async fn a_call_goes_through_an_open_circuit_and_its_result_comes_back() {
    let scene = Scene::new();
    let gate = scene.host();
    let breaker = breaker(&gate, WhenAway::Open);
    scene.fail(Fault::Unreachable);
    for _ in 0..4 {
        let result = breaker.call(async { Ok::<_, std::io::Error>(7) }).await;
        assert_eq!(result.expect("it is admitted"), 7);
    }
}
