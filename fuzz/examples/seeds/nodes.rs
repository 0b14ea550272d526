//! Cases of workflow nodes as the targets `limiter_node`, `breaker_node` and `output` read them.

use serde_json::Value;
use tidegate_fuzz::input::Output;

use super::{field, number, steps, text};

pub(super) fn limiter(config: &Value, case: &Value) -> Vec<u8> {
    let mut out = begun(config, case);
    for (passed_us, call, arguments) in steps(case) {
        if passed_us > 0 {
            out.byte(4).number(passed_us);
        }
        let (ticket, token) = (&arguments["ticket"], &arguments["token"]);
        match call.as_str() {
            "step" if !ticket.is_null() => out.byte(1).maybe(Some(0)).number(0),
            "step" if !token.is_null() => out.byte(2).maybe(None).text(&text(token)),
            "step" => out.byte(0).number(0),
            "abandon" if !token.is_null() => out.byte(3).maybe(None).text(&text(token)),
            "abandon" => out.byte(3).maybe(Some(0)),
            "write" => out.byte(6).maybe(None).number(field(&arguments["cell"])).text(&text(&arguments["text"])),
            _ => &mut out,
        };
    }
    out.end()
}

pub(super) fn breaker(config: &Value, case: &Value) -> Vec<u8> {
    let mut out = begun(config, case);
    for (passed_us, call, arguments) in steps(case) {
        if passed_us > 0 {
            out.byte(5).number(passed_us / 1_000);
        }
        let error = |part: &str| arguments["error"][part].as_str().unwrap_or_default().to_owned();
        let out = match call.as_str() {
            "admit" => out.byte(0),
            "succeeded" => out.byte(2),
            "failed" => out.byte(3).text(&error("name")).text(&error("message")),
            "cancelled" => out.byte(4),
            "status" => out.byte(8),
            _ => &mut out,
        };
        if matches!(call.as_str(), "succeeded" | "failed" | "cancelled") {
            match arguments["token"].as_str() {
                Some(token) => out.maybe(None).text(token),
                None => out.maybe(Some(0)).byte(1),
            };
        }
    }
    out.end()
}

/// The configuration and the first context.
fn begun(config: &Value, case: &Value) -> Output {
    let contexts = steps(case).into_iter().map(|(_, _, arguments)| arguments["context"].clone());
    let context = contexts.into_iter().find(|context| !context.is_null());
    let mut out = Output::default();
    out.byte(0).text(&text(config)).text(&context.map_or_else(|| "{}".to_owned(), |context| text(&context)));
    out
}

/// The contexts of a node, each with a result.
pub(super) fn outputs(policy: &Value, case: &Value) -> Vec<Vec<u8>> {
    let Some(config) = policy.get("limiterNode").or_else(|| policy.get("breakerNode")) else { return Vec::new() };
    let contexts = steps(case).into_iter().map(|(_, _, arguments)| arguments["context"].clone());
    let contexts = contexts.filter(|context| !context.is_null());
    let seed = |(place, context): (usize, Value)| {
        let mut out = Output::default();
        match config["outputVariable"].as_str() {
            Some(name) => out.byte(1).text(name),
            None => out.byte(0),
        };
        let waited_ms = number(&Value::from(place), 0);
        out.text(&format!(r#"{{"passed":true,"queued":false,"waitTime":{waited_ms},"limit":2}}"#));
        out.rest(text(&context).as_bytes()).end()
    };
    contexts.enumerate().map(seed).collect()
}
