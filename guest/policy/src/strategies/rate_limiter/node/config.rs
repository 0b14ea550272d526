//! The settings of a rate limiter node, and what they are to the limiter.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::nodes::declaration::{Declaration, Field, Kind, Rule, Then, Values};
use crate::nodes::entry::{Entry, port};
use crate::nodes::path::Path;
use crate::problem::Problem;
use crate::strategies::rate_limiter::{
    Algorithm, Limit, MAX_WAIT_MS, MAX_WAITERS, MAX_WINDOW_MS, OnLimit, Window, WindowUnit,
};

const SUB_WINDOWS: u32 = 64;
/// A waiter that is later than this is passed over until it comes.
const GRACE_MS: u64 = 1_000;
const UNITS: [(&str, WindowUnit); 4] = [
    ("second", WindowUnit::Second),
    ("minute", WindowUnit::Minute),
    ("hour", WindowUnit::Hour),
    ("day", WindowUnit::Day),
];
const KEY_TYPES: [&str; 4] = ["global", "per-user", "per-resource", "custom"];
const BEHAVIORS: [&str; 3] = ["queue", "reject", "delay"];

/// What the JSON of a rate limiter node holds.
pub(super) static DECLARATION: Declaration = Declaration {
    title: "Rate limiter",
    description: "Lets at most so many calls pass in any time of a length, for each key, over all workers together.",
    fields: &[
        Field {
            name: "limit",
            title: "Limit",
            description: "How many calls may pass in any span of time as long as the window; 0: none.",
            required: true,
            kind: Kind::Whole { least: 0, most: u32::MAX as u64, default: None },
        },
        Field {
            name: "window",
            title: "Window",
            description: "The unit of the window's length.",
            required: true,
            kind: Kind::Choice(&[UNITS[0].0, UNITS[1].0, UNITS[2].0, UNITS[3].0]),
        },
        Field {
            name: "windowCount",
            title: "Window count",
            description: "The window's length in that unit; in all at most 366 days.",
            required: false,
            kind: Kind::Whole { least: 1, most: MAX_WINDOW_MS / 1_000, default: Some(1) },
        },
        Field {
            name: "keyType",
            title: "Key",
            description: "Who shares a limit: everyone, each userId, each resourceId (or workflowId where there is none), \
                          or each value of customKeyField.",
            required: true,
            kind: Kind::Choice(&KEY_TYPES),
        },
        Field {
            name: "customKeyField",
            title: "Custom key field",
            description: "Where the key is in the context, as a dotted path or a JSONPath to one value. Required where \
                          keyType is custom.",
            required: false,
            kind: Kind::Path,
        },
        Field {
            name: "behavior",
            title: "Behavior",
            description: "What a call over the limit does: wait in a queue, be rejected, or wait for a reserved place.",
            required: true,
            kind: Kind::Choice(&BEHAVIORS),
        },
        Field {
            name: "maxQueueSize",
            title: "Queue size",
            description: "How many calls may wait in the queue of a key. For queue.",
            required: false,
            kind: Kind::Whole { least: 1, most: MAX_WAITERS as u64, default: Some(100) },
        },
        Field {
            name: "queueTimeoutMs",
            title: "Longest wait",
            description: "How long a call may wait, in milliseconds. For queue and delay; for delay at most 1,000 windows.",
            required: false,
            kind: Kind::Whole { least: 1, most: MAX_WAIT_MS, default: Some(30_000) },
        },
        Field {
            name: "priorityField",
            title: "Priority field",
            description: "Where a call's priority is in the context, a whole number: higher goes first in the queue. A \
                          call without one has 0.",
            required: false,
            kind: Kind::Path,
        },
        Field {
            name: "outputVariable",
            title: "Output variable",
            description: "The name under which the result goes into the context. Without it, its fields are merged in.",
            required: false,
            kind: Kind::Text(256),
        },
    ],
    rules: &[
        Rule { field: "keyType", is: "custom", then: Then::Needs("customKeyField") },
        Rule { field: "window", is: "minute", then: Then::AtMost("windowCount", MAX_WINDOW_MS / 60_000) },
        Rule { field: "window", is: "hour", then: Then::AtMost("windowCount", MAX_WINDOW_MS / 3_600_000) },
        Rule { field: "window", is: "day", then: Then::AtMost("windowCount", MAX_WINDOW_MS / 86_400_000) },
    ],
};

pub(super) fn limit(values: &Values<'_>) -> Limit {
    let window = Window { unit: UNITS[values.choice("window")].1, count: values.whole("windowCount") };
    Limit { limit: values.small("limit"), window, algorithm: Algorithm::SlidingWindow { sub_windows: SUB_WINDOWS } }
}

pub(super) fn on_limit(values: &Values<'_>) -> OnLimit {
    let timeout_ms = values.whole("queueTimeoutMs");
    match BEHAVIORS[values.choice("behavior")] {
        "reject" => OnLimit::Reject,
        "delay" => OnLimit::Delay { max_wait_ms: timeout_ms },
        _ => {
            let max_size = values.small("maxQueueSize");
            OnLimit::Queue { max_size, timeout_ms, grace_ms: timeout_ms.min(GRACE_MS) }
        }
    }
}

pub(super) fn keys(values: &Values<'_>) -> Vec<Path> {
    match KEY_TYPES[values.choice("keyType")] {
        "per-user" => alloc::vec![Path::member("userId")],
        "per-resource" => alloc::vec![Path::member("resourceId"), Path::member("workflowId")],
        "custom" => values.path("customKeyField").into_iter().collect(),
        _ => Vec::new(),
    }
}

/// From what is limited by and from the limit, so that nodes of the same settings limit together.
pub(super) fn name(values: &Values<'_>, keys: &[Path]) -> String {
    let key_type = KEY_TYPES[values.choice("keyType")];
    let custom = keys.iter().filter(|_| key_type == "custom").map(|path| format!(":{path}"));
    let custom: String = custom.collect();
    let (count, unit) = (values.whole("windowCount"), UNITS[values.choice("window")].0);
    format!("node/{key_type}{custom}/{}.{count}-{unit}", values.whole("limit"))
}

/// What the declaration cannot say the limiter does, at its own path.
pub(super) fn renamed(problems: Vec<Problem>) -> Vec<Problem> {
    let rename = |problem: Problem| {
        let path = if problem.path.starts_with("on-limit") { "queueTimeoutMs" } else { "limit" };
        Problem { path: path.to_string(), ..problem }
    };
    problems.into_iter().map(rename).collect()
}

/// What an editor is told of it.
pub(crate) static ENTRY: Entry = Entry {
    kind: "rate-limiter",
    declaration: &DECLARATION,
    keywords: &["rate limit", "throttle", "quota", "queue", "delay", "resilience"],
    outputs: &[
        port("passed", "boolean", "Whether the call may go on."),
        port("queued", "boolean", "Whether it waited in the queue."),
        port("waitTime", "integer", "How long it waited, in milliseconds."),
        port("queuePosition", "integer", "Its first place in the queue, from 1; absent where it was not in it."),
        port("currentCount", "integer", "How many calls count against the limit now."),
        port("limit", "integer", "The limit."),
        port("resetIn", "integer", "Milliseconds until no call counts any more."),
    ],
};
