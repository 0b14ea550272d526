//! Workflow nodes while the store is away: circuits work on this host's own state, and limiters say
//! so.

use std::time::Duration;

use serde_json::json;
use tidegate::nodes::CircuitBreakerNode;
use tidegate::{CircuitBreakerConfig, Effect, Error, Failure, State, Tidegate, WhenAway};

use super::scene::{Fault, Scene};

fn node(gate: &Tidegate) -> CircuitBreakerNode {
    let config = json!({
        "circuitId": "payments", "failureThreshold": 1, "failureWindowMs": 10_000, "successThreshold": 1,
        "halfOpenTimeoutMs": 30_000, "fallbackAction": "error", "monitoredErrors": "all",
    });
    gate.circuit_breaker_node(&config).expect("the configuration is valid")
}

fn broken() -> Failure {
    Failure { message: "it broke".to_owned(), ..Failure::default() }
}

async fn back(scene: &Scene, gate: &Tidegate) {
    scene.heal();
    scene.pass(Duration::from_millis(600)).await;
    gate.flush().await;
}

#[tokio::test]
async fn a_circuit_node_works_on_this_hosts_own_state() {
    let scene = Scene::new();
    let gate = scene.host();
    let node = node(&gate);
    node.status().await.expect("the store answers");
    scene.fail(Fault::Unreachable);
    let passage = node.execute().await.expect("this host's own circuit is closed");
    assert!(passage.result.allowed && passage.report.degraded);
    let token = passage.token.expect("it is admitted");
    assert!(token.starts_with("away:"), "{token}");
    let outcome = node.failed(Some(&token), broken()).await.expect("this host's own circuit hears of it");
    assert_eq!((outcome.report.effect, outcome.report.degraded), (Effect::CountedFailure, true));
    let refused = node.admit().await.expect("a refusal is an answer");
    assert_eq!((refused.result.allowed, refused.report.degraded), (false, true));
    assert!(matches!(node.execute().await, Err(Error::CircuitOpen { .. })));
    assert_eq!(node.status().await.expect("this host's own").result.circuit_state, State::Open);
    back(&scene, &gate).await;
    let admitted = node.admit().await.expect("the store answers");
    assert_eq!((admitted.result.allowed, admitted.report.degraded), (true, false));
}

#[tokio::test]
async fn the_token_of_an_outage_counts_for_this_host_alone() {
    let scene = Scene::new();
    let gate = scene.host();
    let node = node(&gate);
    node.status().await.expect("the store answers");
    scene.fail(Fault::Unreachable);
    let token = node.admit().await.expect("this host's own circuit is closed").token;
    back(&scene, &gate).await;
    assert!(node.failed(token.as_deref(), broken()).await.expect("it is heard").report.degraded);
    let status = node.status().await.expect("the store answers");
    assert_eq!((status.report.state, status.report.degraded), (State::Closed, false));
}

#[tokio::test]
async fn the_outcome_of_a_token_of_the_store_is_told_to_both() {
    let scene = Scene::new();
    let gate = scene.host();
    let node = node(&gate);
    let token = node.admit().await.expect("the store answers").token;
    scene.fail(Fault::Unreachable);
    scene.find_out(&gate).await;
    let outcome = node.failed(token.as_deref(), broken()).await.expect("this host's own circuit hears of it");
    assert_eq!((outcome.report.effect, outcome.report.degraded), (Effect::CountedFailure, true));
    assert!(!node.admit().await.expect("a refusal is an answer").result.allowed);
    back(&scene, &gate).await;
    let status = node.status().await.expect("the store answers");
    assert_eq!((status.report.state, status.report.degraded), (State::Open, false));
}

#[tokio::test]
async fn a_guarded_operation_of_a_node_goes_on_without_the_store() {
    let scene = Scene::new();
    let gate = scene.host();
    let node = node(&gate);
    scene.fail(Fault::Unreachable);
    for _ in 0..5 {
        let guarded = node.call(async { Ok::<_, std::io::Error>(7) }).await.expect("it is admitted");
        assert_eq!(guarded.result, Some(7));
    }
}

#[tokio::test]
async fn a_limiter_node_says_that_the_store_is_away() {
    let scene = Scene::new();
    let gate = scene.host();
    let config = json!({"limit": 2, "window": "minute", "keyType": "per-user", "behavior": "reject"});
    let node = gate.rate_limiter_node(&config).expect("the configuration is valid");
    scene.fail(Fault::Unreachable);
    let error = node.execute(&json!({"userId": 1})).await.expect_err("the store is away");
    assert!(error.is_store_away(), "{error:?}");
}

#[tokio::test]
async fn a_circuit_goes_on_by_its_own_state_unless_told_otherwise() {
    let scene = Scene::new();
    let gate = scene.host();
    let config = CircuitBreakerConfig::consecutive("c", 1);
    assert_eq!(config.when_away, WhenAway::Own);
    let circuit = gate.circuit_breaker(config).expect("the configuration is valid");
    scene.fail(Fault::Unreachable);
    let report = circuit.admit().await.expect("this host's own circuit is closed");
    assert_eq!((report.effect, report.degraded), (Effect::Admitted, true));
    let permit = report.permit.expect("it is admitted");
    circuit.failed(permit, Duration::ZERO, broken()).await.expect("this host's own circuit hears of it");
    assert_eq!(circuit.admit().await.expect("a refusal is an answer").effect, Effect::RefusedOpen);
}

#[test]
fn a_circuits_share_needs_no_number_in_json_and_a_limiters_does() {
    let circuit = |when_away: &str| {
        CircuitBreakerConfig::from_json(&format!(r#"{{"name":"c","trip":{{"consecutive":1}}{when_away}}}"#))
    };
    for (text, expected) in [
        ("", WhenAway::Own),
        (r#","whenAway":"share""#, WhenAway::Own),
        (r#","whenAway":{"share":4}"#, WhenAway::Share { hosts: 4 }),
        (r#","whenAway":"error""#, WhenAway::Error),
        (r#","whenAway":"closed""#, WhenAway::Closed),
        (r#","whenAway":"open""#, WhenAway::Open),
    ] {
        assert_eq!(circuit(text).expect("it can be read").when_away, expected, "{text}");
    }
    assert_eq!(serde_json::to_value(WhenAway::Own).expect("it can be written"), json!("share"));
    assert_eq!(serde_json::to_value(WhenAway::Share { hosts: 4 }).expect("it can be written"), json!({"share": 4}));
    for wrong in
        [r#","whenAway":"never""#, r#","whenAway":{"part":4}"#, r#","whenAway":{"share":4,"of":5}"#, r#","whenAway":7"#]
    {
        let Err(Error::Config { problems, .. }) = circuit(wrong) else { panic!("{wrong} was read") };
        assert!(problems[0].path.starts_with("whenAway"), "{problems:?}");
    }
    let limiter = r#"{"name":"api","limits":[{"limit":1,"window":"second"}],"whenAway":"share"}"#;
    let error = tidegate::RateLimiterConfig::from_json(limiter).expect_err("of how many hosts?");
    assert!(error.to_string().contains("whenAway is \"share\", must be one of"), "{error}");
    let config = tidegate::RateLimiterConfig::new("api", tidegate::Limit::per_second(1)).when_away(WhenAway::Own);
    let error = Tidegate::builder().build().expect("the component loads").rate_limiter(config);
    let error = error.expect_err("of how many hosts?");
    assert!(error.to_string().contains("when_away.share is none, must be 1 to 1000000"), "{error}");
}
