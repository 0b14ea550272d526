//! Queues: a call that is over a limit waits in a line that all hosts share.

use crate::kv::{Clock, Kv};

use super::call::Call;
use super::decision::{Outcome, ms_until};
use super::limiter::{Behaviour, RateLimiter};
use super::line::Line;
use super::meter::MeterModel;
use super::role::Role;
use super::types::{Decision, Reason};
use crate::parts::cells::{Cells, Reading};
use crate::parts::queue::{Queue, Waiter, Waiters};

impl RateLimiter {
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

    /// Answers a call that does not wait, and does not go before those who do.
    pub(super) fn tried<K: Kv>(&self, call: &mut Call<'_, K>, queue: &Queue) -> Decision {
        let waiters = call.waiters(queue, Reading::Validated, 0);
        if waiters.is_empty() {
            return self.now_or_denied(call);
        }
        let models = self.load(call, Reading::Validated);
        let line = call.line(&models, queue);
        let at_us = line.at_us();
        let turn_us = line.turn_us(waiters.ahead_of(None, queue, call.now_us), call.permits);
        if turn_us > at_us {
            let outcome = Outcome::Denied { reason: Reason::Limit, retry_us: turn_us };
            return call.report(&models, waiters.len(), outcome);
        }
        let models = self.charge_models(call, models, at_us);
        call.allowed(&models, waiters.len(), at_us)
    }

    /// Answers one who waits if need be; `ticket` is 0 for a newcomer.
    pub(super) fn queued<K: Kv>(&self, call: &mut Call<'_, K>, queue: &Queue, priority: i32, ticket: u64) -> Decision {
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
}

impl<K: Kv> Call<'_, K> {
    /// Those whose time is not over, and the one who is asking.
    pub(super) fn waiters(&mut self, queue: &Queue, reading: Reading, asking: u64) -> Waiters {
        let mut waiters = Waiters::load(&mut self.cells, Role::Queue as u32, self.now_us, reading);
        waiters.purge(queue, self.now_us, asking);
        waiters
    }

    pub(super) fn line<'a>(&self, models: &'a [MeterModel], queue: &'a Queue) -> Line<'a> {
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
