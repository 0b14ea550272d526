//! Gives back what was charged.

use crate::kv::{Clock, Kv};

use super::limiter::{Behaviour, RateLimiter};
use super::model::Charge;
use super::types::Decision;

impl RateLimiter {
    /// Gives `cost` permits back that were charged at `charged_at_us`, when the buckets were due to
    /// be full at `full_at_us`, and reports as a peek does.
    pub fn refund<W: Kv + Clock>(
        &self,
        world: &mut W,
        entity: u32,
        cost: u32,
        charged_at_us: u64,
        full_at_us: u64,
    ) -> Decision {
        let now_us = world.now_us();
        let mut call = self.begin(world, now_us, entity, 1);
        let lease = self.lease.as_ref().filter(|_| cost > 0);
        let is_held = lease.is_some_and(|lease| lease.restore(&mut call.cells, now_us, charged_at_us, cost));
        if cost > 0 && !is_held {
            let reserving = matches!(self.behaviour, Behaviour::Delay { .. });
            let charge = Charge { at_us: charged_at_us, full_at_us };
            for meter in &self.meters {
                meter.refund(&mut call.cells, now_us, charge, cost, reserving);
            }
        }
        self.peeked(&mut call)
    }
}
