//! The rate limiter: which behaviour asks what of the meters, and in which order.

use alloc::vec::Vec;

use crate::kv::{Clock, Kv};
use crate::problem::Problem;

use super::config::{Checked, check, max_wait_us};
use super::decision::{Outcome, effective_us, full_before_us, ms_until, place_us, report};
use super::lease::Lease;
use super::line::Line;
use super::meter::{Meter, MeterModel};
use super::model::Model;
use super::role::Role;
use super::types::{Ask, Config, CostNeverFits, Decision, OnLimit, Reason};
use super::whole::Whole;
use crate::parts::cells::{Cells, Reading};
use crate::parts::queue::{Queue, Waiter, Waiters};

/// A checked rate limiter configuration. It holds no state of any key.
#[derive(Debug, Clone)]
pub struct RateLimiter {
    pub(super) meters: Vec<Meter>,
    pub(super) behaviour: Behaviour,
    pub(super) lease: Option<Lease>,
    /// The most permits that can ever fit at once.
    pub(super) most: u32,
    /// Which limit is 0: nothing is counted then, and every call denied.
    pub(super) barred: Option<u32>,
    /// Of what this is a host's share.
    pub(super) whole: Option<Whole>,
    pub(super) config: Config,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Behaviour {
    Reject,
    Delay { max_wait_us: u64 },
    Queue(Queue),
}

/// One call in progress.
pub(super) struct Call<'w, K> {
    pub(super) cells: Cells<'w, K>,
    pub(super) now_us: u64,
    pub(super) permits: u32,
    /// The most that can ever fit at once, whatever a waiter of another configuration may claim.
    most: u32,
}

impl RateLimiter {
    /// Checks a configuration.
    ///
    /// # Errors
    /// All its problems.
    pub fn open(config: &Config) -> Result<Self, Vec<Problem>> {
        let Checked { meters, lease, barred } = check(config)?;
        let behaviour = match config.on_limit {
            OnLimit::Reject => Behaviour::Reject,
            OnLimit::Delay { .. } => Behaviour::Delay { max_wait_us: max_wait_us(&config.on_limit) },
            OnLimit::Queue { max_size, timeout_ms, grace_ms } => Behaviour::Queue(Queue {
                max_size: max_size as usize,
                timeout_us: timeout_ms * 1_000,
                grace_us: grace_ms * 1_000,
            }),
        };
        let most = meters.iter().map(Meter::capacity).min().unwrap_or(0);
        Ok(Self { meters, behaviour, lease, most, barred, whole: None, config: config.clone() })
    }

    /// Asks for `cost` permits by the configured behaviour; `ticket` is 0 or that of a waiter who
    /// comes back.
    ///
    /// # Errors
    /// [`CostNeverFits`].
    pub fn acquire<W: Kv + Clock>(
        &self,
        world: &mut W,
        entity: u32,
        cost: u32,
        priority: i32,
        ticket: u64,
    ) -> Result<Decision, CostNeverFits> {
        let now_us = world.now_us();
        if cost == 0 {
            return self.peek_at(world, now_us, entity, 1);
        }
        if cost > self.most {
            return self.never_fits(world, now_us, entity, cost);
        }
        let mut call = self.begin(world, now_us, entity, cost);
        Ok(match self.behaviour {
            Behaviour::Reject => self.now_or_denied(&mut call),
            Behaviour::Delay { max_wait_us } => self.delayed(&mut call, max_wait_us),
            Behaviour::Queue(queue) => self.queued(&mut call, &queue, priority, ticket),
        })
    }

    /// Asks for `cost` permits now: never waits, and never goes before those who do.
    ///
    /// # Errors
    /// [`CostNeverFits`].
    pub fn try_acquire<W: Kv + Clock>(&self, world: &mut W, entity: u32, cost: u32) -> Result<Decision, CostNeverFits> {
        let now_us = world.now_us();
        self.try_acquire_at(world, now_us, entity, cost)
    }

    fn try_acquire_at<K: Kv>(
        &self,
        kv: &mut K,
        now_us: u64,
        entity: u32,
        cost: u32,
    ) -> Result<Decision, CostNeverFits> {
        if cost == 0 {
            return self.peek_at(kv, now_us, entity, 1);
        }
        if cost > self.most {
            return self.never_fits(kv, now_us, entity, cost);
        }
        let mut call = self.begin(kv, now_us, entity, cost);
        let Behaviour::Queue(queue) = self.behaviour else { return Ok(self.now_or_denied(&mut call)) };
        let waiters = call.waiters(&queue, Reading::Validated, 0);
        if waiters.is_empty() {
            return Ok(self.now_or_denied(&mut call));
        }
        let models = self.load(&mut call, Reading::Validated);
        let line = call.line(&models, &queue);
        let at_us = line.at_us();
        let turn_us = line.turn_us(waiters.ahead_of(None, &queue, call.now_us), cost);
        if turn_us > at_us {
            let outcome = Outcome::Denied { reason: Reason::Limit, retry_us: turn_us };
            return Ok(call.report(&models, waiters.len(), outcome));
        }
        let models = self.charge_models(&mut call, models, at_us);
        Ok(call.allowed(&models, waiters.len(), at_us))
    }

    /// What [`Self::try_acquire`] answers to each in turn, all at one time.
    pub fn try_acquire_many<W: Kv + Clock>(
        &self,
        world: &mut W,
        asks: impl IntoIterator<Item = Ask>,
    ) -> impl Iterator<Item = Result<Decision, CostNeverFits>> {
        let now_us = world.now_us();
        asks.into_iter().map(move |ask| self.try_acquire_at(world, now_us, ask.entity, ask.cost))
    }

    /// What [`Self::try_acquire`] would answer, without charging.
    ///
    /// # Errors
    /// [`CostNeverFits`].
    pub fn peek<W: Kv + Clock>(&self, world: &mut W, entity: u32, cost: u32) -> Result<Decision, CostNeverFits> {
        let now_us = world.now_us();
        self.peek_at(world, now_us, entity, cost.max(1))
    }

    fn peek_at<K: Kv>(&self, kv: &mut K, now_us: u64, entity: u32, permits: u32) -> Result<Decision, CostNeverFits> {
        if permits > self.most {
            return self.never_fits(kv, now_us, entity, permits);
        }
        Ok(self.peeked(&mut self.begin(kv, now_us, entity, permits)))
    }

    /// Takes a waiter out of the queue; false: it was not in it.
    pub fn cancel<W: Kv + Clock>(&self, world: &mut W, entity: u32, ticket: u64) -> bool {
        let Behaviour::Queue(queue) = self.behaviour else { return false };
        let now_us = world.now_us();
        let mut cells = Cells::new(world, entity);
        let mut waiters = Waiters::load(&mut cells, Role::Queue as u32, now_us, Reading::Validated);
        let found = waiters.remove(ticket).is_some();
        if found {
            waiters.store(&mut cells, Role::Queue as u32, &queue, now_us);
        }
        found
    }

    /// Forgets what was charged. Those who wait keep their places.
    pub fn reset<W: Kv + Clock>(&self, world: &mut W, entity: u32) {
        let mut cells = Cells::new(world, entity);
        for meter in &self.meters {
            meter.reset(&mut cells);
        }
        if let Some(lease) = &self.lease {
            lease.forget(&mut cells);
        }
    }

    pub(super) fn begin<'w, K: Kv>(&self, kv: &'w mut K, now_us: u64, entity: u32, permits: u32) -> Call<'w, K> {
        Call { cells: Cells::new(kv, entity), now_us, permits, most: self.most }
    }

    fn now_or_denied<K: Kv>(&self, call: &mut Call<'_, K>) -> Decision {
        if let Some(lease) = &self.lease {
            return self.leased_or_charged(call, lease);
        }
        match self.charge_now(call) {
            Ok(decision) => decision,
            Err(models) => call.denied(&models, Reason::Limit, 0),
        }
    }

    fn charge_now<K: Kv>(&self, call: &mut Call<'_, K>) -> Result<Decision, Models> {
        if let [meter] = &self.meters[..] {
            return match meter.charge(&mut call.cells, call.now_us, call.permits) {
                Ok((charged_at_us, model)) => Ok(call.allowed(&[model], 0, charged_at_us)),
                Err(model) => Err(alloc::vec![model]),
            };
        }
        let (charged_at_us, models) = self.charge_all(call, call.permits)?;
        Ok(call.allowed(&models, 0, charged_at_us))
    }

    /// Charges all limits now, or none: when it counts, and the limits after it.
    pub(super) fn charge_all<K: Kv>(&self, call: &mut Call<'_, K>, permits: u32) -> Result<(u64, Models), Models> {
        if let [meter] = &self.meters[..] {
            let charged = meter.charge(&mut call.cells, call.now_us, permits);
            return charged.map(|(at_us, model)| (at_us, alloc::vec![model])).map_err(|model| alloc::vec![model]);
        }
        // Nothing is charged before every limit has said yes, so that a refusal charges nothing.
        let models = self.check_all(call, permits)?;
        let at_us = effective_us(&models, call.now_us);
        let charge = |meter: &Meter| match meter.charge(&mut call.cells, at_us, permits) {
            Ok((_, model)) | Err(model) => model,
        };
        Ok((at_us, self.meters.iter().map(charge).collect()))
    }

    fn check_all<K: Kv>(&self, call: &mut Call<'_, K>, permits: u32) -> Result<Models, Models> {
        let mut fits = true;
        let check = |meter: &Meter| match meter.check(&mut call.cells, call.now_us, permits) {
            Ok(model) => model,
            Err(model) => {
                fits = false;
                model
            }
        };
        let models: Models = self.meters.iter().map(check).collect();
        if fits { Ok(models) } else { Err(models) }
    }

    fn delayed<K: Kv>(&self, call: &mut Call<'_, K>, max_wait_us: u64) -> Decision {
        if let [Meter::Bucket(bucket)] = &self.meters[..] {
            let until_us = call.now_us.saturating_add(max_wait_us);
            return match bucket.charge(&mut call.cells, call.now_us, until_us, call.permits) {
                Ok((place_us, model)) => call.placed(&[MeterModel::Bucket(model)], call.now_us, place_us),
                Err(model) => call.denied(&[MeterModel::Bucket(model)], Reason::MaxWait, max_wait_us),
            };
        }
        if let [_] = &self.meters[..]
            && let Ok(decision) = self.charge_now(call)
        {
            return decision;
        }
        let models = self.load(call, Reading::Validated);
        let at_us = effective_us(&models, call.now_us);
        let place_us = place_us(&models, call.permits, at_us);
        if place_us > at_us.saturating_add(max_wait_us) {
            return call.denied(&models, Reason::MaxWait, max_wait_us);
        }
        let models = self.charge_models(call, models, place_us);
        call.placed(&models, at_us, place_us)
    }

    fn queued<K: Kv>(&self, call: &mut Call<'_, K>, queue: &Queue, priority: i32, ticket: u64) -> Decision {
        let mut waiters = call.waiters(queue, Reading::Validated, ticket);
        if waiters.is_empty()
            && ticket == 0
            && let Ok(decision) = self.charge_now(call)
        {
            return decision;
        }
        let models = self.load(call, Reading::Validated);
        let ticket = waiters.ticket(ticket, call.now_us);
        let was_in = waiters.remove(ticket).is_some();
        let asking = Waiter { ticket, priority, cost: call.permits, due_us: 0 };
        let rank = (!queue.is_stale(ticket, call.now_us)).then_some(&asking);
        let line = call.line(&models, queue);
        let at_us = line.at_us();
        let turn_us = line.turn_us(waiters.ahead_of(rank, queue, call.now_us), call.permits);
        let fits = turn_us <= at_us;
        let over = queue.deadline_us(ticket) <= call.now_us;
        if was_in && (fits || over) {
            waiters.store(&mut call.cells, Role::Queue as u32, queue, call.now_us);
        }
        if fits {
            let models = self.charge_models(call, models, at_us);
            call.allowed(&models, waiters.len(), at_us)
        } else if over {
            let outcome = Outcome::Denied { reason: Reason::QueueTimeout, retry_us: turn_us };
            call.report(&models, waiters.len(), outcome)
        } else if !was_in && waiters.len() >= queue.max_size {
            let retry_us = turn_us.min(line.first_leaves_us(&waiters));
            let outcome = Outcome::Denied { reason: Reason::QueueFull, retry_us };
            call.report(&models, waiters.len(), outcome)
        } else {
            call.enqueue(&models, waiters, queue, Waiter { due_us: turn_us, ..asking })
        }
    }

    pub(super) fn peeked<K: Kv>(&self, call: &mut Call<'_, K>) -> Decision {
        if let Some(decision) = self.peeked_alone(call) {
            return decision;
        }
        let waiters = match self.behaviour {
            Behaviour::Queue(queue) => call.waiters(&queue, Reading::Observed, 0),
            _ => Waiters::default(),
        };
        let models = self.load(call, Reading::Observed);
        let at_us = effective_us(&models, call.now_us);
        let turn_us = match self.behaviour {
            Behaviour::Queue(queue) => {
                let ahead = waiters.ahead_of(None, &queue, call.now_us);
                call.line(&models, &queue).turn_us(ahead, call.permits)
            }
            _ => place_us(&models, call.permits, at_us),
        };
        let outcome = if turn_us <= at_us {
            Outcome::Allowed { charged_at_us: 0, full_at_us: 0 }
        } else {
            Outcome::Denied { reason: Reason::Limit, retry_us: turn_us }
        };
        call.report(&models, waiters.len(), outcome)
    }

    pub(super) fn load<K: Kv>(&self, call: &mut Call<'_, K>, reading: Reading) -> Models {
        self.meters.iter().map(|meter| meter.load(&mut call.cells, call.now_us, reading)).collect()
    }

    /// Takes a place that fits under all limits, and stores it.
    fn charge_models<K: Kv>(&self, call: &mut Call<'_, K>, mut models: Models, at_us: u64) -> Models {
        for (model, meter) in models.iter_mut().zip(&self.meters) {
            model.charge(call.permits, at_us);
            model.store(meter, &mut call.cells, call.now_us);
        }
        models
    }
}

pub(super) type Models = Vec<MeterModel>;

impl<K: Kv> Call<'_, K> {
    pub(super) fn report(&self, models: &[MeterModel], waiting: usize, outcome: Outcome) -> Decision {
        report(&self.cells, models, self.now_us, waiting, outcome)
    }

    /// Allowed, and charged at that time.
    pub(super) fn allowed(&self, models: &[MeterModel], waiting: usize, charged_at_us: u64) -> Decision {
        let full_at_us = full_before_us(models, self.permits);
        self.report(models, waiting, Outcome::Allowed { charged_at_us, full_at_us })
    }

    /// Denied: to be accepted at the first place, or as much earlier as one may wait.
    pub(super) fn denied(&self, models: &[MeterModel], reason: Reason, max_wait_us: u64) -> Decision {
        let at_us = effective_us(models, self.now_us);
        let retry_us = place_us(models, self.permits, at_us).saturating_sub(max_wait_us);
        self.report(models, 0, Outcome::Denied { reason, retry_us })
    }

    fn placed(&self, models: &[MeterModel], at_us: u64, place_us: u64) -> Decision {
        if place_us <= at_us {
            return self.allowed(models, 0, place_us);
        }
        let full_at_us = full_before_us(models, self.permits);
        self.report(models, 0, Outcome::Placed { place_us, full_at_us })
    }

    /// Those whose time is not over, and the one who is asking.
    fn waiters(&mut self, queue: &Queue, reading: Reading, asking: u64) -> Waiters {
        let mut waiters = Waiters::load(&mut self.cells, Role::Queue as u32, self.now_us, reading);
        waiters.purge(queue, self.now_us, asking);
        waiters
    }

    fn line<'a>(&self, models: &'a [MeterModel], queue: &'a Queue) -> Line<'a> {
        Line { models, queue, now_us: self.now_us, most: self.most }
    }

    /// Puts a waiter in the queue, to come back at its turn or, at the latest, when its time is
    /// over. Where one ahead is late, it comes as soon as that one would be passed over.
    fn enqueue(&mut self, models: &[MeterModel], mut waiters: Waiters, queue: &Queue, waiter: Waiter) -> Decision {
        let ahead = waiters.ahead_of(Some(&waiter), queue, self.now_us);
        let passed_us = self.line(models, queue).first_passed_us(ahead).unwrap_or(u64::MAX);
        let due_us = waiter.due_us.min(queue.deadline_us(waiter.ticket)).min(passed_us);
        let due_us = self.now_us + ms_until(due_us, self.now_us) * 1_000;
        let position = waiters.insert(Waiter { due_us, ..waiter });
        waiters.store(&mut self.cells, Role::Queue as u32, queue, self.now_us);
        self.report(models, waiters.len(), Outcome::Queued { ticket: waiter.ticket, due_us, position })
    }
}
