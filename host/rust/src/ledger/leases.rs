//! Leases that this host has taken: what is left of them is given back when they end, or when the
//! host flushes.
//!
//! One task a lane waits, however many leases its calls take: for the end of the latest, which
//! those before it do not outlive.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinSet;

use super::driven::Untaken;
use super::shared::Shared;
use crate::call::AnyCall;
use crate::key::EntityKey;

/// How many leases are given back together.
const TOGETHER: usize = 32;

/// Gives leases back.
#[derive(Debug, Clone)]
pub(super) struct Leases {
    shared: Arc<Shared>,
}

impl Leases {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared) }
    }

    /// Takes note of the leases that a batch has taken and spent.
    pub(super) fn note(&self, key: &Arc<EntityKey>, batch: &[AnyCall]) {
        let Shared { counters, clock, lanes, .. } = &*self.shared;
        let spent = batch.iter().filter(|call| call.is_leased()).count();
        counters.leased.fetch_add(spent as u64, Ordering::Relaxed);
        let Some((life_ms, release)) = batch.iter().rev().find_map(|call| call.lease()) else { return };
        counters.leases.fetch_add(1, Ordering::Relaxed);
        let ends_us = clock.now_us().saturating_add(life_ms.saturating_mul(1_000));
        if lanes.hold(key, release, ends_us) {
            let (leases, key, driver) = (self.clone(), Arc::clone(key), self.shared.keep_driver());
            tokio::spawn(async move {
                leases.release_later(key).await;
                drop(driver);
            });
        }
    }

    /// Waits for the end of the latest lease of a lane, and gives back what is left of it.
    async fn release_later(self, key: Arc<EntityKey>) {
        while let Some(ends_us) = self.shared.lanes.lease_ends_us(&key) {
            let left_us = ends_us.saturating_sub(self.shared.clock.now_us());
            if left_us == 0 {
                return self.release(&key).await;
            }
            self.shared.clock.sleep(Duration::from_micros(left_us)).await;
        }
    }

    /// Gives back all that this host holds.
    pub(super) async fn release_all(&self) {
        let mut releases = JoinSet::new();
        for key in self.shared.lanes.leasing() {
            if releases.len() >= TOGETHER {
                releases.join_next().await;
            }
            let leases = self.clone();
            releases.spawn(async move { leases.release(&key).await });
        }
        releases.join_all().await;
    }

    async fn release(&self, key: &Arc<EntityKey>) {
        let Some(release) = self.shared.lanes.take_lease(key) else { return };
        // What becomes of it is counted where calls end.
        let _ = self.shared.submit::<(), Untaken>(Arc::clone(key), release.watched(), None).await;
    }
}
