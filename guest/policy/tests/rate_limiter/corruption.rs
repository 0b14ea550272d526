//! Values that we did not write: never a panic, and the decision of an empty key.

use tidegate_policy::kv::{Cell, Kv};
use tidegate_policy::rate_limiter::{Algorithm, Decision, OnLimit, Verdict};

use crate::support::{ALGORITHMS, BUCKET, COUNTER, FIXED, GCRA, Key, LOG, QUEUE, STRICT, is_bucket, per_second};

const MODES: [OnLimit; 3] = [OnLimit::Reject, OnLimit::Delay { max_wait_ms: 5_000 }, QUEUE];

/// Nothing that any cell of ours can hold.
fn garbage() -> Vec<String> {
    let long = "x".repeat(100_000);
    let mut texts: Vec<String> = [
        "",
        " ",
        "garbage",
        "-1",
        "+5",
        "007",
        "1e9",
        "5 ",
        "9007199254740993",
        "18446744073709551615",
        "99999999999999999999999999",
        "w",
        "w1",
        "w1 ",
        "w1 x",
        "w1 99999999999999999999999 0:1",
        "w1 18446744073709551615 0:1",
        "w1 5 0:4294967296",
        "w3 5 1:1",
        "w2 5 1:1",
        "w2 99999999999999999 -",
        "w2 5 5,5,99999999999 5:1",
        "l1",
        "l1 x",
        "l1 18446744073709551615 5:1",
        "l1 5 18446744073709551615:1 18446744073709551615:1",
        "q1",
        "q1 18446744073709551615 1,0,1,0",
        "q1 5 0,0,0,0",
        "{\"count\":5}",
        "\u{0}\u{0}\u{0}",
        "\u{1f30a}\u{1f6a7}",
    ]
    .map(String::from)
    .to_vec();
    texts.extend([format!("w1 {long}"), format!("l1 5{}", " 1:1".repeat(25_000)), "9".repeat(100_000), long]);
    texts
}

/// A key with permits in this window and the one before, and where the behaviour allows it someone
/// who waits.
fn used(algorithm: Algorithm, on_limit: OnLimit) -> Key {
    let mut key = Key::new(&[per_second(10, algorithm)], on_limit);
    key.acquire(4);
    key.pass_ms(990);
    key.acquire(6);
    key.pass_ms(20);
    key.acquire(1);
    key.acquire(10);
    key
}

fn calls(key: &Key) -> [Decision; 6] {
    let charged_us = key.now_us() - 20_000;
    [
        key.clone().acquire(3),
        key.clone().acquire(10),
        key.clone().try_acquire(3),
        key.clone().peek(10),
        key.clone().refund(2, charged_us),
        key.clone().ask(3, 1, key.now_us() - 1_000),
    ]
}

#[test]
fn garbage_counts_as_absent_and_is_reported() {
    for algorithm in ALGORITHMS {
        for on_limit in MODES {
            for text in garbage() {
                let mut key = used(algorithm, on_limit);
                key.world.corrupt(&text);
                let mut empty = Key::new(&[per_second(10, algorithm)], on_limit);
                empty.world.set_us(key.now_us());
                let found = calls(&key);
                let expected = calls(&empty);
                let shown = &text[..text.len().min(40)];
                for (found, expected) in found.iter().zip(expected) {
                    let undiscarded = Decision { discarded: 0, ..*found };
                    assert_eq!(undiscarded, expected, "{algorithm:?} {on_limit:?} {shown:?}");
                }
                assert!(found[3].discarded > 0, "a peek reads every value: {algorithm:?} {on_limit:?} {shown:?}");
                let advances_alone = is_bucket(algorithm) && !matches!(on_limit, OnLimit::Queue { .. });
                assert!(advances_alone || found[0].discarded > 0, "{algorithm:?} {on_limit:?} {shown:?}");
            }
        }
    }
}

/// After the first write over garbage the key is as good as new.
#[test]
fn a_key_recovers_from_garbage() {
    for algorithm in ALGORITHMS {
        for on_limit in MODES {
            for text in garbage() {
                let mut key = used(algorithm, on_limit);
                key.world.corrupt(&text);
                assert_eq!(key.acquire(10).verdict, Verdict::Allowed);
                let after = key.try_acquire(1);
                assert_eq!((after.verdict, after.count), (Verdict::Denied, 10), "{algorithm:?} {on_limit:?}");
            }
        }
    }
}

/// A reading of the number by the policy and one by the store must not differ: what a peek promises
/// must hold.
#[test]
fn odd_numbers_mean_the_same_to_policy_and_store() {
    let numbers = [
        "0",
        "3",
        "+3",
        "03",
        " 3",
        "3.0",
        "4294967296",
        "9007199254740992",
        "9007199254740993",
        "18446744073709551615",
    ];
    for algorithm in [STRICT, FIXED, COUNTER, GCRA, BUCKET] {
        for number in numbers {
            let limit = limit_with_a_count(algorithm);
            let mut key = Key::new(&[per_second(limit, algorithm)], OnLimit::Reject);
            key.acquire(2);
            key.acquire(3);
            let counts: Vec<Cell> =
                key.world.live_cells().filter(|(_, text)| text.parse::<u64>().is_ok()).map(|(cell, _)| cell).collect();
            assert_eq!(counts.len(), 1, "{algorithm:?}");
            key.world.put(counts[0], Some(number), 60_000);
            for cost in (1..=10).map(|tenths| limit * tenths / 10) {
                let (peeked, tried) = (key.clone().peek(cost), key.clone().try_acquire(cost));
                assert_eq!(peeked.verdict, tried.verdict, "{algorithm:?} {number:?} {cost}");
                assert_eq!(peeked.retry_after_ms, tried.retry_after_ms, "{algorithm:?} {number:?} {cost}");
            }
        }
    }
}

/// A limit whose permits are counted by a number: a strict one that is small has none.
fn limit_with_a_count(algorithm: Algorithm) -> u32 {
    if algorithm == STRICT { 1_000 } else { 10 }
}

/// A stranger's count blocks a window until that has passed, and no longer.
#[test]
fn huge_count_is_gone_with_its_window() {
    for algorithm in [STRICT, FIXED, COUNTER] {
        for number in ["4294967295", "4294967296", "9007199254740992", "9007199254740993", "18446744073709551615"] {
            for (mode, first_ms) in MODES.into_iter().flat_map(|mode| [(mode, 0), (mode, 150), (mode, 1_500)]) {
                let limit = limit_with_a_count(algorithm);
                let mut key = Key::new(&[per_second(limit, algorithm)], mode);
                key.acquire(2);
                key.acquire(3);
                let is_count = |text: &str| text == "5" || text == "3";
                let (cell, _) = key.world.live_cells().find(|(_, text)| is_count(text)).expect("there is a count");
                key.world.put(cell, Some(number), 60_000);
                key.pass_ms(first_ms);
                for _ in 0..25 {
                    key.acquire(1);
                    key.try_acquire(1);
                    key.refund(1, key.now_us());
                    key.pass_ms(100);
                }
                key.pass_ms(31_000);
                assert_eq!(key.acquire(limit).verdict, Verdict::Allowed, "{algorithm:?} {mode:?} {number} {first_ms}");
            }
        }
    }
}

/// Values of one policy under the cells of another.
#[test]
fn text_of_other_policies_is_not_taken_for_ours() {
    let mut texts: Vec<String> = Vec::new();
    for algorithm in ALGORITHMS {
        for on_limit in MODES {
            texts.extend(used(algorithm, on_limit).world.live_cells().map(|(_, text)| text.to_string()));
        }
    }
    for algorithm in [STRICT, LOG] {
        // A strict limit reads what it kept before it counted by groups, and the middle of another
        // has no head here.
        let own: &[&str] = if algorithm == LOG { &["l1"] } else { &["w1", "w2"] };
        for text in texts.iter().filter(|text| !own.iter().any(|own| text.starts_with(own))) {
            let mut key = used(algorithm, OnLimit::Reject);
            key.world.corrupt(text);
            let after = key.try_acquire(10);
            assert_eq!(after.verdict, Verdict::Allowed, "{algorithm:?} {text:?}");
            assert!(after.discarded > 0, "{algorithm:?} {text:?}");
        }
    }
}

/// Every beginning of a true text, and every true text with one character changed.
#[test]
fn damaged_text_never_panics() {
    for algorithm in ALGORITHMS {
        for on_limit in MODES {
            let key = used(algorithm, on_limit);
            let cells: Vec<(Cell, String)> =
                key.world.live_cells().map(|(cell, text)| (cell, text.to_string())).collect();
            for (cell, text) in &cells {
                for damaged in damages(text) {
                    let mut key = key.clone();
                    key.world.put(*cell, Some(&damaged), 60_000);
                    for decision in calls(&key) {
                        assert!(decision.remaining <= 10 && decision.limit == 10, "{damaged:?}: {decision:?}");
                        assert_eq!(decision.verdict == Verdict::Denied, decision.retry_after_ms > 0, "{damaged:?}");
                    }
                }
            }
        }
    }
}

/// The same of a strict limit that has groups enough for every cell.
#[test]
fn damaged_groups_never_panic() {
    let mut key = Key::new(&[per_second(300, STRICT)], OnLimit::Reject);
    for _ in 0..40 {
        key.pass_us(17_000);
        key.acquire(1);
        key.pass_us(1_000);
        key.acquire(1);
    }
    let cells: Vec<(Cell, String)> = key.world.live_cells().map(|(cell, text)| (cell, text.to_string())).collect();
    assert_eq!(cells.len(), 4, "{cells:?}");
    for (cell, text) in &cells {
        for damaged in damages(text) {
            for pass_ms in [0, 700, 1_000] {
                let mut key = key.clone();
                key.world.put(*cell, Some(&damaged), 60_000);
                key.pass_ms(pass_ms);
                for decision in calls(&key) {
                    assert!(decision.remaining <= 300 && decision.limit == 300, "{damaged:?}: {decision:?}");
                    assert_eq!(decision.verdict == Verdict::Denied, decision.retry_after_ms > 0, "{damaged:?}");
                }
            }
        }
    }
}

fn damages(text: &str) -> Vec<String> {
    let mut damages: Vec<String> = (0..text.len()).map(|end| text[..end].to_string()).collect();
    for at in 0..text.len() {
        for other in ["9", "-", " ", ":", ",", "\u{e9}"] {
            damages.push(format!("{}{other}{}", &text[..at], &text[at + 1..]));
        }
    }
    damages
}
