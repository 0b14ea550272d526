//! Holds a log to what its case expects.

use serde_json::Value;

use crate::cases::Expected;
use crate::protocol::START_US;

/// What a log does not show that its case expects, one line each.
pub fn misses(expected: &Expected, log: &[String]) -> Vec<String> {
    let mut misses = Vec::new();
    let mut commits = Vec::new();
    let (mut steps, mut problems) = (0, Value::Array(Vec::new()));
    for line in log {
        let Ok(line) = serde_json::from_str::<Value>(line) else {
            misses.push(format!("this is no JSON: {line}"));
            continue;
        };
        if line.get("open").is_some() {
            let found = line["problems"].as_array().filter(|found| !found.is_empty());
            problems = found.map_or(problems, |found| Value::from(found.clone()));
        } else if let Some(commit) = line.get("commit") {
            commits.push(commit["ops"].clone());
        } else if line.get("step").is_some() {
            steps += 1;
            let wanted =
                line["step"].as_u64().and_then(|step| expected.steps.get(usize::try_from(step).ok()?)?.as_ref());
            if let Some(wanted) = wanted {
                misses.extend(step_misses(wanted, &line, &Value::from(std::mem::take(&mut commits))));
            }
            commits.clear();
        }
    }
    let wanted = expected.problems.clone().unwrap_or_else(|| Value::Array(Vec::new()));
    if problems != wanted {
        misses.push(format!("the problems are {problems}, expected {wanted}"));
    }
    if expected.problems.is_none() && steps != expected.steps.len() {
        misses.push(format!("{steps} steps are logged of {}", expected.steps.len()));
    }
    misses
}

/// What a step's line does not show.
fn step_misses(wanted: &Value, line: &Value, commits: &Value) -> Vec<String> {
    let Value::Object(wanted) = wanted else { return vec![format!("an expectation is no object: {wanted}")] };
    let answer = ["decision", "report", "nodeStep", "circuitStep", "subject"].iter().find_map(|name| line.get(name));
    let found = |name: &str| match name {
        "commits" => Some(commits),
        _ => answer.and_then(|answer| answer.get(name)).or_else(|| line.get(name)),
    };
    let miss = |(name, wanted): (&String, &Value)| {
        let found = found(name);
        let holds = found.is_some_and(|found| shows(found, wanted));
        (!holds).then(|| {
            let found = found.map_or("nothing".to_owned(), Value::to_string);
            format!("step {}: {name} is {found}, expected {wanted}", line["step"])
        })
    };
    wanted.iter().filter_map(miss).collect()
}

/// Whether a value is the wanted one; of an object, whether it has the wanted members. `"+5"` is
/// the instant 5 ms after the start.
fn shows(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            wanted.iter().all(|(name, wanted)| found.get(name).is_some_and(|found| shows(found, wanted)))
        }
        (Value::Number(found), Value::String(wanted)) => instant_us(wanted) == found.as_u64(),
        _ => found == wanted,
    }
}

fn instant_us(text: &str) -> Option<u64> {
    let ms: f64 = text.strip_prefix('+')?.parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole microseconds within a few years"
    )]
    Some(START_US + (ms * 1_000.0).round() as u64)
}
