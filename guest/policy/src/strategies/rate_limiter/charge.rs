//! Charges what was used already: no limit refuses it, and what does not fit is a debt that those
//! who come later wait for.

use crate::kv::{Clock, Kv};

use super::call::{Call, Models};
use super::decision::{effective_us, ms_until, place_us};
use super::limiter::RateLimiter;
use super::meter::Meter;
use super::types::{Decision, Reason, Verdict};
use crate::parts::cells::Reading;

impl RateLimiter {
    /// Charges `cost` permits, whatever the limits say.
    pub fn charge<W: Kv + Clock>(&self, world: &mut W, entity: u32, cost: u32) -> Decision {
        let now_us = world.now_us();
        let mut call = self.begin(world, now_us, entity, cost);
        if cost == 0 || self.meters.is_empty() {
            call.permits = 1;
            return Decision { verdict: Verdict::Allowed, reason: Reason::None, ..self.peeked(&mut call) };
        }
        if let Some(lease) = &self.lease
            && let Some(spent) = lease.spend(&mut call.cells, now_us, cost)
        {
            return spent.report(&call.cells, now_us, self.meters[0].capacity(), spent.charged_at_us);
        }
        let (charged_at_us, models) = self.owe(&mut call);
        let mut decision = call.allowed(&models, 0, charged_at_us);
        let from_us = effective_us(&models, now_us);
        let next_us = place_us(&models, 1, from_us);
        decision.retry_after_ms = if next_us > from_us { ms_until(next_us, now_us) } else { 0 };
        decision
    }

    /// Charges all limits: when it counts, 0 where it cannot be given back, and the limits after
    /// it.
    fn owe<K: Kv>(&self, call: &mut Call<'_, K>) -> (u64, Models) {
        if call.permits <= self.most
            && let Ok(charged) = self.charge_all(call, call.permits)
        {
            return charged;
        }
        let now_us = call.now_us;
        let mut at_us = now_us;
        if !matches!(self.meters[..], [Meter::Bucket(_)]) {
            // What others may do to a bucket meanwhile is no conflict; a place depends on all that
            // was read.
            at_us = effective_us(&self.load(call, Reading::Validated), now_us);
        }
        let mut charged_at_us = at_us;
        let mut charge = |meter: &Meter| match meter.owe(&mut call.cells, at_us, now_us, call.permits) {
            Ok(model) => model,
            Err(model) => {
                charged_at_us = 0;
                model
            }
        };
        let models = self.meters.iter().map(&mut charge).collect();
        (charged_at_us, models)
    }
}
