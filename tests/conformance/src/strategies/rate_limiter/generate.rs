//! Limiters that are close to the edges of what can happen in a hundred calls, and calls of them.

use serde_json::{Value, json};

use super::call::Call;
use crate::generate::{Generated, Random, Script};

pub(in super::super) fn generate(random: &mut Random) -> Generated {
    let window_ms = *random.pick(&[7, 100, 500, 1_000, 1_000, 3_000, 60_000]);
    let count = *random.pick(&[1, 1, 1, 2, 3]);
    let limits: Vec<Value> = (1..=count).map(|nth| limit(random, window_ms, nth)).collect();
    let on_limit = match random.below(3) {
        0 => json!({ "behavior": "reject" }),
        1 => json!({ "behavior": "delay", "maxWaitMs": window_ms * (1 + random.below(5)) }),
        _ => queue(random, window_ms),
    };
    let config = json!({ "name": "generated", "limits": limits, "onLimit": on_limit });
    let mut caller = Caller::default();
    let next = Box::new(move |script: &mut Script| caller.call(script));
    Generated { kind: super::LIMITER.name, config, pace_us: window_ms * 1_000 / 4, next }
}

/// The `nth` limit: each has a window of another length, so that no two count in the same cells.
fn limit(random: &mut Random, window_ms: u64, nth: u64) -> Value {
    let limit = 1 + random.below(8);
    let algorithm = match random.below(6) {
        0 => json!({ "name": "sliding-window", "subWindows": random.pick(&[1, 2, 10, 10, 100]) }),
        1 => bucket(random, "gcra"),
        2 => bucket(random, "token-bucket"),
        3 => json!({ "name": "fixed-window" }),
        4 => json!({ "name": "sliding-window-counter" }),
        _ => json!({ "name": "sliding-log" }),
    };
    // Rates of buckets are compared as fractions; primes keep them apart.
    let window_ms = window_ms * nth + [0, 1, 4][usize::try_from(nth - 1).unwrap_or(0)];
    json!({ "limit": limit, "window": "millisecond", "windowCount": window_ms, "algorithm": algorithm })
}

fn bucket(random: &mut Random, name: &str) -> Value {
    match random.below(3) {
        0 => json!({ "name": name }),
        _ => json!({ "name": name, "burst": 1 + random.below(6) }),
    }
}

fn queue(random: &mut Random, window_ms: u64) -> Value {
    let timeout_ms = window_ms * (1 + random.below(4));
    let size = 1 + random.below(5);
    match random.below(2) {
        0 => json!({ "behavior": "queue", "maxSize": size, "timeoutMs": timeout_ms }),
        _ => json!({ "behavior": "queue", "maxSize": size, "timeoutMs": timeout_ms, "graceMs": 1 + timeout_ms / 4 }),
    }
}

/// Who calls a limiter, and what it asked for.
#[derive(Default)]
struct Caller {
    asked: Vec<Asked>,
}

/// A step that asked for permits.
#[derive(Clone)]
struct Asked {
    step: usize,
    key: String,
    cost: u32,
    priority: i32,
}

impl Caller {
    fn call(&mut self, script: &mut Script) {
        let call = *script.random.weighted(&[
            ("acquire", 34),
            ("try-acquire", 34),
            ("peek", 8),
            ("refund", 10),
            ("charge", 3),
            ("cancel", 6),
            ("come-back", 7),
            ("reset", 1),
        ]);
        let host = script.host();
        let random = &mut script.random;
        let mut key = (*random.pick(&["a", "a", "b", "ü:{}"])).to_owned();
        let mut cost = *random.pick(&[1, 1, 1, 1, 1, 2, 3, 0, 40]);
        let mut priority = *random.pick(&[0, 0, 0, 1, -2, 7]);
        // It is drawn for every call, so that a seed means the same calls for ever.
        let earlier = random.recent(&self.asked).cloned();
        let earlier = earlier.filter(|_| matches!(call, "come-back" | "cancel" | "refund"));
        let of = earlier.as_ref().map(|earlier| earlier.step);
        if let Some(earlier) = earlier {
            (key, cost, priority) = (earlier.key, earlier.cost, earlier.priority);
        }
        if matches!(call, "acquire" | "come-back" | "try-acquire") {
            self.asked.push(Asked { step: script.next_step(), key: key.clone(), cost, priority });
        }
        script.push(
            host,
            &match call {
                "acquire" | "come-back" => Call::Acquire { key, cost, priority, ticket: of },
                "try-acquire" => Call::TryAcquire { key, cost },
                "peek" => Call::Peek { key, cost },
                "refund" => Call::Refund { key, cost, charged: of },
                "charge" => Call::Charge { key, cost },
                "cancel" => Call::Cancel { key, ticket: of },
                "reset" => Call::Reset { key },
                other => unreachable!("{other} is not drawn"),
            },
        );
    }
}
