//! The hosts of a run, on their store and clocks, and the calls they make.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tidegate::key::EntityKey;
use tidegate::nodes::{CircuitBreakerNode, RateLimiterNode};
use tidegate::store::scripted::{self, Event, Scripted};
use tidegate::store::{MemoryStore, Store};
use tidegate::{
    Ask, CircuitBreaker, CircuitBreakerConfig, CircuitReport, Decision, Error, Failure, ManualClock, Memory, Permit,
    RateLimiter, RateLimiterConfig, Ticket, Tidegate,
};
use tidegate_conformance::protocol::{self, PolicyKind, PolicySettings, Run, Step, StoreKind};

use crate::log::{Answer, DecisionLine, FaultLine, Problem, ReportLine};
use crate::nodes::{self, Brought};

struct Host {
    gate: Tidegate,
    clock: ManualClock,
    offset_us: i64,
    policies: HashMap<String, Policy>,
}

enum Policy {
    Limiter(RateLimiter),
    Breaker(CircuitBreaker),
    LimiterNode(RateLimiterNode),
    BreakerNode(CircuitBreakerNode),
}

/// What a step gave that a later one may bring back.
#[derive(Default)]
pub(crate) struct Given {
    decision: Option<Decision>,
    permit: Option<Permit>,
    /// Of a node.
    pub(crate) token: Option<String>,
    /// The text of a node's result.
    pub(crate) result: Option<String>,
}

pub(crate) struct Stage {
    hosts: Vec<Host>,
    clock: ManualClock,
    /// The way in for strangers, who are not in the script.
    memory: MemoryStore,
    scripted: Option<Scripted>,
    given: Vec<Given>,
    /// What the step in progress gave.
    giving: Given,
}

impl Stage {
    pub(crate) fn new(run: &Run) -> Result<Self> {
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
            let builder = Tidegate::builder().clock(own.clone()).max_staleness(Duration::ZERO).no_store_watch();
            let builder = match run.store {
                StoreKind::Memory => builder.memory(memory.clone()),
                StoreKind::Ledger => builder.store(distant.clone()),
                StoreKind::Scripted => builder.store(scripted.clone()),
            };
            let (gate, policies) = (builder.build()?, HashMap::new());
            hosts.push(Host { gate, clock: own, offset_us: host.offset_us, policies });
        }
        let scripted = (run.store == StoreKind::Scripted).then_some(scripted);
        Ok(Self { hosts, clock, memory: distant, scripted, given: Vec::new(), giving: Given::default() })
    }

    /// Opens a policy in every host; the problems of its settings.
    pub(crate) fn open(&mut self, settings: &PolicySettings) -> Result<Vec<Problem>> {
        let config = settings.config.to_string();
        // A node is opened on text, just as it stands.
        let text = settings.config.as_str().unwrap_or_default();
        for host in &mut self.hosts {
            let opened = match settings.kind {
                PolicyKind::Limiter => RateLimiterConfig::from_json(&config)
                    .and_then(|config| host.gate.rate_limiter(config))
                    .map(Policy::Limiter),
                PolicyKind::Breaker => CircuitBreakerConfig::from_json(&config)
                    .and_then(|config| host.gate.circuit_breaker(config))
                    .map(Policy::Breaker),
                PolicyKind::LimiterNode => host.gate.rate_limiter_node(text).map(Policy::LimiterNode),
                PolicyKind::BreakerNode => host.gate.circuit_breaker_node(text).map(Policy::BreakerNode),
            };
            match opened {
                Ok(policy) => drop(host.policies.insert(settings.id.clone(), policy)),
                Err(Error::Config { problems, .. }) => {
                    let is_node = matches!(settings.kind, PolicyKind::LimiterNode | PolicyKind::BreakerNode);
                    let as_log = if is_node { crate::log::problems } else { crate::log::contract_problems };
                    return Ok(as_log(problems));
                }
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
        self.giving = Given::default();
        let host = self.hosts.get(step.host).context("no such host")?;
        let answer = match host.policies.get(&step.policy).context("no such policy")? {
            policy if step.call == "write" => self.write(policy, step).await?,
            Policy::Limiter(limiter) => self.limit(&limiter.clone(), step).await?,
            Policy::Breaker(breaker) => self.guard(&breaker.keyed(&step.key), step).await?,
            Policy::LimiterNode(node) => {
                nodes::limit(&node.clone(), step, &self.brought(step), &mut self.giving).await.or_else(failed)?
            }
            Policy::BreakerNode(node) => {
                let answer = nodes::guard(&node.clone(), step, &self.brought(step), &mut self.giving).await;
                self.hosts[step.host].gate.flush().await;
                answer.or_else(failed)?
            }
        };
        Ok(answer)
    }

    /// What a step brings to a node.
    fn brought(&self, step: &Step) -> Brought {
        let given = |step: Option<usize>| step.and_then(|step| self.given.get(step));
        let token = step.token.clone().or_else(|| given(step.ticket_of)?.token.clone());
        let result = given(step.result_of).and_then(|given| given.result.clone());
        Brought { token, result }
    }

    pub(crate) fn remember(&mut self, _: Answer) {
        let given = std::mem::take(&mut self.giving);
        self.given.push(given);
    }

    /// What was sent to a scripted store since this was last asked.
    pub(crate) fn take_commits(&self) -> Vec<Value> {
        let commits = self.scripted.as_ref().map(Scripted::take_commits).unwrap_or_default();
        commits.iter().map(scripted::canonical).collect()
    }

    async fn write(&self, policy: &Policy, step: &Step) -> Result<Answer> {
        let cell = step.write.as_ref().context("nothing to write")?;
        let entity = match policy {
            Policy::Limiter(limiter) => EntityKey::new("rl", &limiter.config().name, &step.key),
            Policy::Breaker(breaker) => EntityKey::new("cb", &breaker.config().name, &step.key),
            Policy::BreakerNode(node) => EntityKey::new("cb", node.circuit_id(), ""),
            Policy::LimiterNode(node) => {
                let subject = node.subject(step.context.as_deref().unwrap_or_default())?;
                EntityKey::new("rl", &subject.name, &subject.key)
            }
        };
        let (field, value, ttl_ms) = written(cell)?;
        let store: &dyn Store = &self.memory;
        scripted::write(store, step.at_us, &Arc::new(entity), field, value, ttl_ms).await?;
        Ok(Answer::Done(true))
    }

    async fn limit(&mut self, limiter: &RateLimiter, step: &Step) -> Result<Answer> {
        let ask = Ask::of(&step.key).cost(step.cost).priority(step.priority);
        let ticket = step.ticket_of.and_then(|step| self.given[step].decision.as_ref()?.ticket);
        let decided = match step.call.as_str() {
            "acquire" => limiter.decide(ask, ticket).await,
            "try-acquire" => limiter.try_acquire(ask).await,
            "peek" => limiter.peek(ask).await,
            "refund" => {
                let charged = step.charged_by.and_then(|step| self.given[step].decision.as_ref());
                let Some(charged) = charged.filter(|decision| decision.charged_at_us.is_some()) else {
                    return Ok(Answer::Skipped(true));
                };
                limiter.refund(ask, charged).await
            }
            "charge" => limiter.charge(&step.key, step.cost).await,
            "cancel" => return cancelled(limiter, &step.key, ticket).await,
            "reset" => return limiter.reset(&step.key).await.map_or_else(failed, |()| Ok(Answer::Done(true))),
            other => bail!("a limiter has no call {other}"),
        };
        match decided {
            Ok(decision) => {
                let line = DecisionLine::from(&decision);
                self.giving.decision = Some(decision);
                Ok(Answer::Decision(line))
            }
            Err(error) => failed(error),
        }
    }

    async fn guard(&mut self, breaker: &CircuitBreaker, step: &Step) -> Result<Answer> {
        let permit = step.permit_of.and_then(|step| self.given[step].permit);
        let elapsed = Duration::from_millis(step.elapsed_ms);
        let reported = match (step.call.as_str(), permit) {
            ("admit", _) => breaker.admit().await,
            ("status", _) => breaker.status().await,
            ("reset", _) => breaker.reset().await,
            ("set-mode", _) => breaker.set_mode(mode(step)?).await,
            ("succeeded", Some(permit)) => breaker.succeeded(permit, elapsed).await,
            ("failed", Some(permit)) => {
                breaker.failed(permit, elapsed, failure(step.error.clone().unwrap_or_default())).await
            }
            ("cancelled", Some(permit)) => breaker.cancelled(permit, elapsed).await,
            ("succeeded" | "failed" | "cancelled", None) => return Ok(Answer::Skipped(true)),
            (other, _) => bail!("a breaker has no call {other}"),
        };
        // What settles in the background settles before the next step.
        self.hosts[step.host].gate.flush().await;
        reported.map_or_else(failed, |report| Ok(self.report(&report)))
    }

    fn report(&mut self, report: &CircuitReport) -> Answer {
        self.giving.permit = report.permit;
        Answer::Report(ReportLine::from(report))
    }
}

async fn cancelled(limiter: &RateLimiter, key: &str, ticket: Option<Ticket>) -> Result<Answer> {
    let Some(ticket) = ticket else { return Ok(Answer::Skipped(true)) };
    limiter.cancel(key, ticket).await.map_or_else(failed, |was_waiting| Ok(Answer::WasWaiting(was_waiting)))
}

/// An error that a log tells of; any other is a defect of the run.
fn failed(error: Error) -> Result<Answer> {
    match error {
        Error::CostNeverFits { limiter: _, cost, binding, limit, count, remaining } => {
            Ok(Answer::Fault(FaultLine { cost, binding, limit, count, remaining }))
        }
        Error::Contended { .. } => Ok(Answer::Error("contended")),
        Error::Store(_) => Ok(Answer::Error("store")),
        Error::Input { problems, .. } => Ok(Answer::Problems(crate::log::problems(problems))),
        error => Err(error.into()),
    }
}

fn mode(step: &Step) -> Result<tidegate::Mode> {
    let mode = step.mode.as_deref().context("no mode")?;
    Ok(serde_json::from_value(Value::from(mode))?)
}

pub(crate) fn failure(of: protocol::Failure) -> Failure {
    let protocol::Failure { name, message, code, status, causes } = of;
    Failure { name, message, code, status, causes: causes.into_iter().map(failure).collect() }
}

fn event(reply: &protocol::Reply) -> Result<Event> {
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

fn written(cell: &protocol::Cell) -> Result<(u32, Option<Arc<str>>, u64)> {
    let field = scripted::field_of(&cell.cell).with_context(|| format!("{:?} names no cell", cell.cell))?;
    Ok((field, cell.text.as_deref().map(Arc::from), cell.ttl_ms))
}
