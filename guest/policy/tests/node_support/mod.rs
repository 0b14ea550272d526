//! What the tests of all workflow nodes need.

pub(crate) mod schema;

use serde_json::Value;
use tidegate_policy::nodes::registry;
use tidegate_policy::problem::Problem;

/// A whole second in 2026, in microseconds since 1970.
pub(crate) const T0_US: u64 = 1_795_000_000_000_000;

/// The object `base` with the members of `over`; a null takes a member away.
pub(crate) fn with(mut base: Value, over: &Value) -> Value {
    for (name, value) in over.as_object().expect("an object") {
        let members = base.as_object_mut().expect("an object");
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    base
}

/// Problems as `path is value, must be allowed`.
pub(crate) fn told(problems: &[Problem]) -> Vec<String> {
    problems
        .iter()
        .map(|problem| format!("{} is {}, must be {}", problem.path, problem.value, problem.allowed))
        .collect()
}

/// The paths of problems.
pub(crate) fn paths(problems: &[Problem]) -> Vec<&str> {
    problems.iter().map(|problem| problem.path.as_str()).collect()
}

pub(crate) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The node of a type, as an editor is told of it.
pub(crate) fn entry(kind: &str) -> Value {
    let all = parsed(&registry());
    let found = all.as_array().expect("a list").iter().find(|node| node["type"] == kind);
    found.expect("there is such a node").clone()
}

/// Holds the outputs that an editor is told of to the fields of a result that has them all.
pub(crate) fn assert_outputs(kind: &str, result: &str) {
    let (entry, result) = (entry(kind), parsed(result));
    let outputs = entry["outputs"].as_array().expect("a list");
    assert_eq!(outputs.len(), result.as_object().expect("an object").len());
    for output in outputs {
        let value = &result[output["name"].as_str().expect("a name")];
        let kind = match value {
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            _ => "string",
        };
        assert_eq!(output["type"], kind, "{output}");
    }
}
