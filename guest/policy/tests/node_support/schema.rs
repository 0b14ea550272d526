//! Whether the JSON Schema of a configuration accepts what the node does.

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::entry;

/// The schema of the node of a type.
pub(crate) fn validator(kind: &str) -> Validator {
    let schema = &entry(kind)["configSchema"];
    assert!(jsonschema::draft202012::meta::is_valid(schema), "{schema}");
    jsonschema::draft202012::new(schema).expect("the schema compiles")
}

/// Asks about every value at an edge of every field, and of one that there is not.
pub(crate) fn assert_edges(kind: &str, base: &Value, takes: impl Fn(&Value) -> bool) {
    let entry = entry(kind);
    let fields = entry["configSchema"]["properties"].as_object().expect("an object");
    let mut counts = [0, 0];
    for name in fields.keys().map(String::as_str).chain(["unknown"]) {
        for value in values().into_iter().map(Some).chain([None]) {
            let mut config = base.clone();
            let members = config.as_object_mut().expect("an object");
            match value {
                Some(value) => drop(members.insert(name.to_owned(), value)),
                None => drop(members.remove(name)),
            }
            counts[usize::from(takes(&config))] += 1;
        }
    }
    assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
}

/// A configuration with some fields at any of the values.
pub(crate) fn altered(base: Value, fields: &'static [&'static str]) -> impl Strategy<Value = Value> {
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
