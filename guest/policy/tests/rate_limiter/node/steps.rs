//! The steps of a rate limiter node.

use proptest::prelude::*;
use serde_json::json;
use tidegate_policy::fake::FakeWorld;
use tidegate_policy::nodes::Step;
use tidegate_policy::rate_limiter::{Algorithm, Config, Limit, OnLimit, RateLimiter, Window, WindowUnit};

use super::Key;
use super::support::{T0_US, assert_outputs, parsed, paths};

/// What a step has for a result, as one text to compare.
fn result(step: &Step) -> String {
    assert!(step.done, "{step:?}");
    step.result.clone()
}

#[test]
fn a_result_has_exactly_its_fields_in_their_order() {
    let mut key = Key::new(&json!({}));
    let passed = r#"{"passed":true,"queued":false,"waitTime":0,"currentCount":1,"limit":2,"resetIn":1000}"#;
    assert_eq!(result(&key.begin()), passed);
    key.begin();
    let denied = r#"{"passed":false,"queued":false,"waitTime":0,"currentCount":2,"limit":2,"resetIn":1000}"#;
    let step = key.begin();
    assert_eq!((result(&step).as_str(), step.passed, step.token.as_str()), (denied, false, ""));
}

#[test]
fn the_outputs_of_the_registry_are_the_fields_of_a_result() {
    let mut key = Key::new(&json!({ "behavior": "queue", "limit": 1 }));
    key.begin();
    let waiting = key.begin();
    assert_outputs("rate-limiter", &key.finish(waiting).result);
}

#[test]
fn it_decides_as_the_limiter_of_an_sdk_does_on_the_same_cells() {
    let mut key = Key::new(&json!({ "limit": 3 }));
    let limit = Limit {
        limit: 3,
        window: Window { unit: WindowUnit::Second, count: 1 },
        algorithm: Algorithm::SlidingWindow { sub_windows: 64 },
    };
    let limiter = RateLimiter::open(&Config { limits: vec![limit], on_limit: OnLimit::Reject, lease: None })
        .expect("it is sound");
    limiter.acquire(&mut key.world, 0, 2, 0, 0).expect("it fits");
    assert_eq!(parsed(&key.begin().result)["currentCount"], 3);
    assert!(!key.begin().passed);
}

#[test]
fn one_who_is_queued_comes_back_and_reports_the_time_really_waited() {
    let mut key = Key::new(&json!({ "behavior": "queue" }));
    key.begin();
    key.begin();
    let waiting = key.begin();
    assert!(!waiting.done && waiting.wait_ms > 0 && waiting.result.is_empty() && !waiting.token.is_empty());
    key.world.pass_ms(waiting.wait_ms + 37);
    let step = key.come_back(&waiting);
    let expected = json!({
        "passed": true, "queued": true, "waitTime": waiting.wait_ms + 37, "queuePosition": 1, "currentCount": 1, "limit": 2,
        "resetIn": 1000,
    });
    let mut found = parsed(&result(&step));
    found["resetIn"] = json!(1000);
    assert_eq!(found, expected);
    assert!(result(&step).starts_with(&format!(
        r#"{{"passed":true,"queued":true,"waitTime":{},"queuePosition":1,"currentCount":"#,
        waiting.wait_ms + 37
    )));
}

#[test]
fn one_who_comes_back_early_waits_on_at_the_same_place() {
    let mut key = Key::new(&json!({ "behavior": "queue" }));
    key.begin();
    key.begin();
    let waiting = key.begin();
    key.world.pass_ms(10);
    let again = key.come_back(&waiting);
    assert_eq!(
        (again.done, again.wait_ms, again.token.as_str()),
        (false, waiting.wait_ms - 10, waiting.token.as_str())
    );
    let last = key.finish(again);
    assert_eq!(parsed(&last.result)["waitTime"], waiting.wait_ms);
}

#[test]
fn the_first_place_in_the_queue_is_the_one_that_is_reported() {
    let mut key = Key::new(&json!({ "behavior": "queue", "limit": 1 }));
    key.begin();
    let waiting: Vec<Step> = (0..3).map(|_| key.begin()).collect();
    let mut positions = Vec::new();
    let mut passed_ms = 0;
    for step in waiting {
        let rest_ms = step.wait_ms.saturating_sub(passed_ms);
        key.world.pass_ms(rest_ms);
        passed_ms += rest_ms;
        let started_ms = key.world.time_us();
        let came = key.come_back(&step);
        let last = key.finish(came);
        passed_ms += (key.world.time_us() - started_ms) / 1_000;
        positions.push(parsed(&last.result)["queuePosition"].as_u64());
    }
    assert_eq!(positions, [Some(1), Some(2), Some(3)]);
}

#[test]
fn higher_priority_goes_first() {
    let mut key = Key::new(&json!({ "behavior": "queue", "limit": 1 }));
    key.begin();
    let low = key.begin_with(0);
    let high = key.begin_with(9);
    assert!(high.token.contains("position=1"), "{}", high.token);
    key.world.pass_ms(low.wait_ms.min(high.wait_ms));
    let high = key.node.step(&mut key.world, 0, 9, &high.token).expect("its own token");
    let low = key.come_back(&low);
    assert!(high.passed && !low.done);
}

#[test]
fn a_queue_beyond_its_size_ends_without_passing() {
    let mut key = Key::new(&json!({ "behavior": "queue", "limit": 1, "maxQueueSize": 1 }));
    key.begin();
    assert!(!key.begin().done);
    let found = parsed(&result(&key.begin()));
    assert_eq!((&found["passed"], &found["queued"], found.get("queuePosition")), (&json!(false), &json!(false), None));
}

#[test]
fn one_whose_time_is_over_ends_without_passing_and_says_how_long_it_waited() {
    let over = json!({ "behavior": "queue", "limit": 1, "window": "minute", "queueTimeoutMs": 5_000 });
    let mut key = Key::new(&over);
    key.begin();
    let waiting = key.begin();
    assert_eq!(waiting.wait_ms, 5_000);
    let step = key.finish(waiting);
    let found = parsed(&result(&step));
    let picked = (&found["passed"], &found["queued"], &found["waitTime"], &found["queuePosition"]);
    assert_eq!(picked, (&json!(false), &json!(true), &json!(5_000), &json!(1)));
    assert_eq!(step.token, "");
}

#[test]
fn one_who_is_delayed_waits_for_its_reserved_place_and_is_charged_once() {
    let mut key = Key::new(&json!({ "behavior": "delay", "limit": 1 }));
    key.begin();
    let waiting = key.begin();
    assert!(!waiting.done && waiting.wait_ms > 0);
    key.world.pass_ms(waiting.wait_ms - 1);
    let early = key.come_back(&waiting);
    assert_eq!((early.done, early.wait_ms, early.token.as_str()), (false, 1, waiting.token.as_str()));
    key.world.pass_ms(1);
    let found = parsed(&result(&key.come_back(&waiting)));
    let expected = json!({
        "passed": true, "queued": false, "waitTime": waiting.wait_ms, "currentCount": 1, "limit": 1,
        "resetIn": found["resetIn"],
    });
    assert_eq!(found, expected);
}

#[test]
fn a_place_further_away_than_the_longest_wait_is_not_reserved() {
    let mut key = Key::new(&json!({ "behavior": "delay", "limit": 1, "queueTimeoutMs": 1_500 }));
    key.begin();
    assert!(!key.begin().done);
    let step = key.begin();
    assert!(step.done && !step.passed);
}

#[test]
fn what_is_abandoned_is_there_for_others() {
    for (behavior, window) in [("queue", "minute"), ("delay", "second")] {
        let mut key = Key::new(&json!({ "behavior": behavior, "limit": 1, "window": window, "maxQueueSize": 1 }));
        key.begin();
        let waiting = key.begin();
        assert!(key.abandon(&waiting), "{behavior}");
        let next = key.begin();
        assert_eq!((next.done, next.wait_ms), (false, waiting.wait_ms), "{behavior}");
    }
    let mut key = Key::new(&json!({ "limit": 1 }));
    let passed = key.begin();
    assert!(key.abandon(&passed));
    assert!(key.begin().passed);
}

#[test]
fn nothing_is_given_back_where_nothing_is_held() {
    let mut key = Key::new(&json!({ "behavior": "queue", "limit": 1 }));
    key.begin();
    let waiting = key.begin();
    assert!(key.abandon(&waiting) && !key.abandon(&waiting));
    let writes = key.world.writes();
    for token in ["", "n1", "p1 1 1 1", "n1 passed at=99999999999999999999"] {
        assert!(!key.node.abandon(&mut key.world, 0, token), "{token}");
    }
    assert_eq!(key.world.writes(), writes);
}

#[test]
fn a_token_goes_on_at_another_host() {
    let mut key = Key::new(&json!({ "behavior": "queue", "limit": 1 }));
    key.begin();
    let waiting = key.begin();
    let mut other = Key::new(&json!({ "behavior": "queue", "limit": 1 }));
    other.world = key.world.clone();
    let last = other.finish(waiting);
    assert!(last.passed);
}

#[test]
fn a_token_that_no_step_gave_is_a_problem_and_changes_nothing() {
    let mut key = Key::new(&json!({ "behavior": "queue" }));
    let done = key.begin();
    let ahead_us = T0_US + 2 * 86_400_000_000;
    let tokens = [
        "x".to_owned(),
        "n1 queued".to_owned(),
        done.token,
        "p1 1 1 0".to_owned(),
        "é".repeat(1_000),
        format!("n1 placed started={T0_US} at={ahead_us}"),
        format!("n1 queued started={ahead_us} position=1 ticket={T0_US}"),
    ];
    let writes = key.world.writes();
    for token in tokens {
        let problems = key.node.step(&mut key.world, 0, 0, &token).expect_err("it is no token");
        assert_eq!(paths(&problems), ["token"], "{token}");
        assert_eq!(problems[0].allowed, "empty, or the token of a step that was not done");
    }
    assert_eq!(key.world.writes(), writes);
}

#[test]
fn never_more_pass_than_the_limit_in_any_window_whatever_the_behavior() {
    for behavior in ["queue", "reject", "delay"] {
        let mut key = Key::new(&json!({ "behavior": behavior, "limit": 3, "queueTimeoutMs": 10_000 }));
        let mut waiting: Vec<(u64, Step)> = Vec::new();
        let mut passed_us = Vec::new();
        for _ in 0..400 {
            let begun = key.begin();
            waiting.push((key.world.time_us(), begun));
            key.world.pass_ms(35);
            let now_us = key.world.time_us();
            let mut still = Vec::new();
            for (since_us, mut step) in waiting.drain(..) {
                if !step.done && since_us + step.wait_ms * 1_000 <= now_us {
                    step = key.come_back(&step);
                    if step.passed {
                        passed_us.push(now_us);
                    }
                    still.push((now_us, step));
                } else {
                    if step.passed && since_us + 35_000 == now_us {
                        passed_us.push(since_us);
                    }
                    still.push((since_us, step));
                }
            }
            waiting = still.into_iter().filter(|(_, step)| !step.done).collect();
        }
        passed_us.sort_unstable();
        assert!(passed_us.len() > 30, "{behavior}");
        // A reserved place is passed up to one step of this script late, so those may crowd by as
        // much.
        let slack_us = if behavior == "delay" { 35_000 } else { 0 };
        for four in passed_us.windows(4) {
            assert!(four[3] - four[0] + slack_us >= 1_000_000, "{behavior}: {four:?}");
        }
    }
}

proptest! {
    #[test]
    fn no_token_panics_or_hangs(token in r"n1 (queued|placed|passed)( (started|at|ticket|position)=[0-9]{1,20}){0,3}") {
        for behavior in ["queue", "reject", "delay"] {
            let mut key = Key::new(&json!({ "behavior": behavior }));
            key.world = FakeWorld::at_us(T0_US);
            if let Ok(step) = key.node.step(&mut key.world, 0, 0, &token) {
                prop_assert!(step.wait_ms <= 86_400_000 + 30_000, "{:?}", step);
            }
            key.node.abandon(&mut key.world, 0, &token);
        }
    }
}
