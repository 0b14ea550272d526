//! Settings that are valid and close to the edges of what can happen in a hundred calls.

use serde_json::{Value, json};

use super::random::Random;
use crate::protocol::PolicyKind;

/// Settings, and how far calls should be apart for them.
pub(super) struct Made {
    pub(super) kind: PolicyKind,
    pub(super) config: Value,
    pub(super) pace_us: u64,
}

pub(super) fn made(random: &mut Random) -> Made {
    if random.below(100) < 60 { limiter(random) } else { breaker(random) }
}

fn limiter(random: &mut Random) -> Made {
    let window_ms = *random.pick(&[7, 100, 500, 1_000, 1_000, 3_000, 60_000]);
    let count = *random.pick(&[1, 1, 1, 2, 3]);
    let limits: Vec<Value> = (1..=count).map(|nth| limit(random, window_ms, nth)).collect();
    let on_limit = match random.below(3) {
        0 => json!({ "behavior": "reject" }),
        1 => json!({ "behavior": "delay", "maxWaitMs": window_ms * (1 + random.below(5)) }),
        _ => queue(random, window_ms),
    };
    let config = json!({ "name": "generated", "limits": limits, "onLimit": on_limit });
    Made { kind: PolicyKind::Limiter, config, pace_us: window_ms * 1_000 / 4 }
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

fn breaker(random: &mut Random) -> Made {
    let open_ms = *random.pick(&[50, 1_000, 1_000, 30_000]);
    let mut config = json!({ "name": "generated", "trip": trip(random), "openMs": open_ms });
    if random.below(2) == 0 {
        config["backoff"] = json!({ "factor": random.pick(&[1.0, 1.5, 2.0, 3.25]), "capMs": open_ms * 5 });
    }
    if random.below(3) > 0 {
        let (probes, successes) = (1 + random.below(3), 1 + random.below(3));
        config["halfOpen"] = json!({ "probes": probes, "successes": successes, "permitMs": open_ms });
        config["halfOpen"]["rule"] = match probes {
            1 => json!("first-failure"),
            2 => json!({ "ratio": { "of": successes + 2 } }),
            _ => json!({ "rate": { "percent": 33.34, "of": successes } }),
        };
    }
    if random.below(3) == 0 {
        config["monitored"] = json!([{ "pattern": "*Error" }, { "part": "status", "pattern": "5??" }]);
        config["others"] = json!(if open_ms == 1_000 { "success" } else { "ignored" });
    }
    if random.below(3) == 0 {
        config["ignored"] =
            json!([{ "part": "message", "pattern": "not f*" }, { "part": "name", "pattern": "Fehler\\*?" }]);
    }
    if random.below(6) == 0 {
        config["mode"] = json!(random.pick(&["forced-closed", "metrics-only", "disabled", "forced-open"]));
    }
    Made { kind: PolicyKind::Breaker, config, pace_us: open_ms * 1_000 / 4 }
}

fn trip(random: &mut Random) -> Value {
    let mut trip = json!({ "minimumCalls": 1 + random.below(6) });
    if random.below(2) == 0 {
        trip["failures"] = json!({ "count": 1 + random.below(4), "withinMs": random.pick(&[100, 1_000, 60_000]) });
    }
    if random.below(3) == 0 {
        trip["consecutive"] = json!(1 + random.below(5));
    }
    if random.below(2) == 0 {
        trip["failureRatePercent"] = json!(random.pick(&[10.0, 33.34, 50.0, 99.99]));
    }
    let has_rule = ["failures", "consecutive", "failureRatePercent"].iter().any(|rule| trip.get(rule).is_some());
    if random.below(3) == 0 || !has_rule {
        trip["slowRate"] = json!({ "percent": random.pick(&[25.0, 60.5, 100.0]), "slowerThanMs": 250 });
    }
    trip["sample"] = match random.below(3) {
        0 => json!({ "calls": 6 + random.below(10) }),
        1 => json!({ "windowMs": random.pick(&[100, 1_000, 7_777]) }),
        _ => json!({ "windowMs": 60_000 }),
    };
    trip
}
