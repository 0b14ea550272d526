//! Calls of rate limiters.

use std::sync::Arc;

use tidegate::{Admission, Ask as Permits, Decision, Error, RateLimiter, RateLimiterConfig, Verdict};
use tokio::task::JoinSet;

use super::settings::room;
use crate::actor::{Actor, Host};
use crate::scenario::Burst;
use crate::strategies::asked::{Answer, Ask};
use crate::world::World;

/// A limiter with one of its keys.
pub(crate) struct Subject {
    limiter: RateLimiter,
    key: String,
    tag: String,
}

impl Subject {
    pub(crate) fn open(host: &Host, config: &RateLimiterConfig, key: u32, tag: String) -> Self {
        let limiter = host.gate.rate_limiter(config.clone()).expect("the scenario's configurations are valid");
        Self { limiter, key: key.to_string(), tag }
    }

    /// Makes a call, and what follows from it.
    pub(crate) async fn ask(&self, actor: &mut Actor) {
        actor.ask_limiter(&self.limiter, &self.key, &self.tag).await;
    }
}

/// Asks for many keys at once.
pub(crate) async fn rush(world: Arc<World>, host: Host, burst: Burst) {
    world.attend(host.number).await;
    let config = world.scenario.policies.limiters[0].clone();
    let limiter = host.gate.rate_limiter(config).expect("the scenario's configurations are valid");
    let mut calls = JoinSet::new();
    for key in 0..burst.keys {
        let limiter = limiter.clone();
        calls.spawn(async move { limiter.try_acquire(&*format!("burst-{key}")).await });
    }
    let answers = calls.join_all().await;
    let failed = answers.iter().filter(|answer| answer.as_ref().map_or(true, |decision| decision.degraded)).count();
    world.end_burst(&burst, failed);
}

impl Actor {
    async fn ask_limiter(&mut self, limiter: &RateLimiter, key: &str, tag: &str) {
        let most = room(limiter.config());
        let cost = self.random.small(1, self.of.most_cost).min(most);
        match self.random.index(10) {
            0..=3 => self.try_acquire(limiter, key, tag, cost).await,
            4..=7 => self.step_by_step(limiter, key, tag, cost).await,
            8 => self.acquire(limiter, key, tag, cost).await,
            _ => {
                self.note(tag, Ask::Peek, limiter.peek(key), decided).await;
            }
        }
    }

    async fn try_acquire(&mut self, limiter: &RateLimiter, key: &str, tag: &str, cost: u32) {
        let ask = limiter.try_acquire(Permits::of(key).cost(cost));
        let decision = self.note(tag, Ask::TryAcquire(cost), ask, decided).await;
        self.perhaps_refund(limiter, key, tag, cost, decision).await;
    }

    async fn acquire(&mut self, limiter: &RateLimiter, key: &str, tag: &str, cost: u32) {
        let priority = self.priority();
        let ask = limiter.acquire(Permits::of(key).cost(cost).priority(priority));
        let admission = self.note(tag, Ask::Acquire(cost, priority), ask, admitted).await;
        let decision = admission.map(|admission| admission.map(|admission| admission.decision));
        self.perhaps_refund(limiter, key, tag, cost, decision).await;
    }

    /// As a workflow with timers of its own does: asks, waits, and comes back with its ticket.
    async fn step_by_step(&mut self, limiter: &RateLimiter, key: &str, tag: &str, cost: u32) {
        let (priority, mut ticket) = (self.priority(), None);
        loop {
            let ask = limiter.decide(Permits::of(key).cost(cost).priority(priority), ticket);
            let asked = Ask::Decide(cost, priority, ticket.map_or(0, |ticket| ticket.0));
            let decision = self.note(tag, asked, ask, decided).await;
            let Some(Ok(Decision { verdict: Verdict::Wait, wait, ticket: Some(told), .. })) = decision else {
                return self.perhaps_refund(limiter, key, tag, cost, decision).await;
            };
            if self.random.chance(50) {
                self.note(tag, Ask::Cancel(told.0), limiter.cancel(key, told), found).await;
                return;
            }
            ticket = Some(told);
            self.wait(wait).await;
            if self.random.chance(50) {
                // A waiter that is late, perhaps by more than the grace.
                self.pause(300_000).await;
            }
        }
    }

    async fn perhaps_refund(
        &mut self,
        limiter: &RateLimiter,
        key: &str,
        tag: &str,
        cost: u32,
        decision: Option<Result<Decision, Error>>,
    ) {
        let Some(Ok(decision)) = decision else { return };
        let Some(charged_at_us) = decision.charged_at_us else { return };
        if self.random.chance(self.of.returns_per_mille) {
            self.pause(100_000).await;
            let refund = limiter.refund(Permits::of(key).cost(cost), &decision);
            self.note(tag, Ask::Refund(cost, charged_at_us), refund, decided).await;
        }
    }

    fn priority(&mut self) -> i32 {
        self.random.pick(&[0, 0, 0, 1, 5])
    }
}

pub(super) fn decided(result: &Result<Decision, Error>) -> Answer {
    match result {
        Ok(decision) => Answer::Decision(Box::new(decision.clone())),
        Err(error) => Answer::Error(error.to_string()),
    }
}

fn admitted(result: &Result<Admission, Error>) -> Answer {
    match result {
        Ok(admission) => Answer::Decision(Box::new(admission.decision.clone())),
        Err(Error::Denied { decision, .. }) => Answer::Decision(decision.clone()),
        Err(error) => Answer::Error(error.to_string()),
    }
}

fn found(result: &Result<bool, Error>) -> Answer {
    match result {
        Ok(found) => Answer::Cancelled(*found),
        Err(error) => Answer::Error(error.to_string()),
    }
}
