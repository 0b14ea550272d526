//! Looks at what a call would be answered, and charges nothing.

use crate::kv::{Clock, Kv};

use super::call::Call;
use super::decision::{Outcome, effective_us, place_us};
use super::limiter::{Behaviour, RateLimiter};
use super::types::{CostNeverFits, Decision, Reason};
use crate::parts::cells::Reading;
use crate::parts::queue::Waiters;

impl RateLimiter {
    /// What [`Self::try_acquire`] would answer, without charging.
    ///
    /// # Errors
    /// [`CostNeverFits`].
    pub fn peek<W: Kv + Clock>(&self, world: &mut W, entity: u32, cost: u32) -> Result<Decision, CostNeverFits> {
        let now_us = world.now_us();
        self.peek_at(world, now_us, entity, cost.max(1))
    }

    pub(super) fn peek_at<K: Kv>(
        &self,
        kv: &mut K,
        now_us: u64,
        entity: u32,
        permits: u32,
    ) -> Result<Decision, CostNeverFits> {
        if permits > self.most {
            return self.never_fits(kv, now_us, entity, permits);
        }
        Ok(self.peeked(&mut self.begin(kv, now_us, entity, permits)))
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
}
