//! What is in Redis while a policy is used, and what is left of it.

use std::time::Duration;

use tidegate::{Failure, RateLimiterConfig};

use super::scene::{Scene, Stranger, assert_sound, circuits, limiters};

/// How often Redis is looked at before it is taken as never to become empty.
const LOOKS: u32 = 2_000;

/// Whether a key is one of those that the documentation of the crate's `key` module describes.
fn is_documented(key: &str) -> bool {
    let Some((tag, field)) = key.strip_prefix("tidegate:{").and_then(|rest| rest.split_once("}:")) else {
        return false;
    };
    let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    tag.split(':').count() == 3 && field.split_once('.').is_some_and(|(upper, role)| is_hex(upper) && is_hex(role))
}

/// How much longer the cell lives that says by which limit a bucket is counted, so that it need not
/// be written with every call.
const SPARE_MS: i64 = 1_000;

/// Whether a key is that cell.
fn is_rate(key: &str) -> bool {
    key.starts_with("tidegate:{rl:") && key.rsplit_once('.').is_some_and(|(_, role)| role == "b")
}

/// All keys are documented, hold readable text, and expire within this many milliseconds.
fn assert_documented(stranger: &mut Stranger, longest_ms: i64) -> usize {
    let keys = stranger.keys("*");
    for key in &keys {
        let (value, pttl) = stranger.value(key);
        let longest_ms = if is_rate(key) { longest_ms + SPARE_MS } else { longest_ms };
        // -2: gone since the keys were listed.
        assert!(pttl == -2 || (1..=longest_ms).contains(&pttl), "{key} expires in {pttl} ms");
        let is_readable = !value.is_empty() && value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        assert!(is_documented(key) && (is_readable || pttl == -2), "{key} holds {value:?}");
    }
    keys.len()
}

/// Acquires, peeks, waits, gives back and gives up.
async fn use_all(gate: &tidegate::Tidegate, config: &RateLimiterConfig) {
    let limiter = gate.rate_limiter(config.clone()).expect("the configuration is valid");
    for key in ["spent", "given back", "reset", "cancelled"] {
        for _ in 0..5 {
            let decision = limiter.decide(key, None).await.expect("the store answers");
            match (key, decision.ticket) {
                ("given back", None) => drop(limiter.refund(key, &decision).await.expect("the store answers")),
                ("reset", _) => limiter.reset(key).await.expect("the store answers"),
                ("cancelled", Some(ticket)) => {
                    assert!(limiter.cancel(key, ticket).await.expect("the store answers"));
                }
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn what_limiters_store_is_readable_text_that_is_gone_after_its_use() {
    let scene = Scene::new();
    let (gate, mut stranger) = (scene.gate().await, scene.stranger());
    let (window, longest_wait) = (Duration::from_millis(500), Duration::from_millis(1_500));
    for config in limiters(window, longest_wait) {
        use_all(&gate, &config).await;
        assert!(assert_documented(&mut stranger, 6_000) > 0, "{config:?}");
    }
    let mut looks = 0;
    while !stranger.keys("*").is_empty() {
        looks += 1;
        assert!(looks < LOOKS, "left behind: {:?}", stranger.keys("*"));
        // Redis announces an expiry only when it comes to it.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_sound(&gate.stats(), "short windows");
}

#[tokio::test]
async fn what_circuits_store_is_readable_text_that_expires() {
    const MAX_MS: i64 = 32 * 86_400_000;
    let scene = Scene::new();
    let (gate, mut stranger) = (scene.gate().await, scene.stranger());
    for config in circuits() {
        let breaker = gate.circuit_breaker(config).expect("the configuration is valid");
        for failed in [true, false, true, true, true, true] {
            let report = breaker.admit().await.expect("the store answers");
            let Some(permit) = report.permit else { continue };
            if failed {
                breaker.failed(permit, Duration::ZERO, Failure::default()).await.expect("the store answers");
            } else {
                breaker.succeeded(permit, Duration::ZERO).await.expect("the store answers");
            }
            gate.flush().await;
            assert!(assert_documented(&mut stranger, MAX_MS) > 0);
        }
        breaker.set_mode(tidegate::Mode::ForcedOpen).await.expect("the store answers");
        assert_documented(&mut stranger, MAX_MS);
        breaker.reset().await.expect("the store answers");
        assert_documented(&mut stranger, MAX_MS);
    }
    assert_sound(&gate.stats(), "circuits");
}
