//! Settings of breakers that are close to the edges of what can happen in a hundred calls.

use serde_json::{Value, json};

use crate::generate::Random;

/// Settings, and about how far calls should be apart for them, in microseconds.
pub(super) fn settings(random: &mut Random) -> (Value, u64) {
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
    (config, open_ms * 1_000 / 4)
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
