//! Delays: a call that is over a limit reserves the next free place, and is told when that is.

use crate::kv::Kv;

use super::call::Call;
use super::decision::{Outcome, effective_us, full_before_us, place_us};
use super::limiter::RateLimiter;
use super::meter::{Meter, MeterModel};
use super::types::{Decision, Reason};
use crate::parts::cells::Reading;

impl RateLimiter {
    pub(super) fn delayed<K: Kv>(&self, call: &mut Call<'_, K>, max_wait_us: u64) -> Decision {
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
}

impl<K: Kv> Call<'_, K> {
    fn placed(&self, models: &[MeterModel], at_us: u64, place_us: u64) -> Decision {
        if place_us <= at_us {
            return self.allowed(models, 0, place_us);
        }
        let full_at_us = full_before_us(models, self.permits);
        self.report(models, 0, Outcome::Placed { place_us, full_at_us })
    }
}
