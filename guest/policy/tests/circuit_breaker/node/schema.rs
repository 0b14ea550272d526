//! The JSON Schema of a configuration accepts what the node does.
//!
//! Not compared, as a schema cannot say it: a field that is given twice.

use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_policy::nodes::CircuitBreakerNode;

use super::circuit_config;
use super::support::schema::{altered, assert_edges, validator};

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| validator("circuit-breaker"));

/// Whether the node takes a configuration, once the schema has been seen to agree.
fn takes(config: &Value) -> bool {
    let taken = CircuitBreakerNode::open(&config.to_string()).is_ok();
    assert_eq!(SCHEMA.is_valid(config), taken, "{config}");
    taken
}

#[test]
fn they_agree_on_every_edge_of_every_field() {
    assert_edges("circuit-breaker", &circuit_config(&json!({})), takes);
}

#[test]
fn they_agree_on_what_one_field_asks_of_another() {
    for action in ["error", "default", "skip"] {
        assert_eq!(takes(&circuit_config(&json!({ "fallbackAction": action }))), action != "default");
        assert!(takes(&circuit_config(&json!({ "fallbackAction": action, "fallbackValue": 0 }))));
    }
    for config in [json!([]), json!(null), json!(1), json!("x")] {
        assert!(!takes(&config));
    }
}

const FIELDS: &[&str] = &[
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
    fn they_agree_on_generated_configurations(config in altered(circuit_config(&json!({})), FIELDS)) {
        takes(&config);
    }
}
