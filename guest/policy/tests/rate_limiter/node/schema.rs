//! The JSON Schema of a configuration accepts what the node does.
//!
//! Not compared, as a schema cannot say it: a field that is given twice, and a `delay` of more than
//! 1,000 windows.

use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_policy::nodes::RateLimiterNode;

use super::limiter_config;
use super::support::schema::{altered, assert_edges, validator};

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| validator("rate-limiter"));

/// Whether the node takes a configuration, once the schema has been seen to agree.
fn takes(config: &Value) -> bool {
    let taken = RateLimiterNode::open(&config.to_string()).is_ok();
    assert_eq!(SCHEMA.is_valid(config), taken, "{config}");
    taken
}

#[test]
fn they_agree_on_every_edge_of_every_field() {
    assert_edges("rate-limiter", &limiter_config(&json!({})), takes);
}

#[test]
fn they_agree_on_what_one_field_asks_of_another() {
    for key_type in ["global", "custom"] {
        assert_eq!(takes(&limiter_config(&json!({ "keyType": key_type }))), key_type != "custom");
        assert!(takes(&limiter_config(&json!({ "keyType": key_type, "customKeyField": "a" }))));
    }
    for (window, most) in [("second", 31_622_400), ("minute", 527_040), ("hour", 8_784), ("day", 366)] {
        assert!(takes(&limiter_config(&json!({ "window": window, "windowCount": most }))), "{window}");
        assert!(!takes(&limiter_config(&json!({ "window": window, "windowCount": most + 1 }))), "{window}");
    }
    for config in [json!([]), json!(null), json!(1), json!("x")] {
        assert!(!takes(&config));
    }
}

const FIELDS: &[&str] = &[
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn they_agree_on_generated_configurations(config in altered(limiter_config(&json!({})), FIELDS)) {
        let is_long_delay = config["behavior"] == "delay" && config["queueTimeoutMs"].as_u64().is_some_and(|ms| ms > 1_000_000);
        if !is_long_delay {
            takes(&config);
        }
    }

    #[test]
    fn they_agree_on_generated_paths(path in r#"(\$|a)?([.\[\]'"\\a0$*é \-u]|\[0\]|\['a'\]|\.b){0,7}"#) {
        takes(&limiter_config(&json!({ "priorityField": path })));
    }
}
