//! The hosts of a run, on their store and clocks, and the calls they make.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::Value;
use tidegate::store::scripted::{self, Event, Scripted};
use tidegate::store::{MemoryStore, Store};
use tidegate::{Builder, Error, ManualClock, Memory, Tidegate};
use tidegate_conformance::protocol::{Cell, PolicySettings, Reply, Run, Step, StoreKind, WRITE, Write};

use crate::log::{self, Answer, Problem};
use crate::strategies::{self, Given, Policy};

struct Host {
    gate: Tidegate,
    clock: ManualClock,
    offset_us: i64,
    policies: HashMap<String, Rc<dyn Policy>>,
}

pub(crate) struct Stage {
    hosts: Vec<Host>,
    clock: ManualClock,
    /// The way in for strangers, who are not in the script.
    memory: MemoryStore,
    scripted: Option<Scripted>,
    /// What each step gave that a later one may bring back.
    given: Vec<Given>,
}

/// Of a gate that runs by this component, or by the one that the host was built with.
pub(crate) fn builder(component: Option<&[u8]>) -> Builder {
    match component {
        Some(component) => Tidegate::builder().component(component).no_code_cache(),
        None => Tidegate::builder(),
    }
}

impl Stage {
    pub(crate) fn new(run: &Run, component: Option<&[u8]>) -> Result<Self> {
        let clock = ManualClock::at_us(run.at_us);
        let memory = Memory::new();
        let script = run.replies.iter().map(event).collect::<Result<_>>()?;
        let distant = MemoryStore::new(memory.clone(), Arc::new(clock.clone()));
        let scripted = Scripted::new(memory.clone(), Arc::new(clock.clone()), script);
        let mut hosts = Vec::new();
        for host in &run.hosts {
            let own = ManualClock::at_us(run.at_us.saturating_add_signed(host.offset_us));
            // No refusal from memory: this suite compares what is committed, and asks the store
            // each time. Every call is to reach the script, however often the store was away.
            let builder = builder(component).clock(own.clone()).max_staleness(Duration::ZERO).no_store_watch();
            let builder = match run.store {
                StoreKind::Memory => builder.memory(memory.clone()),
                StoreKind::Ledger => builder.store(distant.clone()),
                StoreKind::Scripted => builder.store(scripted.clone()),
            };
            let (gate, policies) = (builder.build()?, HashMap::new());
            hosts.push(Host { gate, clock: own, offset_us: host.offset_us, policies });
        }
        let scripted = (run.store == StoreKind::Scripted).then_some(scripted);
        Ok(Self { hosts, clock, memory: distant, scripted, given: Vec::new() })
    }

    /// Opens a policy in every host; the problems of its settings.
    pub(crate) fn open(&mut self, settings: &PolicySettings) -> Result<Vec<Problem>> {
        let kind = strategies::kind(&settings.kind)?;
        for host in &mut self.hosts {
            match (kind.open)(&host.gate, &settings.config) {
                Ok(policy) => drop(host.policies.insert(settings.id.clone(), policy.into())),
                Err(Error::Config { problems, .. }) => return Ok((kind.problems)(problems)),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Vec::new())
    }

    /// Makes the call of a step.
    pub(crate) async fn make(&mut self, step: &Step) -> Result<Answer> {
        self.clock.set_us(step.at_us);
        for host in &self.hosts {
            host.clock.set_us(step.at_us.saturating_add_signed(host.offset_us));
        }
        // What is due by then is done in the background, before the step.
        tokio::task::yield_now().await;
        let host = self.hosts.get(step.host).context("no such host")?;
        let policy = Rc::clone(host.policies.get(&step.policy).context("no such policy")?);
        let played = if step.call == WRITE {
            self.write(&*policy, step).await.map(|answer| (answer, None))
        } else {
            policy.play(step, &self.given).await
        };
        if policy.settles_later() {
            // What settles in the background settles before the next step.
            self.hosts[step.host].gate.flush().await;
        }
        let (answer, given) = played.or_else(failed)?;
        self.given.push(given);
        Ok(answer)
    }

    /// What was sent to a scripted store since this was last asked.
    pub(crate) fn take_commits(&self) -> Vec<Value> {
        let commits = self.scripted.as_ref().map(Scripted::take_commits).unwrap_or_default();
        commits.iter().map(scripted::canonical).collect()
    }

    async fn write(&self, policy: &dyn Policy, step: &Step) -> Result<Answer> {
        let write: Write = serde_json::from_value(Value::Object(step.args.clone()))?;
        let entity = Arc::new(policy.entity(&write)?);
        let Write { cell, text, ttl_ms, .. } = write;
        let (field, value, ttl_ms) = written(&Cell { cell, text, ttl_ms })?;
        let store: &dyn Store = &self.memory;
        scripted::write(store, step.at_us, &entity, field, value, ttl_ms).await?;
        Ok(Answer::done())
    }
}

/// What a log says of an error; any other is a defect of the run.
fn failed(error: anyhow::Error) -> Result<(Answer, Given)> {
    let answer = match error.downcast::<Error>()? {
        Error::CostNeverFits { limiter: _, cost, binding, limit, count, remaining } => {
            Answer::new("fault", &FaultLine { cost, binding, limit, count, remaining })
        }
        Error::Contended { .. } => Answer::new("error", &"contended"),
        Error::Store(_) => Answer::new("error", &"store"),
        Error::Input { problems, .. } => Answer::new("problems", &log::problems(problems)),
        error => return Err(error.into()),
    };
    Ok((answer, None))
}

/// Why a cost never fits.
#[derive(Serialize)]
struct FaultLine {
    cost: u32,
    binding: u32,
    limit: u32,
    count: u32,
    remaining: u32,
}

fn event(reply: &Reply) -> Result<Event> {
    let text = |value: &Option<String>| value.as_deref().map(Arc::from);
    if let Some(reason) = &reply.away {
        return Ok(Event::Away(reason.clone()));
    }
    if let Some(untimely) = reply.untimely {
        return Ok(Event::Untimely(untimely.ahead_us));
    }
    if let Some(values) = &reply.refuse {
        return Ok(Event::Refuse(values.iter().map(text).collect()));
    }
    Ok(Event::Before(reply.before.iter().map(written).collect::<Result<_>>()?))
}

fn written(cell: &Cell) -> Result<(u32, Option<Arc<str>>, u64)> {
    let field = scripted::field_of(&cell.cell).with_context(|| format!("{:?} names no cell", cell.cell))?;
    Ok((field, cell.text.as_deref().map(Arc::from), cell.ttl_ms))
}
