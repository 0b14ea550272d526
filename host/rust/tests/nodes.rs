//! Workflow nodes by their public face: on the memory store and a clock that moves when it is told
//! to, and on a real Redis.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use tidegate::nodes::{FallbackAction, NodeStep, Passage, RateLimiterNode};
use tidegate::{CallError, Cause, CircuitBreakerConfig, Clock, Error, Failure, ManualClock, Redis, State, Tidegate};
use tidegate_test_support::redis_server::RedisServer;

fn gate() -> (Tidegate, ManualClock) {
    let clock = ManualClock::new();
    (Tidegate::builder().clock(clock.clone()).build().expect("the component loads"), clock)
}

async fn gate_on(server: &RedisServer) -> Tidegate {
    // A machine that builds and tests at once is slow now and then.
    let store = Redis::builder(&server.url()).timeout_ms(10_000).connect().await.expect("the store connects");
    Tidegate::builder().store(store).build().expect("the component loads")
}

fn limiter_config(behavior: &str) -> Value {
    json!({ "limit": 1, "window": "second", "keyType": "per-user", "behavior": behavior })
}

fn circuit_config(action: &str) -> Value {
    json!({
        "circuitId": "payments", "failureThreshold": 2, "failureWindowMs": 10_000, "successThreshold": 1,
        "halfOpenTimeoutMs": 5_000, "fallbackAction": action, "fallbackValue": { "paid": false },
        "monitoredErrors": ["Timeout", "refused"], "outputVariable": "circuit",
    })
}

fn timeout() -> Failure {
    Failure { name: "TimeoutError".to_owned(), ..Failure::default() }
}

/// Polls a future once, which must not be ready.
fn poll_once<T>(future: Pin<&mut impl Future<Output = T>>) {
    assert!(matches!(future.poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
}

fn done(step: NodeStep) -> Passage {
    match step {
        NodeStep::Done(passage) => passage,
        NodeStep::Wait { wait, .. } => panic!("it is to wait for {wait:?}"),
    }
}

fn waiting(step: NodeStep) -> (Duration, String) {
    match step {
        NodeStep::Wait { wait, token } => (wait, token),
        NodeStep::Done(passage) => panic!("it does not wait: {passage:?}"),
    }
}

/// Goes through the steps of a durable workflow, whose timer is `sleep`.
async fn durably(node: &RateLimiterNode, context: &Value, clock: &ManualClock) -> Passage {
    let mut step = node.begin(context).await.expect("there is an answer");
    while let NodeStep::Wait { wait, token } = step {
        clock.advance(wait);
        step = node.step(context, &token).await.expect("the token is good");
    }
    done(step)
}

#[tokio::test]
async fn every_form_of_json_is_a_configuration_and_a_context() {
    let (gate, _) = gate();
    let config = limiter_config("reject");
    let text = config.to_string();
    let raw = serde_json::value::RawValue::from_string(text.clone()).expect("it is JSON");
    let nodes = [gate.rate_limiter_node(&config), gate.rate_limiter_node(&text), gate.rate_limiter_node(&raw)];
    let context = json!({ "userId": 42 });
    let passed: Vec<bool> = {
        let mut passed = Vec::new();
        for node in nodes {
            passed.push(node.expect("it is sound").execute(&context).await.expect("there is an answer").result.passed);
        }
        passed
    };
    assert_eq!(passed, [true, false, false]);
    let node = gate.rate_limiter_node(text.as_str()).expect("it is sound");
    let map: Map<String, Value> = context.as_object().expect("an object").clone();
    assert_eq!(node.subject(&map).expect("a key"), node.subject("{\"userId\":\"42\"}").expect("a key"));
}

#[tokio::test]
async fn all_problems_of_a_configuration_and_of_a_context_are_told() {
    let (gate, _) = gate();
    let Err(Error::Config { problems, .. }) = gate.rate_limiter_node("{\"limit\":-1,\"keyType\":\"custom\"}") else {
        panic!("it is wrong");
    };
    let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["limit", "window", "customKeyField", "behavior"]);
    let error = gate.rate_limiter_node(&limiter_config("reject")).expect("it is sound").execute("{}").await;
    let told = "the rate-limiter node cannot go on: context.userId is missing, must be a text that is not empty or a whole number";
    assert_eq!(error.expect_err("there is no key").to_string(), told);
}

#[tokio::test]
async fn a_large_context_is_read_by_the_members_that_count_and_passes_through_unharmed() {
    let (gate, _) = gate();
    let node = gate.rate_limiter_node(&limiter_config("reject")).expect("it is sound");
    let long = "x".repeat(500_000);
    let text = format!("{{ \"big\" : \"{long}\",\"n\":1e400,\"userId\":\"\\u0034\\u0032\" }}");
    assert_eq!(node.subject(&text).expect("a key").key, "42");
    let passage = node.execute(&text).await.expect("there is an answer");
    let merged = node.output(&text, &passage.json).expect("it is an object");
    assert_eq!(merged, format!("{},{} }}", &text[..text.len() - 2], &passage.json[1..passage.json.len() - 1]));
    let error = node.output(&format!("\"{}\"", "x".repeat(3 << 20)), "{}").expect_err("it is too long");
    assert!(matches!(&error, Error::Input { problems, .. } if problems[0].path == "context"), "{error}");
}

#[tokio::test]
async fn a_result_is_put_into_a_native_context_as_into_text() {
    let (gate, _) = gate();
    let node = gate.circuit_breaker_node(&circuit_config("skip")).expect("it is sound");
    let passage = node.execute().await.expect("there is an answer");
    let text = node.output("{\"a\":1,\"circuit\":2}", &passage.json).expect("it is an object");
    let mut native = json!({ "a": 1, "circuit": 2 });
    node.put(native.as_object_mut().expect("an object"), &passage.json).expect("it is a result");
    assert_eq!(serde_json::from_str::<Value>(&text).expect("it is JSON"), native);
}

#[tokio::test]
async fn a_queued_call_waits_inside_and_reports_the_time_really_waited() {
    let (gate, clock) = gate();
    for behavior in ["queue", "delay"] {
        let node = gate.rate_limiter_node(&limiter_config(behavior)).expect("it is sound");
        let context = json!({ "userId": behavior });
        assert!(node.execute(&context).await.expect("there is an answer").result.passed);
        let (wait, token) = waiting(node.begin(&context).await.expect("there is an answer"));
        assert!(node.abandon(&context, &token).await.expect("there is an answer"));
        let started_us = clock.now_us();
        let mut asking = pin!(node.execute(&context));
        poll_once(asking.as_mut());
        clock.advance(wait);
        let result = asking.await.expect("its turn has come").result;
        assert_eq!((result.passed, result.queued), (true, behavior == "queue"));
        assert_eq!(result.wait_time, Duration::from_micros(clock.now_us() - started_us));
    }
}

#[tokio::test]
async fn a_dropped_call_leaves_the_queue_or_gives_its_place_back() {
    for behavior in ["queue", "delay"] {
        let (gate, _) = gate();
        let node = gate.rate_limiter_node(&limiter_config(behavior)).expect("it is sound");
        let context = json!({ "userId": 1 });
        node.execute(&context).await.expect("there is an answer");
        let mut waits = Vec::new();
        for _ in 0..3 {
            poll_once(pin!(node.execute(&context)).as_mut());
            let (wait, token) = waiting(node.begin(&context).await.expect("there is an answer"));
            waits.push(wait);
            node.abandon(&context, &token).await.expect("there is an answer");
        }
        assert!(waits.iter().all(|wait| *wait == waits[0]), "{behavior}: {waits:?}");
    }
}

#[tokio::test]
async fn a_durable_workflow_never_sleeps_inside_and_may_go_on_anywhere() {
    for behavior in ["queue", "delay", "reject"] {
        let (gate, clock) = gate();
        let node = gate.rate_limiter_node(&limiter_config(behavior)).expect("it is sound");
        let context = json!({ "userId": 1 });
        assert!(durably(&node, &context, &clock).await.result.passed);
        let again = durably(&node, &context, &clock).await;
        assert_eq!(again.result.passed, behavior != "reject");
        assert_eq!(again.result.wait_time > Duration::ZERO, behavior != "reject");
        assert_eq!(again.token.is_some(), again.result.passed);
    }
    let (gate, _) = gate();
    let node = gate.rate_limiter_node(&limiter_config("queue")).expect("it is sound");
    let error = node.step("{\"userId\":1}", "n1 nonsense").await.expect_err("no step gave it");
    assert!(matches!(&error, Error::Input { problems, .. } if problems[0].path == "token"), "{error}");
}

#[tokio::test]
async fn a_permit_that_is_abandoned_is_there_for_another() {
    let (gate, _) = gate();
    let config = limiter_config("reject");
    let node = gate.rate_limiter_node(&config).expect("it is sound");
    let token = node.execute("{\"userId\":1}").await.expect("there is an answer").token.expect("it passed");
    // By another handle, as after a restart.
    let other = gate.rate_limiter_node(&config).expect("it is sound");
    assert!(other.abandon("{\"userId\":1}", &token).await.expect("there is an answer"));
    assert!(node.execute("{\"userId\":1}").await.expect("there is an answer").result.passed);
}

#[tokio::test]
async fn the_functions_of_workflow_engines_take_the_configuration_with_every_call() {
    let (gate, _) = gate();
    let config = limiter_config("reject").to_string();
    let context = r#"{"userId":1,"passed":"?","n":10000000000000000000000}"#;
    let first = gate.execute_rate_limiter_node(&config, context).await.expect("there is an answer");
    let expected = r#"{"userId":1,"passed":true,"n":10000000000000000000000,"queued":false,"waitTime":0,"currentCount":1,"limit":1,"resetIn":1000}"#;
    assert_eq!(first.context, expected);
    let second = gate.execute_rate_limiter_node(&config, context).await.expect("there is an answer");
    assert!(!second.passage.result.passed && second.passage.token.is_none());
}

#[tokio::test]
async fn a_call_whose_context_cannot_take_the_result_gives_its_permit_back() {
    let (gate, _) = gate();
    let config = limiter_config("reject");
    let text = format!("{{\"userId\":1,\"big\":\"{}\"}}", "x".repeat(3 << 20));
    gate.execute_rate_limiter_node(&config, &text).await.expect_err("it is too long");
    assert!(gate.execute_rate_limiter_node(&config, "{\"userId\":1}").await.expect("an answer").passage.result.passed);
}

#[tokio::test]
async fn a_circuit_whose_permits_nobody_keeps_opens_probes_and_closes() {
    let (gate, clock) = gate();
    let config = circuit_config("error");
    for _ in 0..2 {
        let output = gate.execute_circuit_breaker_node(&config, "{}").await.expect("it is closed");
        assert!(
            output.context.starts_with(r#"{"circuit":{"allowed":true,"circuitState":"closed""#),
            "{}",
            output.context
        );
        gate.record_circuit_failure("payments", &config, timeout()).await.expect("there is an answer");
    }
    let error = gate.execute_circuit_breaker_node(&config, "{}").await.expect_err("it is open");
    let Error::CircuitOpen { circuit, report } = error else { panic!("{error}") };
    assert_eq!((circuit.as_str(), report.state, report.retry_after), ("payments", State::Open, Duration::from_secs(5)));
    clock.advance(Duration::from_secs(5));
    gate.execute_circuit_breaker_node(&config, "{}").await.expect("it is a probe");
    let closed = gate.record_circuit_success("payments", &config).await.expect("there is an answer");
    assert_eq!(closed.report.event.map(|event| event.cause), Some(Cause::ProbesSucceeded));
    let wrong = gate.record_circuit_success("orders", &config).await.expect_err("it is another circuit");
    assert!(matches!(&wrong, Error::Config { problems, .. } if problems[0].path == "circuitId"), "{wrong}");
}

#[tokio::test]
async fn an_open_circuit_raises_falls_back_or_skips() {
    for action in ["error", "default", "skip"] {
        let (gate, clock) = gate();
        let config = circuit_config(action);
        let node = gate.circuit_breaker_node(&config).expect("it is sound");
        for _ in 0..2 {
            let failed = node.call(async { Err::<Value, _>(std::io::Error::other("connection refused")) }).await;
            assert!(matches!(failed, Err(CallError::Failed(_))), "{action}");
        }
        let refused = gate.with_circuit_breaker(&config, async { Ok::<Value, std::io::Error>(json!("paid")) }).await;
        match node.fallback_action() {
            FallbackAction::Error => {
                assert!(matches!(refused, Err(CallError::Refused { circuit, .. }) if circuit == "payments"));
            }
            FallbackAction::Default => {
                let guarded = refused.expect("there is a fallback");
                assert_eq!(guarded.result, Some(json!({ "paid": false })));
                assert!(guarded.circuit_result.fallback_used && guarded.circuit_result.failed_fast);
                let last_us = UNIX_EPOCH + Duration::from_micros(clock.now_us());
                assert_eq!(guarded.circuit_result.last_failure, Some(last_us));
            }
            FallbackAction::Skip => {
                let guarded = refused.expect("it is skipped");
                assert_eq!((guarded.result, guarded.circuit_result.fallback_used), (None, false));
            }
        }
    }
}

#[tokio::test]
async fn an_error_that_is_not_monitored_does_not_count_and_a_dropped_call_gives_its_permit_back() {
    let (gate, clock) = gate();
    let node = gate.circuit_breaker_node(&circuit_config("error")).expect("it is sound");
    for _ in 0..3 {
        let _ = node.call(async { Err::<(), _>(std::io::Error::other("no such order")) }).await;
    }
    assert_eq!(node.status().await.expect("there is an answer").result.failure_count, 0);
    for _ in 0..2 {
        node.failed(None, timeout()).await.expect("there is an answer");
    }
    clock.advance(Duration::from_secs(5));
    poll_once(pin!(node.call(std::future::pending::<Result<(), std::io::Error>>())).as_mut());
    assert!(node.admit().await.expect("there is an answer").result.allowed, "the dropped probe has left its place");
}

#[tokio::test]
async fn an_sdk_circuit_of_the_same_name_and_settings_is_the_same_circuit() {
    let (gate, _) = gate();
    let node = gate.circuit_breaker_node(&circuit_config("error")).expect("it is sound");
    let config = CircuitBreakerConfig::failures("payments", 2, Duration::from_secs(10));
    let breaker = gate.circuit_breaker(config).expect("it is sound");
    for _ in 0..2 {
        node.failed(None, timeout()).await.expect("there is an answer");
    }
    assert!(!breaker.admit().await.expect("there is an answer").is_admitted());
}

#[tokio::test]
async fn the_registry_is_json_with_a_schema_for_each_node() {
    let (gate, _) = gate();
    let nodes: Value = serde_json::from_str(&gate.node_registry().expect("there is an answer")).expect("it is JSON");
    let types: Vec<_> = nodes.as_array().expect("a list").iter().map(|node| node["type"].as_str()).collect();
    assert_eq!(types, [Some("rate-limiter"), Some("circuit-breaker")]);
    assert_eq!(nodes[0]["configSchema"]["additionalProperties"], false);
}

#[tokio::test]
async fn hosts_on_one_redis_share_a_queue_and_tokens() {
    let server = RedisServer::start().expect("redis-server starts");
    let (here, there) = (gate_on(&server).await, gate_on(&server).await);
    let config =
        json!({ "limit": 1, "window": "minute", "keyType": "per-user", "behavior": "queue", "maxQueueSize": 1 });
    let (here, there) = (here.rate_limiter_node(&config), there.rate_limiter_node(&config));
    let (here, there) = (here.expect("it is sound"), there.expect("it is sound"));
    let context = json!({ "userId": 7 });
    let passed = done(here.begin(&context).await.expect("there is an answer"));
    let (_, token) = waiting(there.begin(&context).await.expect("there is an answer"));
    let full = done(here.begin(&context).await.expect("there is an answer"));
    assert_eq!((full.result.passed, full.result.queued), (false, false));
    // What one host was given, another gives back, and the waiter's turn comes at a third.
    assert!(there.abandon(&context, &passed.token.expect("it passed")).await.expect("there is an answer"));
    let last = done(here.step(&context, &token).await.expect("the token is good"));
    assert_eq!((last.result.passed, last.result.queue_position), (true, Some(1)));
}

#[tokio::test]
async fn a_wait_inside_a_node_ends_on_a_real_clock_too() {
    let server = RedisServer::start().expect("redis-server starts");
    let gate = gate_on(&server).await;
    for behavior in ["queue", "delay"] {
        let node = gate.rate_limiter_node(&limiter_config(behavior)).expect("it is sound");
        let context = json!({ "userId": behavior });
        for _ in 0..2 {
            assert!(node.execute(&context).await.expect("there is an answer").result.passed);
        }
    }
}

#[tokio::test]
async fn hosts_on_one_redis_share_a_circuit_with_and_without_tokens() {
    let server = RedisServer::start().expect("redis-server starts");
    let (here, there) = (gate_on(&server).await, gate_on(&server).await);
    let config = circuit_config("error");
    let (here, there) = (here.circuit_breaker_node(&config), there.circuit_breaker_node(&config));
    let (here, there) = (here.expect("it is sound"), there.expect("it is sound"));
    let token = here.admit().await.expect("there is an answer").token.expect("it is admitted");
    there.failed(Some(&token), timeout()).await.expect("there is an answer");
    here.failed(None, timeout()).await.expect("there is an answer");
    for node in [&here, &there] {
        let refused = node.execute().await.expect_err("it is open");
        assert!(matches!(refused, Error::CircuitOpen { .. }), "{refused}");
    }
}
