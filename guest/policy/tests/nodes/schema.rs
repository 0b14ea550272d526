//! The JSON Schema of a configuration accepts what the node does.
//!
//! Not compared, as a schema cannot say it: a field that is given twice, and a `delay` of more than
//! 1,000 windows.

use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_policy::nodes::{CircuitBreakerNode, RateLimiterNode, registry};

use crate::common::{circuit_config, limiter_config, parsed};

static SCHEMAS: LazyLock<[Validator; 2]> = LazyLock::new(|| {
    let nodes = parsed(&registry());
    [0, 1].map(|node| {
        let schema = &nodes[node]["configSchema"];
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{schema}");
        jsonschema::draft202012::new(schema).expect("the schema compiles")
    })
});

/// Whether the node takes a configuration, once the schema has been seen to agree.
fn limiter_takes(config: &Value) -> bool {
    let taken = RateLimiterNode::open(&config.to_string()).is_ok();
    assert_eq!(SCHEMAS[0].is_valid(config), taken, "{config}");
    taken
}

fn circuit_takes(config: &Value) -> bool {
    let taken = CircuitBreakerNode::open(&config.to_string()).is_ok();
    assert_eq!(SCHEMAS[1].is_valid(config), taken, "{config}");
    taken
}

/// Values that are at an edge for some field or of a wrong type.
fn values() -> Vec<Value> {
    let numbers = [
        0_u64,
        1,
        2,
        255,
        256,
        365,
        366,
        367,
        1_000,
        1_001,
        8_784,
        8_785,
        10_000,
        10_001,
        527_040,
        527_041,
        1_000_000,
        1_000_001,
        31_622_400,
        31_622_401,
        86_400_000,
        86_400_001,
        2_592_000_000,
        2_592_000_001,
        4_294_967_295,
        4_294_967_296,
        u64::MAX,
    ];
    let mut values: Vec<Value> = numbers.into_iter().map(Value::from).collect();
    let texts = [
        "",
        "a",
        "all",
        "second",
        "minute",
        "hour",
        "day",
        "global",
        "per-user",
        "per-resource",
        "custom",
        "queue",
        "reject",
        "delay",
        "error",
        "default",
        "skip",
        "a.b",
        "a[0].c",
        "a.0",
        "a..b",
        "a[-1]",
        "a[-0]",
        "a[01]",
        "$",
        "$.a",
        "$.a[0]",
        "$['a']",
        "$[\"a\\\"\"]",
        "$['\\u00e9']",
        "$['\\ud83d\\ude00']",
        "$['\\ud83d']",
        "$[0]",
        "$.a[*]",
        "$..a",
        "$.é",
        "é",
        "a b",
        "a\tb",
        "a\\",
        "a\\\\",
        "\\*",
        "a*?",
        "$a",
        "a.$b",
        "$.a-b",
        "a-b",
    ];
    values.extend(texts.map(Value::from));
    for length in [255, 256, 257, 1_024, 1_025] {
        values.push(Value::from("é".repeat(length)));
    }
    values.extend([json!(-1), json!(1.0), json!(1.5), json!(1e3), json!(true), json!(null), json!({}), json!([])]);
    values.extend([json!(["a"]), json!(["a\\"]), json!([1]), json!([""]), json!(["é".repeat(255), "b"])]);
    values.extend([json!(["é".repeat(256)]), json!(vec!["a"; 100]), json!(vec!["a"; 101])]);
    values
}

#[test]
fn they_agree_on_every_edge_of_every_field() {
    let mut counts = [[0, 0], [0, 0]];
    for (node, base) in [limiter_config(&json!({})), circuit_config(&json!({}))].into_iter().enumerate() {
        let nodes = parsed(&registry());
        let fields = nodes[node]["configSchema"]["properties"].as_object().expect("an object");
        for name in fields.keys().map(String::as_str).chain(["unknown"]) {
            for value in values().into_iter().map(Some).chain([None]) {
                let mut config = base.clone();
                let members = config.as_object_mut().expect("an object");
                match value {
                    Some(value) => drop(members.insert(name.to_owned(), value)),
                    None => drop(members.remove(name)),
                }
                let taken = if node == 0 { limiter_takes(&config) } else { circuit_takes(&config) };
                counts[node][usize::from(taken)] += 1;
            }
        }
    }
    assert!(counts.iter().flatten().all(|count| *count > 50), "{counts:?}");
}

#[test]
fn they_agree_on_what_one_field_asks_of_another() {
    for key_type in ["global", "custom"] {
        assert_eq!(limiter_takes(&limiter_config(&json!({ "keyType": key_type }))), key_type != "custom");
        assert!(limiter_takes(&limiter_config(&json!({ "keyType": key_type, "customKeyField": "a" }))));
    }
    for action in ["error", "default", "skip"] {
        assert_eq!(circuit_takes(&circuit_config(&json!({ "fallbackAction": action }))), action != "default");
        assert!(circuit_takes(&circuit_config(&json!({ "fallbackAction": action, "fallbackValue": 0 }))));
    }
    for (window, most) in [("second", 31_622_400), ("minute", 527_040), ("hour", 8_784), ("day", 366)] {
        assert!(limiter_takes(&limiter_config(&json!({ "window": window, "windowCount": most }))), "{window}");
        assert!(!limiter_takes(&limiter_config(&json!({ "window": window, "windowCount": most + 1 }))), "{window}");
    }
    for config in [json!([]), json!(null), json!(1), json!("x")] {
        assert!(!limiter_takes(&config) && !circuit_takes(&config));
    }
}

/// A configuration with some fields at any of the values.
fn altered(base: Value, fields: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let changes = prop::collection::vec((prop::sample::select(fields), prop::sample::select(values()), 0_u8..5), 0..5);
    changes.prop_map(move |changes| {
        let mut config = base.clone();
        let members = config.as_object_mut().expect("an object");
        for (name, value, what) in changes {
            if what == 0 {
                members.remove(name);
            } else {
                members.insert(name.to_owned(), value);
            }
        }
        config
    })
}

const LIMITER_FIELDS: &[&str] = &[
    "limit",
    "window",
    "windowCount",
    "keyType",
    "customKeyField",
    "behavior",
    "maxQueueSize",
    "queueTimeoutMs",
    "priorityField",
    "outputVariable",
];
const CIRCUIT_FIELDS: &[&str] = &[
    "circuitId",
    "failureThreshold",
    "failureWindowMs",
    "successThreshold",
    "halfOpenTimeoutMs",
    "fallbackAction",
    "fallbackValue",
    "monitoredErrors",
    "outputVariable",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn they_agree_on_generated_rate_limiters(config in altered(limiter_config(&json!({})), LIMITER_FIELDS)) {
        let is_long_delay = config["behavior"] == "delay" && config["queueTimeoutMs"].as_u64().is_some_and(|ms| ms > 1_000_000);
        if !is_long_delay {
            limiter_takes(&config);
        }
    }

    #[test]
    fn they_agree_on_generated_circuit_breakers(config in altered(circuit_config(&json!({})), CIRCUIT_FIELDS)) {
        circuit_takes(&config);
    }

    #[test]
    fn they_agree_on_generated_paths(path in r#"(\$|a)?([.\[\]'"\\a0$*é \-u]|\[0\]|\['a'\]|\.b){0,7}"#) {
        limiter_takes(&limiter_config(&json!({ "priorityField": path })));
    }
}
