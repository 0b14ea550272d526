//! Cases of rate limiters as the target `limiter` reads them.

use serde_json::Value;
use tidegate_fuzz::input::Output;

use super::{field, number, place, steps, text};

pub(super) fn seed(settings: &Value, case: &Value) -> Option<Vec<u8>> {
    let limits = settings["limits"].as_array()?;
    let mut out = Output::default();
    out.byte(0).byte(u8::try_from(limits.len()).ok()?);
    for limit in limits {
        write_limit(&mut out, limit);
    }
    let on_limit = &settings["onLimit"];
    match place(&on_limit["behavior"], &["reject", "delay", "queue"]) {
        0 => out.byte(0),
        1 => out.byte(1).number(number(&on_limit["maxWaitMs"], 0)),
        _ => {
            let timeout_ms = number(&on_limit["timeoutMs"], 0);
            let grace_ms = number(&on_limit["graceMs"], timeout_ms.min(1_000));
            out.byte(2).number(number(&on_limit["maxSize"], 0)).number(timeout_ms).number(grace_ms)
        }
    };
    for cell in case["cells"].as_array().into_iter().flatten() {
        out.byte(7).maybe(None).number(field(&cell["cell"])).text(&text(&cell["text"]));
    }
    for (passed_us, call, arguments) in steps(case) {
        if passed_us > 0 {
            out.byte(6).number(passed_us);
        }
        write_call(&mut out, &call, &arguments);
    }
    Some(out.end())
}

fn write_limit(out: &mut Output, limit: &Value) {
    out.number(number(&limit["limit"], 1));
    out.byte(place(&limit["window"], &["millisecond", "second", "minute", "hour", "day"]));
    out.number(number(&limit["windowCount"], 1));
    let algorithm = &limit["algorithm"];
    let names = ["sliding-window", "gcra", "token-bucket", "fixed-window", "sliding-window-counter", "sliding-log"];
    let kind = place(&algorithm["name"], &names);
    out.byte(kind);
    match kind {
        0 => {
            out.number(number(&algorithm["subWindows"], 64));
        }
        1 | 2 => {
            out.maybe(algorithm["burst"].as_u64());
        }
        _ => {}
    }
}

fn write_call(out: &mut Output, call: &str, arguments: &Value) {
    let cost = number(&arguments["cost"], 1);
    match call {
        "acquire" => {
            let priority = arguments["priority"].as_i64().and_then(|priority| i32::try_from(priority).ok());
            out.byte(0).number(cost).number(priority.unwrap_or(0).cast_unsigned().into());
            write_ticket(out, arguments);
        }
        "try-acquire" => {
            out.byte(1).number(cost);
        }
        "peek" => {
            out.byte(2).number(cost);
        }
        "refund" => {
            out.byte(3).maybe(Some(0));
        }
        "cancel" => {
            out.byte(4);
            write_ticket(out, arguments);
        }
        "reset" => {
            out.byte(5);
        }
        "write" => {
            out.byte(7).maybe(None).number(field(&arguments["cell"])).text(&text(&arguments["text"]));
        }
        _ => {}
    }
}

fn write_ticket(out: &mut Output, arguments: &Value) {
    if arguments["ticket"].is_null() {
        out.byte(0);
    } else {
        out.byte(1).number(0);
    }
}
