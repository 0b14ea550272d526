//! Calls of a limiter that leases: which permits they are let go on, and when the host takes more.
//!
//! A call first asks for its own permits, and only if it is charged asks for more to hold. So a
//! refusal issues what it would without a lease, and changes nothing.

use crate::kv::{Clock, Kv};

use super::call::{Call, Models};
use super::decision::{Outcome, full_before_us, ms_until};
use super::lease::{Held, Lease};
use super::limiter::RateLimiter;
use super::types::{Decision, Reason};
use crate::parts::cells::Reading;

impl RateLimiter {
    /// Gives back what is left of this host's lease if it is over, or in any case where `now`: how
    /// many permits.
    pub fn release<W: Kv + Clock>(&self, world: &mut W, entity: u32, now: bool) -> u32 {
        let Some(lease) = &self.lease else { return 0 };
        let now_us = world.now_us();
        let mut call = self.begin(world, now_us, entity, 1);
        let held = lease.held(&mut call.cells, call.now_us);
        if held.left == 0 || (held.runs && !now) {
            return 0;
        }
        self.give_back(&mut call, &held);
        lease.drop(&mut call.cells, &held, held.used());
        held.left
    }

    /// Lets a call go on the lease, or charges it.
    pub(super) fn leased_or_charged<K: Kv>(&self, call: &mut Call<'_, K>, lease: &Lease) -> Decision {
        if let Some(spent) = lease.spend(&mut call.cells, call.now_us, call.permits) {
            return spent.report(&call.cells, call.now_us, self.meters[0].capacity(), spent.charged_at_us);
        }
        match self.charge_all(call, call.permits) {
            Ok((charged_at_us, models)) => self.charged(call, lease, charged_at_us, models),
            Err(models) => call.denied(&models, Reason::Limit, 0),
        }
    }

    /// A call was charged: takes a lease with it, if one is of use.
    fn charged<K: Kv>(
        &self,
        call: &mut Call<'_, K>,
        lease: &Lease,
        charged_at_us: u64,
        mut models: Models,
    ) -> Decision {
        let full_at_us = full_before_us(&models, call.permits);
        let held = lease.held(&mut call.cells, call.now_us);
        let wanted = lease.wanted(&held);
        let mut taken = None;
        if wanted / 2 >= call.permits {
            let extra = wanted - call.permits;
            self.give_back(call, &held);
            models = match self.charge_all(call, extra) {
                Ok((at_us, models)) => {
                    lease.hold(&mut call.cells, at_us, wanted, extra);
                    taken = Some((lease.ends_us(at_us), extra));
                    models
                }
                Err(models) => {
                    lease.drop(&mut call.cells, &held, wanted / 2);
                    models
                }
            };
        } else if !held.runs {
            if self.give_back(call, &held) {
                models = self.load(call, Reading::Observed);
            }
            lease.drop(&mut call.cells, &held, wanted.saturating_mul(2));
        }
        let mut decision = call.report(&models, 0, Outcome::Allowed { charged_at_us, full_at_us });
        if let Some((ends_us, extra)) = taken {
            decision.remaining = decision.remaining.max(extra);
            decision.release_after_ms = ms_until(ends_us, call.now_us);
        }
        decision
    }

    /// Gives back what is left of a lease; whether there was anything.
    fn give_back<K: Kv>(&self, call: &mut Call<'_, K>, held: &Held) -> bool {
        if held.left > 0 {
            for meter in &self.meters {
                meter.give_back(&mut call.cells, call.now_us, held.charged_at_us, held.left);
            }
        }
        held.left > 0
    }
}
