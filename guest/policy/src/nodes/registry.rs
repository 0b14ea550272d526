//! The nodes as data for an editor.

use alloc::string::String;

use super::json::{Writer, array, strings};
use super::schema::schema;
use super::{circuit_breaker, rate_limiter};

/// A member of what goes into a node or comes out of it.
struct Port {
    name: &'static str,
    kind: &'static str,
    description: &'static str,
}

const fn port(name: &'static str, kind: &'static str, description: &'static str) -> Port {
    Port { name, kind, description }
}

const INPUTS: [Port; 1] =
    [port("context", "object", "The workflow's context. It passes through with the result in it.")];

const LIMITER_OUTPUTS: [Port; 7] = [
    port("passed", "boolean", "Whether the call may go on."),
    port("queued", "boolean", "Whether it waited in the queue."),
    port("waitTime", "integer", "How long it waited, in milliseconds."),
    port("queuePosition", "integer", "Its first place in the queue, from 1; absent where it was not in it."),
    port("currentCount", "integer", "How many calls count against the limit now."),
    port("limit", "integer", "The limit."),
    port("resetIn", "integer", "Milliseconds until no call counts any more."),
];

const BREAKER_OUTPUTS: [Port; 7] = [
    port("allowed", "boolean", "Whether the call may go on."),
    port("circuitState", "string", "closed, open or half-open."),
    port("failedFast", "boolean", "Whether the call was refused."),
    port("fallbackUsed", "boolean", "Whether it was refused and has the fallback value for its result."),
    port("failureCount", "integer", "Failures in the failure window, counted up to the threshold."),
    port("successCount", "integer", "Successes of the half-open circuit so far."),
    port(
        "lastFailure",
        "string",
        "When the last failure was, as an ISO 8601 time in UTC; absent where it is not known.",
    ),
];

const LIMITER_KEYWORDS: [&str; 6] = ["rate limit", "throttle", "quota", "queue", "delay", "resilience"];
const BREAKER_KEYWORDS: [&str; 6] = ["circuit breaker", "fail fast", "fallback", "failure", "retry", "resilience"];

/// The registry: the JSON text of a list of nodes.
pub fn registry() -> String {
    let limiter = &rate_limiter::DECLARATION;
    let breaker = &circuit_breaker::DECLARATION;
    let limiter = node("rate-limiter", limiter, &LIMITER_KEYWORDS, &LIMITER_OUTPUTS);
    array([limiter, node("circuit-breaker", breaker, &BREAKER_KEYWORDS, &BREAKER_OUTPUTS)])
}

fn node(kind: &str, of: &super::declaration::Declaration, keywords: &[&str], outputs: &[Port]) -> String {
    Writer::new()
        .text("type", kind)
        .text("name", of.title)
        .text("description", of.description)
        .text("category", "tools")
        .text("subcategory", "enterprise")
        .flag("isEnterprise", true)
        .raw("keywords", &strings(keywords))
        .raw("inputs", &ports(&INPUTS))
        .raw("outputs", &ports(outputs))
        .raw("configSchema", &schema(of))
        .end()
}

fn ports(ports: &[Port]) -> String {
    array(ports.iter().map(|port| {
        Writer::new().text("name", port.name).text("type", port.kind).text("description", port.description).end()
    }))
}
