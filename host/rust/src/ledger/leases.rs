//! Leases that this host has taken: what is left of them is given back when they end, or when the
//! host flushes.
//!
//! One task a lane waits, however many leases its calls take: for the end of the latest, which
//! those before it do not outlive.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Ledger;
use super::batch::Answers;
use super::lanes::Call;
use crate::call::{Answer, Request};
use crate::key::EntityKey;

/// How many leases are given back together.
const TOGETHER: usize = 32;

impl Ledger {
    /// Takes note of the leases that a batch has taken and spent.
    pub(super) fn note_leases(self: &Arc<Self>, key: &Arc<EntityKey>, batch: &[Call], answers: &Answers) {
        let (mut leased, mut taken) = (0, None);
        for (call, answer) in batch.iter().zip(answers) {
            let Some(decision) = answer.as_ref().ok().and_then(|answer| answer.decision()) else { continue };
            if let Some((policy, request)) = &call.work {
                leased += u64::from(decision.leased && request.gives());
                taken = (decision.release_after_ms > 0).then_some((policy, decision.release_after_ms)).or(taken);
            }
        }
        self.counters.leased.fetch_add(leased, Ordering::Relaxed);
        if let Some((policy, after_ms)) = taken {
            self.counters.leases.fetch_add(1, Ordering::Relaxed);
            let ends_us = self.clock.now_us().saturating_add(after_ms.saturating_mul(1_000));
            if self.lanes.hold(key, policy, ends_us) {
                tokio::spawn(Arc::clone(self).release_later(Arc::clone(key)));
            }
        }
    }

    async fn release_later(self: Arc<Self>, key: Arc<EntityKey>) {
        while let Some(ends_us) = self.lanes.lease_ends_us(&key) {
            let left_us = ends_us.saturating_sub(self.clock.now_us());
            if left_us == 0 {
                return self.release(&key).await;
            }
            self.clock.sleep(Duration::from_micros(left_us)).await;
        }
    }

    /// Gives back all that this host holds, as far as the store is there.
    pub(super) async fn release_all(self: &Arc<Self>) {
        let mut releases = JoinSet::new();
        for key in self.lanes.leasing() {
            if releases.len() >= TOGETHER {
                releases.join_next().await;
            }
            let ledger = Arc::clone(self);
            releases.spawn(async move { ledger.release(&key).await });
        }
        releases.join_all().await;
    }

    /// Gives back what is left of the latest lease, which is over by this host's own clock or
    /// wanted back. By the time of the run it may seem not to be quite over: what is learnt of the
    /// store's clock changes.
    async fn release(self: &Arc<Self>, key: &Arc<EntityKey>) {
        let Some(policy) = self.lanes.take_lease(key) else { return };
        let work = (policy, Request::Release { now: true });
        let answer = self.line_up(Arc::clone(key), Some(work.clone())).await;
        if let Ok(Answer::Released(permits)) = answer {
            self.counters.released.fetch_add(u64::from(permits), Ordering::Relaxed);
        }
        self.unheard(key, Some(work), answer);
    }
}
