//! Cases of circuit breakers as the targets `breaker` and `pattern` read them.

use serde_json::Value;
use tidegate_fuzz::input::Output;

use super::{field, number, place, steps, text};

const MODES: [&str; 5] = ["normal", "forced-open", "forced-closed", "disabled", "metrics-only"];

pub(super) fn seed(settings: &Value, case: &Value) -> Option<Vec<u8>> {
    let mut out = Output::default();
    write_trip(&mut out, settings.get("trip")?);
    out.number(number(&settings["openMs"], 30_000));
    match settings.get("backoff") {
        None => out.byte(0),
        Some(backoff) => {
            write_real(out.byte(1), &backoff["factor"]);
            out.number(number(&backoff["capMs"], 0))
        }
    };
    let half_open = &settings["halfOpen"];
    out.number(number(&half_open["probes"], 1));
    out.number(number(&half_open["successes"], 1));
    out.number(number(&half_open["permitMs"], 60_000));
    write_patterns(&mut out, &settings["monitored"]);
    write_patterns(&mut out, &settings["ignored"]);
    out.byte(place(&settings["mode"], &MODES));
    for cell in case["cells"].as_array().into_iter().flatten() {
        out.byte(12).maybe(None).number(field(&cell["cell"])).text(&text(&cell["text"]));
    }
    for (passed_us, call, arguments) in steps(case) {
        if passed_us > 0 {
            out.byte(11).byte(1).number(passed_us);
        }
        write_call(&mut out, &call, &arguments);
    }
    Some(out.end())
}

/// The patterns, and the first error of the case.
pub(super) fn pattern(settings: &Value, case: &Value) -> Option<Vec<u8>> {
    let (_, _, arguments) = steps(case).into_iter().find(|(_, _, arguments)| arguments["error"].is_object())?;
    let mut out = Output::default();
    write_patterns(&mut out, &settings["monitored"]);
    write_patterns(&mut out, &settings["ignored"]);
    for part in ["name", "message", "code", "status"] {
        out.text(arguments["error"][part].as_str().unwrap_or_default());
    }
    Some(out.end())
}

fn write_trip(out: &mut Output, trip: &Value) {
    let (failures, slow_rate) = (trip.get("failures"), trip.get("slowRate"));
    let (consecutive, rate) = (trip.get("consecutive"), trip.get("failureRatePercent"));
    let window_ms = &trip["sample"]["windowMs"];
    let has_window = !window_ms.is_null() || trip.get("sample").is_none();
    let bits = [failures.is_some(), consecutive.is_some(), rate.is_some(), slow_rate.is_some(), has_window];
    out.byte(bits.iter().rev().fold(0, |bits, bit| bits << 1 | u8::from(*bit)));
    if let Some(failures) = failures {
        out.number(number(&failures["count"], 0)).number(number(&failures["withinMs"], 0));
    }
    if let Some(consecutive) = consecutive {
        out.number(number(consecutive, 0));
    }
    if let Some(rate) = rate {
        write_real(out, rate);
    }
    if let Some(slow_rate) = slow_rate {
        write_real(out, &slow_rate["percent"]);
        out.number(number(&slow_rate["slowerThanMs"], 0));
    }
    out.number(if has_window { number(window_ms, 60_000) } else { number(&trip["sample"]["calls"], 0) });
    out.number(number(&trip["minimumCalls"], 10));
}

fn write_real(out: &mut Output, real: &Value) {
    out.maybe(Some(number(&Value::from(real.as_f64().unwrap_or(0.0) * 100.0), 0)));
}

fn write_patterns(out: &mut Output, patterns: &Value) {
    let patterns: Vec<&Value> = patterns.as_array().into_iter().flatten().take(3).collect();
    out.byte(u8::try_from(patterns.len()).unwrap_or(0));
    for pattern in patterns {
        out.byte(place(&pattern["part"], &["any", "name", "message", "code", "status"]))
            .text(&text(&pattern["pattern"]));
    }
}

fn write_call(out: &mut Output, call: &str, arguments: &Value) {
    let elapsed_ms = number(&arguments["elapsedMs"], 0);
    match call {
        "admit" => {
            out.byte(0);
        }
        "succeeded" => {
            out.byte(2).maybe(Some(0)).number(elapsed_ms);
        }
        "failed" => {
            let code = arguments["error"]["code"].as_str().unwrap_or_default();
            out.byte(3).text(code).maybe(Some(0)).number(elapsed_ms);
        }
        "cancelled" => {
            out.byte(5).maybe(Some(0)).number(elapsed_ms);
        }
        "status" => {
            out.byte(9);
        }
        "set-mode" => {
            out.byte(10).byte(place(&arguments["mode"], &MODES));
        }
        "reset" => {
            out.byte(11).byte(0);
        }
        "write" => {
            out.byte(12).maybe(None).number(field(&arguments["cell"])).text(&text(&arguments["text"]));
        }
        _ => {}
    }
}
