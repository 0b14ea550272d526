//! The rate limiter: its calls, and which behaviour answers each.

use alloc::vec::Vec;

use crate::kv::{Clock, Kv};
use crate::problem::Problem;

use super::call::Call;
use super::config::{Checked, check, max_wait_us};
use super::lease::Lease;
use super::meter::Meter;
use super::stand::{Stand, Standing};
use super::types::{Ask, Config, CostNeverFits, Decision, OnLimit};
use super::whole::Whole;
use crate::parts::cells::Cells;
use crate::parts::queue::Queue;

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
    /// The limiter that this is a host's share of.
    pub(super) whole: Option<Whole>,
    pub(super) config: Config,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Behaviour {
    Reject,
    Delay { max_wait_us: u64 },
    Queue(Queue),
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
        Ok(match self.behaviour {
            Behaviour::Queue(queue) => self.tried(&mut call, &queue),
            Behaviour::Reject | Behaviour::Delay { .. } => self.now_or_denied(&mut call),
        })
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

    /// Forgets what was charged. Those who wait keep their positions.
    pub fn reset<W: Kv + Clock>(&self, world: &mut W, entity: u32) {
        let mut cells = Cells::new(world, entity);
        for meter in &self.meters {
            meter.reset(&mut cells);
        }
        if let Some(lease) = &self.lease {
            lease.forget(&mut cells);
        }
    }

    /// What a host may answer by itself to `try_acquire`, and to `acquire` without a ticket, with a
    /// cost of 1 or more, as long as nobody else changes the cells of the entity. It changes
    /// nothing.
    pub fn stands<W: Kv + Clock>(&self, world: &mut W, entity: u32) -> Option<Stand> {
        let ([meter], Behaviour::Reject, None, None) = (&self.meters[..], self.behaviour, &self.lease, self.barred)
        else {
            return None;
        };
        let at_us = world.now_us();
        let mut cells = Cells::new(world, entity);
        let Standing { until_us, one, resets_at_us, resets_in_us } = meter.stands(&mut cells, at_us)?;
        (until_us > at_us).then(|| Stand { at_us, until_us, moves: alloc::vec![one], resets_at_us, resets_in_us })
    }

    pub(super) fn begin<'w, K: Kv>(&self, kv: &'w mut K, now_us: u64, entity: u32, permits: u32) -> Call<'w, K> {
        Call { cells: Cells::new(kv, entity), now_us, permits, most: self.most }
    }
}
