//! What is wrong with a configuration is said at once, each at its path.

use serde_json::{Value, json};
use tidegate_policy::nodes::{CircuitBreakerNode, FallbackAction};

use super::support::{paths, told};
use super::{circuit, circuit_config};

fn problems(over: &Value) -> Vec<String> {
    told(&CircuitBreakerNode::open(&circuit_config(over).to_string()).expect_err("it is wrong"))
}

#[test]
fn each_wrong_setting_is_told_with_its_value_and_what_is_allowed() {
    let pattern = "a text of 1 to 255 characters in which a character follows each backslash that takes one";
    let cases = [
        (json!({ "circuitId": "" }), "circuitId is \"\", must be a text of 1 to 256 characters".to_owned()),
        (
            json!({ "failureThreshold": 1_001 }),
            "failureThreshold is 1001, must be a whole number from 1 to 1000".to_owned(),
        ),
        (json!({ "failureWindowMs": 0 }), "failureWindowMs is 0, must be a whole number from 1 to 86400000".to_owned()),
        (
            json!({ "successThreshold": true }),
            "successThreshold is true, must be a whole number from 1 to 1000000".to_owned(),
        ),
        (
            json!({ "halfOpenTimeoutMs": 2_592_000_001_u64 }),
            "halfOpenTimeoutMs is 2592000001, must be a whole number from 1 to 2592000000".to_owned(),
        ),
        (
            json!({ "fallbackAction": "retry" }),
            "fallbackAction is \"retry\", must be one of error, default, skip".to_owned(),
        ),
        (
            json!({ "fallbackAction": "default" }),
            "fallbackValue is missing, must be any JSON value, as fallbackAction is default".to_owned(),
        ),
        (
            json!({ "monitoredErrors": [] }),
            "monitoredErrors is [], must be \"all\" or a list of 1 to 100 texts".to_owned(),
        ),
        (
            json!({ "monitoredErrors": "some" }),
            "monitoredErrors is \"some\", must be \"all\" or a list of 1 to 100 texts".to_owned(),
        ),
        (
            json!({ "monitoredErrors": ["a", "b\\", "c"] }),
            format!("monitoredErrors[1] is \"b\\\\\", must be {pattern}"),
        ),
        (json!({ "monitoredErrors": ["a", 5] }), format!("monitoredErrors[1] is 5, must be {pattern}")),
    ];
    for (over, expected) in cases {
        assert_eq!(problems(&over), [expected], "{over}");
    }
}

#[test]
fn all_that_is_missing_is_told_at_once_in_the_order_of_the_fields() {
    let found = CircuitBreakerNode::open("{}").unwrap_err();
    let required = [
        "circuitId",
        "failureThreshold",
        "failureWindowMs",
        "successThreshold",
        "halfOpenTimeoutMs",
        "fallbackAction",
        "monitoredErrors",
    ];
    assert_eq!(paths(&found), required);
}

#[test]
fn what_is_no_object_is_a_problem_of_the_whole() {
    for text in ["", "[]", "null", "{", "{}x", "\u{0}"] {
        assert_eq!(paths(&CircuitBreakerNode::open(text).unwrap_err()), ["."], "{text:?}");
    }
}

#[test]
fn null_is_a_fallback_value() {
    let text = circuit_config(&json!({ "fallbackAction": "default" })).to_string();
    let node = CircuitBreakerNode::open(&text.replacen('}', r#","fallbackValue":null}"#, 1)).expect("null is a value");
    assert_eq!(node.fallback_value(), Some("null"));
}

#[test]
fn a_fallback_value_is_kept_as_it_was_written() {
    let node = circuit(&json!({ "fallbackAction": "default", "fallbackValue": { "n": 1 } }));
    assert_eq!((node.fallback_action(), node.fallback_value()), (FallbackAction::Default, Some(r#"{"n":1}"#)));
    let node = circuit(&json!({ "fallbackAction": "skip", "fallbackValue": 1 }));
    assert_eq!((node.fallback_action(), node.fallback_value()), (FallbackAction::Skip, None));
    assert_eq!((node.circuit_id(), node.output_variable()), ("payments", None));
}
