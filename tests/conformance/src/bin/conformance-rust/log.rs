//! The decision log's lines, whose members and order are written down in the conformance suite's
//! `README.md`.

use std::time::Duration;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// A line that is not about a step.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Line<'a> {
    Case { case: &'a str },
    Open { open: &'a str, problems: &'a [Problem] },
    Commit { commit: Value },
    End { end: &'a str },
}

#[derive(Serialize)]
pub(crate) struct Problem {
    path: String,
    value: String,
    allowed: String,
}

/// Problems as the log has them.
pub(crate) fn problems(problems: Vec<tidegate::Problem>) -> Vec<Problem> {
    let problem = |p: tidegate::Problem| Problem { path: p.path, value: p.value, allowed: p.allowed };
    problems.into_iter().map(problem).collect()
}

/// Problems of settings as the contract spells them; the host spells them as the fields of its
/// structures.
pub(crate) fn contract_problems(problems: Vec<tidegate::Problem>) -> Vec<Problem> {
    let kebab = |name: &str| name.replace('_', "-");
    let phrase = |allowed: &str| {
        let parts = allowed.split('`').enumerate();
        let parts = parts.map(|(place, part)| if place % 2 == 1 { kebab(part) } else { part.to_owned() });
        parts.collect::<Vec<_>>().join("`")
    };
    let problem = |p: tidegate::Problem| Problem { path: kebab(&p.path), value: p.value, allowed: phrase(&p.allowed) };
    problems.into_iter().map(problem).collect()
}

/// The line of a step.
pub(crate) struct Step {
    pub(crate) step: usize,
    pub(crate) answer: Answer,
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_map(Some(2))?;
        line.serialize_entry("step", &self.step)?;
        line.serialize_entry(self.answer.name, &self.answer.value)?;
        line.end()
    }
}

/// What came of a step, under its name.
pub(crate) struct Answer {
    name: &'static str,
    value: Box<RawValue>,
}

impl Answer {
    pub(crate) fn new(name: &'static str, value: &impl Serialize) -> Self {
        let value = serde_json::value::to_raw_value(value).expect("an answer is JSON");
        Self { name, value }
    }

    /// It was done, and there is nothing to say of it.
    pub(crate) fn done() -> Self {
        Self::new("done", &true)
    }

    /// What it was to bring was not given.
    pub(crate) fn skipped() -> Self {
        Self::new("skipped", &true)
    }
}

/// The result of a node as it wrote it.
pub(crate) fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("a node's result is JSON")
}

pub(crate) fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
