//! A result put into a context: it is there, and every other byte is where it was.
//!
//! The input is the name of a variable or none, the result and the context.

use tidegate_policy::nodes::RateLimiterNode;
use tidegate_policy::problem::Problem;

use super::assert_problems;
use super::object::{Member, members};
use crate::input::Input;

/// Runs an input.
///
/// # Panics
/// Where something else has changed.
pub fn output(data: &[u8]) {
    let mut input = Input::new(data);
    let variable = input.flip().then(|| input.text());
    let result = input.text();
    let context = String::from_utf8_lossy(input.rest()).into_owned();
    let Some(node) = node(variable.as_deref()) else { return };
    assert_output(&context, &result, variable.as_deref(), node.output(&context, &result));
}

fn node(variable: Option<&str>) -> Option<RateLimiterNode> {
    let variable = variable.map(|name| format!(r#","outputVariable":{}"#, serde_json::Value::from(name)));
    let variable = variable.unwrap_or_default();
    let config = format!(r#"{{"limit":1,"window":"second","keyType":"global","behavior":"reject"{variable}}}"#);
    RateLimiterNode::open(&config).inspect_err(|problems| assert_problems(problems)).ok()
}

/// What a node has made of a context and a result.
pub(super) fn assert_output(context: &str, result: &str, variable: Option<&str>, output: Result<String, Vec<Problem>>) {
    let (Some(before), Some(given)) = (members(context), members(result)) else {
        return assert_problems(&output.expect_err("neither may be anything but an object"));
    };
    let output = output.unwrap_or_else(|problems| panic!("{context} {result}: {problems:?}"));
    let set: Vec<(&str, &str)> = match variable {
        Some(name) => vec![(name, result.trim())],
        None => given.iter().map(|member| (member.name.as_str(), &result[member.value.clone()])).collect(),
    };
    let after = members(&output).unwrap_or_else(|| panic!("{output} is no object"));
    let added: Vec<_> = set.iter().filter(|(name, _)| !before.iter().any(|member| member.name == *name)).collect();
    assert_eq!(after.len(), before.len() + added.len(), "{context} {result} {output}");
    for (member, (name, value)) in after[before.len()..].iter().zip(added) {
        assert_eq!((member.name.as_str(), &output[member.value.clone()]), (*name, *value), "{output}");
    }
    for (place, member) in before.iter().enumerate() {
        let is_last = !before[place + 1..].iter().any(|later| later.name == member.name);
        let replaced = set.iter().rfind(|(name, _)| is_last && *name == member.name);
        let value = replaced.map_or(&context[member.value.clone()], |(_, value)| *value);
        assert_eq!(&output[after[place].value.clone()], value, "{context} {result} {output}");
    }
    assert_eq!(undone(context, &before, &output, &after), context, "{result} {output}");
}

/// The output with the old values in the places of the new, and without what was added.
fn undone(context: &str, before: &[Member], output: &str, after: &[Member]) -> String {
    let (mut text, mut copied) = (String::new(), 0);
    for (old, new) in before.iter().zip(after) {
        text.push_str(&output[copied..new.value.start]);
        text.push_str(&context[old.value.clone()]);
        copied = new.value.end;
    }
    if let (Some(first), Some(last)) = (after.get(before.len()), after.last()) {
        let end = if before.is_empty() { first.start } else { copied };
        text.push_str(&output[copied..end]);
        copied = last.value.end;
    }
    text + &output[copied..]
}
