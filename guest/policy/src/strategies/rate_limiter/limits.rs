//! All limits of a limiter at once. A call is charged in all of them, or in no limit.

use crate::kv::Kv;

use super::call::{Call, Models};
use super::decision::effective_us;
use super::limiter::RateLimiter;
use super::meter::Meter;
use super::model::Model;
use super::types::{Decision, Reason};
use crate::parts::cells::Reading;

impl RateLimiter {
    pub(super) fn now_or_denied<K: Kv>(&self, call: &mut Call<'_, K>) -> Decision {
        if let Some(lease) = &self.lease {
            return self.leased_or_charged(call, lease);
        }
        match self.charge_now(call) {
            Ok(decision) => decision,
            Err(models) => call.denied(&models, Reason::Limit, 0),
        }
    }

    pub(super) fn charge_now<K: Kv>(&self, call: &mut Call<'_, K>) -> Result<Decision, Models> {
        if let [meter] = &self.meters[..] {
            return match meter.charge(&mut call.cells, call.now_us, call.permits) {
                Ok((charged_at_us, model)) => Ok(call.allowed(&[model], 0, charged_at_us)),
                Err(model) => Err(alloc::vec![model]),
            };
        }
        let (charged_at_us, models) = self.charge_all(call, call.permits)?;
        Ok(call.allowed(&models, 0, charged_at_us))
    }

    /// Charges all limits now, or no limit: when it counts, and the limits after it.
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

    pub(super) fn load<K: Kv>(&self, call: &mut Call<'_, K>, reading: Reading) -> Models {
        self.meters.iter().map(|meter| meter.load(&mut call.cells, call.now_us, reading)).collect()
    }

    /// Takes a place that fits under all limits, and stores it.
    pub(super) fn charge_models<K: Kv>(&self, call: &mut Call<'_, K>, mut models: Models, at_us: u64) -> Models {
        for (model, meter) in models.iter_mut().zip(&self.meters) {
            model.charge(call.permits, at_us);
            model.store(meter, &mut call.cells, call.now_us);
        }
        models
    }
}
