//! A case as it stands in a file.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Case, Expected};
use crate::protocol::{Cell, Failure, Host, PolicyKind, PolicySettings, Reply, Run, START_US, Step, StoreKind};

/// A case's members.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CaseFile {
    name: String,
    /// Why it is so, for the reader.
    #[serde(default, rename = "about")]
    _about: String,
    stores: Option<Vec<StoreKind>>,
    /// For each host how far its clock is ahead, in milliseconds.
    #[serde(default = "one_host")]
    hosts: Vec<i64>,
    #[serde(flatten)]
    policy: PolicyFile,
    #[serde(default)]
    policies: BTreeMap<String, PolicyFile>,
    problems: Option<Value>,
    #[serde(default)]
    cells: Vec<CellFile>,
    #[serde(default)]
    replies: Vec<ReplyFile>,
    #[serde(default)]
    steps: Vec<Vec<Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PolicyFile {
    limiter: Option<Value>,
    breaker: Option<Value>,
    limiter_node: Option<Value>,
    breaker_node: Option<Value>,
    /// Members that are none of a case or of a policy.
    #[serde(flatten)]
    unknown: BTreeMap<String, Value>,
}

/// What lies in the store before the first step.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CellFile {
    #[serde(default)]
    key: String,
    cell: String,
    text: Option<String>,
    #[serde(default = "one_minute")]
    ttl_ms: u64,
}

/// An answer of a scripted store, and to how many commits in a row it is given.
#[derive(Debug, Deserialize)]
struct ReplyFile {
    #[serde(default = "once")]
    times: usize,
    #[serde(flatten)]
    reply: Value,
}

/// What a step says besides its time and its call.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Arguments {
    /// What later steps call it.
    r#as: Option<String>,
    policy: Option<String>,
    host: Option<usize>,
    key: Option<String>,
    cost: Option<u32>,
    priority: Option<i32>,
    /// The label of the step whose ticket it brings.
    ticket: Option<String>,
    /// The label of the step whose permits it gives back.
    charged: Option<String>,
    /// The label of the step that was admitted.
    permit: Option<String>,
    elapsed_ms: Option<u64>,
    error: Option<Failure>,
    mode: Option<String>,
    /// The context of a node: an object, or its text.
    context: Option<Value>,
    /// A token that no step gave.
    token: Option<String>,
    /// The label of the step whose result goes into the context.
    result: Option<String>,
    cell: Option<String>,
    text: Option<String>,
    ttl_ms: Option<u64>,
    /// How often the step is made.
    times: Option<usize>,
}

fn one_host() -> Vec<i64> {
    vec![0]
}

fn once() -> usize {
    1
}

fn one_minute() -> u64 {
    60_000
}

/// Turns an expanded entry of a file into a case.
pub(super) fn case(prefix: &str, entry: Value) -> Result<Case> {
    let file: CaseFile = serde_json::from_value(entry)?;
    let policies = file.policies()?;
    let mut script = Script::new(&policies[0], file.hosts.len());
    for cell in &file.cells {
        script.preset(cell);
    }
    for step in &file.steps {
        script.step(step).with_context(|| format!("step {}", Value::from(step.clone())))?;
    }
    let name = format!("{prefix}/{}", file.name);
    let hosts: Vec<Host> = file.hosts.iter().map(|ms| Host { offset_us: ms * 1_000 }).collect();
    let replies = file.replies()?;
    let run = |store: StoreKind| Run {
        case: format!("{name}@{}", store.name()),
        store,
        at_us: START_US,
        hosts: hosts.clone(),
        policies: policies.clone(),
        replies: replies.clone(),
        steps: script.steps.clone(),
    };
    let runs = file.stores()?.into_iter().map(run).collect();
    let expected = Expected { steps: script.expected, problems: file.problems };
    Ok(Case { name, runs, expected })
}

impl CaseFile {
    /// Unless it says so itself, a case runs on every store that it can run on.
    fn stores(&self) -> Result<Vec<StoreKind>> {
        let one_clock = self.hosts.iter().all(|ms| *ms == 0);
        let stores = match &self.stores {
            Some(stores) => stores.clone(),
            None if !self.replies.is_empty() => vec![StoreKind::Scripted],
            None if one_clock => vec![StoreKind::Memory, StoreKind::Ledger],
            None => vec![StoreKind::Ledger],
        };
        ensure!(one_clock || !stores.contains(&StoreKind::Memory), "a memory store has one clock");
        ensure!(self.replies.is_empty() || stores == [StoreKind::Scripted], "only a scripted store has replies");
        Ok(stores)
    }

    fn replies(&self) -> Result<Vec<Reply>> {
        let reply = |file: &ReplyFile| Ok(vec![serde_json::from_value::<Reply>(file.reply.clone())?; file.times]);
        let replies = self.replies.iter().map(reply).collect::<Result<Vec<_>>>()?;
        Ok(replies.concat())
    }

    fn policies(&self) -> Result<Vec<PolicySettings>> {
        if self.policies.is_empty() {
            return Ok(vec![self.policy.settings("policy")?]);
        }
        self.policies.iter().map(|(id, policy)| policy.settings(id)).collect()
    }
}

impl PolicyFile {
    fn settings(&self, id: &str) -> Result<PolicySettings> {
        if let Some(name) = self.unknown.keys().next() {
            bail!("there is no member {name}");
        }
        let Self { limiter, breaker, limiter_node, breaker_node, .. } = self;
        let kinds = [
            (PolicyKind::Limiter, limiter.as_ref().map(|config| named(config, id))),
            (PolicyKind::Breaker, breaker.as_ref().map(|config| named(config, id))),
            (PolicyKind::LimiterNode, limiter_node.as_ref().map(|config| Value::from(json_text(config)))),
            (PolicyKind::BreakerNode, breaker_node.as_ref().map(|config| Value::from(json_text(config)))),
        ];
        let mut given = kinds.into_iter().filter_map(|(kind, config)| Some((kind, config?)));
        let (Some((kind, config)), None) = (given.next(), given.next()) else {
            bail!("{id} is to be one policy: a limiter, a breaker, a limiterNode or a breakerNode");
        };
        Ok(PolicySettings { id: id.to_owned(), kind, config })
    }
}

/// JSON as text; a string is the text itself.
fn json_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Settings with a name, where they have none.
fn named(config: &Value, id: &str) -> Value {
    let mut config = config.clone();
    if let Value::Object(members) = &mut config {
        members.entry("name").or_insert_with(|| Value::from(id));
    }
    config
}

/// Steps in the making.
struct Script {
    policy: PolicySettings,
    hosts: usize,
    steps: Vec<Step>,
    expected: Vec<Option<Value>>,
    labels: HashMap<String, usize>,
}

impl Script {
    fn new(policy: &PolicySettings, hosts: usize) -> Self {
        let policy = policy.clone();
        Self { policy, hosts, steps: Vec::new(), expected: Vec::new(), labels: HashMap::new() }
    }

    fn preset(&mut self, preset: &CellFile) {
        let CellFile { key, cell, text, ttl_ms } = preset;
        let mut step = Step::new(START_US, &self.policy.id, "write", self.key(key));
        step.write = Some(Cell { cell: cell.clone(), text: text.clone(), ttl_ms: *ttl_ms });
        self.push(step, None);
    }

    /// The key that a step is about when it names none.
    fn key<'k>(&self, key: &'k str) -> &'k str {
        match self.policy.kind {
            PolicyKind::Limiter if key.is_empty() => "k",
            _ => key,
        }
    }

    fn push(&mut self, step: Step, expected: Option<Value>) {
        self.steps.push(step);
        self.expected.push(expected);
    }

    /// Adds `[at ms, call, arguments, expectation]`.
    fn step(&mut self, parts: &[Value]) -> Result<()> {
        let [at, call, rest @ ..] = parts else { bail!("a step is an array of a time, a call and more") };
        ensure!(rest.len() <= 2, "a step has four parts at most");
        let arguments: Arguments =
            rest.first().map_or(Ok(Arguments::default()), |arguments| serde_json::from_value(arguments.clone()))?;
        let expected = rest.get(1).map(|expected| self.expectation(expected));
        let step = self.made(at, call.as_str().context("the call is no text")?, &arguments)?;
        if let Some(label) = arguments.r#as {
            ensure!(self.labels.insert(label.clone(), self.steps.len()).is_none(), "two steps are called {label}");
        }
        for _ in 0..arguments.times.unwrap_or(1) {
            self.push(step.clone(), expected.clone());
        }
        Ok(())
    }

    /// A single word is the verdict of a limiter or the effect of a breaker.
    fn expectation(&self, expected: &Value) -> Value {
        match (expected, self.policy.kind) {
            (Value::String(verdict), PolicyKind::Limiter) => json!({ "verdict": verdict }),
            (Value::String(effect), PolicyKind::Breaker) => json!({ "effect": effect }),
            (Value::String(state), PolicyKind::BreakerNode) => json!({ "result": { "circuitState": state } }),
            (other, _) => other.clone(),
        }
    }

    fn made(&self, at: &Value, call: &str, arguments: &Arguments) -> Result<Step> {
        let at_us = instant_us(at)?;
        let policy = arguments.policy.as_deref().unwrap_or(&self.policy.id);
        let mut step = Step::new(at_us, policy, call, self.key(arguments.key.as_deref().unwrap_or_default()));
        step.host = arguments.host.unwrap_or(0);
        ensure!(step.host < self.hosts, "there is no host {}", step.host);
        step.cost = arguments.cost.unwrap_or(1);
        step.priority = arguments.priority.unwrap_or(0);
        step.ticket_of = self.label(arguments.ticket.as_ref())?;
        step.charged_by = self.label(arguments.charged.as_ref())?;
        step.permit_of = self.label(arguments.permit.as_ref())?;
        step.elapsed_ms = arguments.elapsed_ms.unwrap_or(0);
        step.error = arguments.error.clone().or((call == "failed").then(Failure::default));
        step.mode.clone_from(&arguments.mode);
        step.context = arguments.context.as_ref().map(json_text);
        step.token.clone_from(&arguments.token);
        step.result_of = self.label(arguments.result.as_ref())?;
        if let Some(cell) = &arguments.cell {
            let ttl_ms = arguments.ttl_ms.unwrap_or_else(one_minute);
            step.write = Some(Cell { cell: cell.clone(), text: arguments.text.clone(), ttl_ms });
        }
        Ok(step)
    }

    fn label(&self, label: Option<&String>) -> Result<Option<usize>> {
        let Some(label) = label else { return Ok(None) };
        self.labels.get(label).copied().map(Some).with_context(|| format!("no step before is called {label}"))
    }
}

/// Milliseconds after the start, whole or with up to three decimals.
#[expect(clippy::cast_possible_truncation, reason = "whole microseconds within a few years")]
fn instant_us(at: &Value) -> Result<u64> {
    let ms = at.as_f64().context("the time is no number")?;
    Ok(START_US.saturating_add_signed((ms * 1_000.0).round() as i64))
}
