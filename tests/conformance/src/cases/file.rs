//! A case as it stands in a file.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Case, Expected};
use crate::protocol::{Host, PolicySettings, Reply, Run, START_US, Step, StoreKind, WRITE, Write};
use crate::strategies::{self, Kind};

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
    cells: Vec<Map<String, Value>>,
    #[serde(default)]
    replies: Vec<ReplyFile>,
    #[serde(default)]
    steps: Vec<Vec<Value>>,
}

/// The settings of one policy, under the name of its kind.
#[derive(Debug, Deserialize)]
struct PolicyFile(BTreeMap<String, Value>);

/// An answer of a scripted store, and to how many commits in a row it is given.
#[derive(Debug, Deserialize)]
struct ReplyFile {
    #[serde(default = "once")]
    times: usize,
    #[serde(flatten)]
    reply: Value,
}

/// The arguments that name an earlier step, in a case by its label.
const LABELS: [&str; 4] = ["ticket", "charged", "permit", "result"];

/// What a step says that is not for its call.
#[derive(Debug, Deserialize)]
struct Arguments {
    /// What later steps call it.
    r#as: Option<String>,
    policy: Option<String>,
    #[serde(default)]
    host: usize,
    /// How often the step is made.
    #[serde(default = "once")]
    times: usize,
    /// What its call takes.
    #[serde(flatten)]
    args: Map<String, Value>,
}

fn one_host() -> Vec<i64> {
    vec![0]
}

fn once() -> usize {
    1
}

/// Turns an expanded entry of a file into a case.
pub(super) fn case(prefix: &str, entry: Value) -> Result<Case> {
    let file: CaseFile = serde_json::from_value(entry)?;
    let policies = file.policies()?;
    let mut script = Script::new(&policies, file.hosts.len());
    for cell in &file.cells {
        script.preset(cell.clone())?;
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
        let is_member = |name: &String| strategies::kinds().any(|kind| kind.member == name);
        if let Some(name) = self.0.keys().find(|name| !is_member(name)) {
            bail!("there is no member {name}");
        }
        let mut given = strategies::kinds().filter_map(|kind| Some((kind, self.0.get(kind.member)?)));
        let (Some((kind, config)), None) = (given.next(), given.next()) else {
            let members: Vec<&str> = strategies::kinds().map(|kind| kind.member).collect();
            bail!("{id} is to be one policy: {}", members.join(" or "));
        };
        Ok(PolicySettings { id: id.to_owned(), kind: kind.name.to_owned(), config: (kind.settings)(config, id) })
    }
}

/// Steps in the making.
struct Script<'c> {
    policies: &'c [PolicySettings],
    hosts: usize,
    steps: Vec<Step>,
    expected: Vec<Option<Value>>,
    labels: HashMap<String, usize>,
}

impl<'c> Script<'c> {
    fn new(policies: &'c [PolicySettings], hosts: usize) -> Self {
        Self { policies, hosts, steps: Vec::new(), expected: Vec::new(), labels: HashMap::new() }
    }

    /// Writes into a cell of the first policy before the first step.
    fn preset(&mut self, cell: Map<String, Value>) -> Result<()> {
        let arguments = Arguments { r#as: None, policy: None, host: 0, times: 1, args: cell };
        let (step, _) = self.made(START_US, WRITE, &arguments)?;
        self.push(step, None);
        Ok(())
    }

    fn push(&mut self, step: Step, expected: Option<Value>) {
        self.steps.push(step);
        self.expected.push(expected);
    }

    /// Adds `[at ms, call, arguments, expectation]`.
    fn step(&mut self, parts: &[Value]) -> Result<()> {
        let [at, call, rest @ ..] = parts else { bail!("a step is an array of a time, a call and more") };
        ensure!(rest.len() <= 2, "a step has four parts at most");
        let arguments = rest.first().cloned().unwrap_or_else(|| Value::Object(Map::new()));
        let arguments: Arguments = serde_json::from_value(arguments)?;
        let (step, kind) = self.made(instant_us(at)?, call.as_str().context("the call is no text")?, &arguments)?;
        let expected = rest.get(1).map(|expected| match expected {
            Value::String(word) => (kind.expects)(word),
            other => other.clone(),
        });
        if let Some(label) = arguments.r#as {
            ensure!(self.labels.insert(label.clone(), self.steps.len()).is_none(), "two steps are called {label}");
        }
        for _ in 0..arguments.times {
            self.push(step.clone(), expected.clone());
        }
        Ok(())
    }

    /// A step, and the kind of its policy.
    fn made(&self, at_us: u64, call: &str, arguments: &Arguments) -> Result<(Step, &'static Kind)> {
        let Arguments { policy, host, args, .. } = arguments;
        ensure!(*host < self.hosts, "there is no host {host}");
        let id = policy.as_deref().unwrap_or(&self.policies[0].id);
        let policy = self.policies.iter().find(|policy| policy.id == id);
        let kind = strategies::kind(&policy.with_context(|| format!("there is no policy {id}"))?.kind)?;
        let args = self.arguments(kind, args)?;
        let args = if call == WRITE { write(args)? } else { (kind.spelt_out)(call, &args)? };
        Ok((Step { at_us, host: *host, policy: id.to_owned(), call: call.to_owned(), args }, kind))
    }

    /// Arguments with a key, and with the numbers of the steps that they name.
    fn arguments(&self, kind: &Kind, args: &Map<String, Value>) -> Result<Map<String, Value>> {
        let mut args = args.clone();
        if let Some(key) = kind.key {
            args.entry("key").or_insert_with(|| Value::from(key));
        }
        for name in LABELS {
            if let Some(label) = args.get_mut(name) {
                let text = label.as_str().unwrap_or_default();
                let step = self.labels.get(text).with_context(|| format!("no step before is called {text}"))?;
                *label = Value::from(*step);
            }
        }
        Ok(args)
    }
}

/// What a stranger writes, with all that was left out.
fn write(args: Map<String, Value>) -> Result<Map<String, Value>> {
    let write: Write = serde_json::from_value(Value::Object(args))?;
    match serde_json::to_value(write)? {
        Value::Object(args) => Ok(args),
        other => bail!("{other} is no object"),
    }
}

/// Milliseconds after the start, whole or with up to three decimals.
#[expect(clippy::cast_possible_truncation, reason = "whole microseconds within a few years")]
fn instant_us(at: &Value) -> Result<u64> {
    let ms = at.as_f64().context("the time is no number")?;
    Ok(START_US.saturating_add_signed((ms * 1_000.0).round() as i64))
}
