//! No call waits for the store longer than one operation may take, in whatever line it stands.
//!
//! Whoever waits has a time by which it is answered. While a batch is under way its driver watches over those in it and those in
//! line behind it, by one timer for all. Who is due is told that the store did not answer; if an answer comes all the same,
//! what it gives is taken back, as from a caller who went away.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::Ledger;
use super::lanes::Call;
use crate::key::EntityKey;

impl Ledger {
    /// By when a call that is made now is answered.
    pub(super) fn due_us(&self) -> u64 {
        self.limit.map_or(u64::MAX, |limit| self.guards.steady().now_us().saturating_add(us(limit)))
    }

    /// Does the work of a batch while nobody waits for too long.
    pub(super) async fn in_time<T>(&self, key: &Arc<EntityKey>, batch: &[Call], work: impl Future<Output = T>) -> T {
        let Some(limit) = self.limit else { return work.await };
        let mut work = pin!(work);
        // Those in a batch came one after the other, and those who are in line came after them. A batch in which nobody waits
        // may go before those who do.
        let mut due_us = batch.iter().find_map(Call::due_us).or_else(|| self.lanes.first_due_us(key));
        loop {
            let now_us = self.guards.steady().now_us();
            // Who comes while this sleeps is due after it.
            let sleep_us = due_us.unwrap_or(u64::MAX).saturating_sub(now_us).min(us(limit));
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = self.clock.sleep(Duration::from_micros(sleep_us)) => {}
            }
            self.give_up(key, batch, limit);
            due_us = first_due_us(batch).into_iter().chain(self.lanes.first_due_us(key)).min();
        }
    }

    /// Tells those who are due that the store did not answer.
    fn give_up(&self, key: &Arc<EntityKey>, batch: &[Call], limit: Duration) {
        let now_us = self.guards.steady().now_us();
        let in_line = self.lanes.take_due(key, now_us);
        for hearer in batch.iter().chain(&in_line).filter_map(|call| call.reply.as_ref()) {
            if hearer.due_us() <= now_us {
                hearer.give_up(limit);
            }
        }
    }
}

/// When the first of those who still wait is due.
fn first_due_us(batch: &[Call]) -> Option<u64> {
    let hearers = batch.iter().filter_map(|call| call.reply.as_ref());
    hearers.filter(|hearer| hearer.waits()).map(super::hearer::Hearer::due_us).min()
}

fn us(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
