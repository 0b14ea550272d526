//! Keys that look like parts of others, or like nothing at all.

use std::collections::BTreeSet;

use tidegate::{CircuitBreakerConfig, Failure, Limit, RateLimiterConfig, State, Tidegate};

use super::scene::{Scene, assert_sound};

const TEN_MEGABYTES: usize = 10 * 1024 * 1024;

fn keys() -> Vec<String> {
    let short = [
        "",
        " ",
        "a",
        "A",
        "a:b",
        "a%3Ab",
        "a:",
        ":a",
        ":",
        "::",
        "{",
        "}",
        "{}",
        "{a}",
        "}:{",
        "a}:1.1",
        "a}:{rl:api:a",
        "\0",
        "\0\0",
        "a\0",
        "\n",
        "\r\n",
        "a\nb",
        "*",
        "?",
        "[a]",
        "\\",
        "%",
        "%00",
        "%0A",
        "~",
        "\u{1f30a}",
        "\u{1f469}\u{200d}\u{1f680}",
        "\u{e9}",
        "e\u{301}",
        "\u{202e}a",
        "\u{feff}",
        "'; FLUSHALL --",
        "tidegate:{rl:api:a}:1.1",
    ];
    let mut keys: Vec<String> = short.map(ToOwned::to_owned).to_vec();
    for length in [127, 128, 129, 200, TEN_MEGABYTES] {
        keys.push("x".repeat(length));
        keys.push("x".repeat(length - 1) + "y");
        keys.push("\u{1f30a}x".repeat(length / 5) + &length.to_string());
    }
    keys
}

/// Each key has its one permit, and nobody else's.
async fn assert_isolated(gate: &Tidegate) {
    let config = RateLimiterConfig::new("api", Limit::per_day(1));
    let limiter = gate.rate_limiter(config).expect("the configuration is valid");
    let keys = keys();
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
    for allowed in [true, false] {
        for key in &keys {
            let decision = limiter.try_acquire(key).await.expect("the store answers");
            let shown: String = key.chars().take(20).collect();
            assert_eq!(decision.is_allowed(), allowed, "{shown:?} of {} bytes", key.len());
        }
    }
    assert_sound(&gate.stats(), "hostile keys");
}

/// Text that moves between the name and the key, or that is a limiter's here and a circuit's there,
/// is another's.
async fn assert_names_are_isolated(gate: &Tidegate) {
    let parts = ["", ":", "a", "a:", ":a", "{a}", "}:{", "%3A", "\0", "\u{1f30a}"];
    for allowed in [true, false] {
        for name in parts {
            let limiter = gate.rate_limiter(RateLimiterConfig::new(name, Limit::per_day(1))).expect("it is valid");
            for key in parts {
                let decision = limiter.try_acquire(key).await.expect("the store answers");
                assert_eq!(decision.is_allowed(), allowed, "{name:?} {key:?}");
            }
        }
    }
    for name in parts {
        let breaker = gate.circuit_breaker(CircuitBreakerConfig::consecutive(name, 1)).expect("it is valid");
        for key in parts {
            let breaker = breaker.keyed(key);
            let report = breaker.admit().await.expect("the store answers");
            let permit = report.permit.expect("no other circuit opened it");
            let report = breaker.failed(permit, std::time::Duration::ZERO, Failure::default()).await;
            assert_eq!(report.expect("the store answers").state, State::Open, "{name:?} {key:?}");
        }
    }
    assert_sound(&gate.stats(), "hostile names");
}

#[tokio::test]
async fn hostile_keys_share_nothing_in_memory() {
    let gate = Tidegate::builder().build().expect("the component loads");
    assert_isolated(&gate).await;
    assert_names_are_isolated(&gate).await;
}

#[tokio::test]
async fn hostile_keys_share_nothing_on_redis_and_stay_short() {
    let scene = Scene::new();
    let gate = scene.gate().await;
    assert_isolated(&gate).await;
    let stored = scene.stranger().keys("*");
    let tag = |key: &String| key.split(['{', '}']).nth(1).expect("a key has a tag").to_owned();
    assert_eq!(stored.iter().map(tag).collect::<BTreeSet<_>>().len(), keys().len());
    for key in &stored {
        let bytes_are_plain = key.bytes().all(|byte| byte.is_ascii_graphic());
        assert!(key.starts_with("tidegate:{rl:api:") && key.len() <= 200 && bytes_are_plain, "{key}");
    }
    assert_names_are_isolated(&gate).await;
}

#[tokio::test]
async fn no_key_names_a_key_of_another_application() {
    let scene = Scene::new();
    let (gate, mut stranger) = (scene.gate().await, scene.stranger());
    let theirs = ["session:42", "tidegate", "{rl:api:a}", "tidegate:{}"];
    for key in theirs {
        stranger.run::<()>("SET", &[key.as_bytes(), b"theirs"]);
    }
    let limiter = gate.rate_limiter(RateLimiterConfig::new("api", Limit::per_day(1))).expect("it is valid");
    for key in theirs {
        assert!(limiter.try_acquire(key).await.expect("the store answers").is_allowed());
        limiter.reset(key).await.expect("the store answers");
        assert_eq!(stranger.value(key), ("theirs".to_owned(), -1));
    }
}
