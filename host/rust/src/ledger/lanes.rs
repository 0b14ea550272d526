//! Lanes: where calls on one entity wait, and what is known of the entity.
//!
//! A lane has at most one driver, which takes what waits there as a batch, again until nothing
//! does. So calls of this host that meet on an entity never conflict with each other; they go out
//! together.

use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::Duration;

use indexmap::IndexMap;
use parking_lot::Mutex;

use super::contention::Contention;
use super::known::Known;
use crate::call::AnyCall;
use crate::key::EntityKey;

/// How many maps the lanes are spread over.
const SHARDS: usize = 16;
/// How many idle lanes are looked at to make room for a new one.
const SWEEP: usize = 8;

#[derive(Debug, Default)]
struct Lane {
    waiting: Vec<AnyCall>,
    /// Outcomes whose callers have gone on already. They go out with the next batch.
    deferred: Vec<AnyCall>,
    /// Whether nothing is deferred but an outcome that changes nothing by what is known. It need
    /// not go with every admission: it waits for the flush, or for an outcome that comes after it.
    can_wait: bool,
    driven: bool,
    /// Whether somebody will see to it that what was deferred goes out.
    flushed_soon: bool,
    known: Known,
    /// The latest lease that was taken. While there is one, a task waits for its end.
    lease: Option<Lease>,
}

/// Permits that this host holds.
#[derive(Debug)]
struct Lease {
    /// What gives back what is left of them.
    release: AnyCall,
    /// By this host's own clock.
    ends_us: u64,
}

type Map = IndexMap<Arc<EntityKey>, Lane, foldhash::fast::RandomState>;

/// All lanes of a ledger, bounded in number.
#[derive(Debug)]
pub(super) struct Lanes {
    shards: Vec<Mutex<Shard>>,
    /// Which shard a key is in. The same in every run, so that what is forgotten to make room does
    /// not depend on chance; within a shard the map's own hash has a seed that nobody can guess.
    hasher: foldhash::fast::FixedState,
    max_batch: usize,
}

#[derive(Debug)]
struct Shard {
    lanes: Map,
    capacity: usize,
    hand: usize,
}

/// What a deferred call needs of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flush {
    /// Nothing: it goes out in time.
    Arranged,
    /// A flush, after the delay.
    Soon,
    /// A driver, at once: too much has come together.
    Now,
}

impl Lanes {
    pub(super) fn new(max_known: usize, max_batch: usize) -> Self {
        let capacity = max_known.div_ceil(SHARDS).max(1);
        let shard = || Mutex::new(Shard { lanes: Map::default(), capacity, hand: 0 });
        Self {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            hasher: foldhash::fast::FixedState::default(),
            max_batch,
        }
    }

    /// Adds a call to those that wait. True: the caller must drive the lane.
    pub(super) fn push(&self, key: &Arc<EntityKey>, call: AnyCall, now_us: impl FnOnce() -> u64) -> bool {
        let mut shard = self.shard(key).lock();
        let lane = shard.lane(key, now_us);
        lane.waiting.push(call);
        !std::mem::replace(&mut lane.driven, true)
    }

    /// Adds a call whose caller does not wait. `repeats`: in place of the last one, if that changes
    /// the same.
    pub(super) fn defer(
        &self,
        key: &Arc<EntityKey>,
        call: AnyCall,
        repeats: bool,
        now_us: impl FnOnce() -> u64,
    ) -> Flush {
        let mut shard = self.shard(key).lock();
        let lane = shard.lane(key, now_us);
        let is_lone = repeats && (lane.deferred.is_empty() || lane.can_wait);
        match lane.deferred.last_mut().filter(|last| repeats && call.repeats(last)) {
            Some(last) => *last = call,
            None => lane.deferred.push(call),
        }
        lane.can_wait = is_lone && lane.deferred.len() == 1;
        if lane.deferred.len() >= self.max_batch && !lane.driven {
            (lane.driven, lane.can_wait) = (true, false);
            Flush::Now
        } else if lane.flushed_soon || (lane.driven && !lane.can_wait) {
            Flush::Arranged
        } else {
            lane.flushed_soon = true;
            Flush::Soon
        }
    }

    /// Claims a lane for driving, if something waits there and nobody drives it.
    pub(super) fn claim(&self, key: &Arc<EntityKey>) -> bool {
        let mut shard = self.shard(key).lock();
        let Some(lane) = shard.lanes.get_mut(key) else { return false };
        (lane.flushed_soon, lane.can_wait) = (false, false);
        let idle = !lane.driven && (!lane.deferred.is_empty() || !lane.waiting.is_empty());
        lane.driven |= idle;
        idle
    }

    /// The lanes in which something is not settled yet.
    pub(super) fn unsettled(&self) -> Vec<Arc<EntityKey>> {
        self.keys(|lane| lane.driven || !lane.deferred.is_empty())
    }

    /// For the driver: the next batch with what is known, or `None`, and then the lane is no longer
    /// driven.
    pub(super) fn next_batch(&self, key: &Arc<EntityKey>) -> Option<(Vec<AnyCall>, Known)> {
        let mut shard = self.shard(key).lock();
        let lane = shard.lanes.get_mut(key)?;
        let mut batch = take(&mut lane.waiting, self.max_batch);
        lane.can_wait &= batch.iter().all(|call| call.goes_ahead());
        if !lane.can_wait && !lane.deferred.is_empty() {
            let mut waiting = std::mem::replace(&mut batch, take(&mut lane.deferred, self.max_batch));
            batch.append(&mut waiting);
        }
        if batch.is_empty() {
            lane.driven = false;
            return None;
        }
        Some((batch, lane.known.clone()))
    }

    /// For the driver: whether nothing waits there; then the lane is no longer driven.
    pub(super) fn rest(&self, key: &Arc<EntityKey>) -> bool {
        let mut shard = self.shard(key).lock();
        let Some(lane) = shard.lanes.get_mut(key) else { return true };
        let is_empty = lane.waiting.is_empty() && (lane.deferred.is_empty() || lane.can_wait);
        lane.driven &= !is_empty;
        is_empty
    }

    /// For the driver: how other hosts get in the way.
    pub(super) fn contention(&self, key: &Arc<EntityKey>) -> Contention {
        let shard = self.shard(key).lock();
        shard.lanes.get(key).map(|lane| lane.known.contention).unwrap_or_default()
    }

    /// For the driver: what is known after a batch.
    pub(super) fn keep(&self, key: &Arc<EntityKey>, known: Known) {
        let mut shard = self.shard(key).lock();
        if let Some(lane) = shard.lanes.get_mut(key) {
            lane.known = known;
        }
    }

    /// What is known now, to be guessed from.
    pub(super) fn known(&self, key: &Arc<EntityKey>) -> Known {
        let shard = self.shard(key).lock();
        shard.lanes.get(key).map(|lane| lane.known.clone()).unwrap_or_default()
    }

    /// What is known, if the latest call was refused less than `max_staleness` before `store_us`.
    pub(super) fn refusing(&self, key: &EntityKey, store_us: u64, max_staleness: Duration) -> Option<Known> {
        let shard = self.shard(key).lock();
        let known = &shard.lanes.get(key)?.known;
        let age_us = store_us.saturating_sub(known.behind_us).saturating_sub(known.confirmed_us);
        (known.refuses && u128::from(age_us) < max_staleness.as_micros()).then(|| known.clone())
    }

    /// Lets `look` at what is known and change it, unless somebody drives the lane; no other call
    /// comes in between.
    pub(super) fn visit<R>(&self, key: &EntityKey, look: impl FnOnce(&mut Known) -> Option<R>) -> Option<R> {
        let mut shard = self.shard(key).lock();
        let lane = shard.lanes.get_mut(key)?;
        if lane.driven { None } else { look(&mut lane.known) }
    }

    /// A lease was taken that ends at `ends_us` by this host's own clock. True: somebody must wait
    /// for that.
    pub(super) fn hold(&self, key: &EntityKey, release: AnyCall, ends_us: u64) -> bool {
        let mut shard = self.shard(key).lock();
        let Some(lane) = shard.lanes.get_mut(key) else { return false };
        lane.lease.replace(Lease { release, ends_us }).is_none()
    }

    /// When the latest lease ends, by this host's own clock.
    pub(super) fn lease_ends_us(&self, key: &EntityKey) -> Option<u64> {
        let shard = self.shard(key).lock();
        shard.lanes.get(key)?.lease.as_ref().map(|lease| lease.ends_us)
    }

    /// What gives back what is left of the latest lease, which is then nobody's to wait for.
    pub(super) fn take_lease(&self, key: &EntityKey) -> Option<AnyCall> {
        let mut shard = self.shard(key).lock();
        shard.lanes.get_mut(key)?.lease.take().map(|lease| lease.release)
    }

    /// The lanes that hold a lease, in the order of their keys.
    pub(super) fn leasing(&self) -> Vec<Arc<EntityKey>> {
        self.keys(|lane| lane.lease.is_some())
    }

    /// The lanes that are such, in the order of their keys: not by how these happened to hash.
    fn keys(&self, such: impl Fn(&Lane) -> bool) -> Vec<Arc<EntityKey>> {
        let of_shard = |shard: &Mutex<Shard>| {
            let shard = shard.lock();
            let lanes = shard.lanes.iter().filter(|(_, lane)| such(lane));
            lanes.map(|(key, _)| Arc::clone(key)).collect::<Vec<_>>()
        };
        let mut keys: Vec<_> = self.shards.iter().flat_map(of_shard).collect();
        keys.sort_unstable();
        keys
    }

    fn shard(&self, key: &EntityKey) -> &Mutex<Shard> {
        let hash = self.hasher.hash_one(key);
        &self.shards[usize::try_from(hash >> 32).unwrap_or(0) % SHARDS]
    }
}

impl Shard {
    fn lane(&mut self, key: &Arc<EntityKey>, now_us: impl FnOnce() -> u64) -> &mut Lane {
        if !self.lanes.contains_key(key) && self.lanes.len() >= self.capacity {
            self.make_room(now_us());
        }
        self.lanes.entry(Arc::clone(key)).or_default()
    }

    /// Forgets a few lanes that nobody is in; if all of them know what only this process does, the
    /// first of those too, or the lanes would outgrow any bound. A policy can do without: a process
    /// may die at any time.
    fn make_room(&mut self, now_us: u64) {
        let mut idle = None;
        let before = self.lanes.len();
        for _ in 0..SWEEP.min(before) {
            self.hand %= self.lanes.len().max(1);
            let lane = &self.lanes[self.hand];
            let is_idle = !lane.driven && lane.waiting.is_empty() && lane.deferred.is_empty();
            if is_idle && lane.known.entity.local.expires_us() <= now_us {
                self.lanes.swap_remove_index(self.hand);
            } else {
                idle = idle.or(is_idle.then_some(self.hand));
                self.hand += 1;
            }
        }
        if let Some(idle) = idle.filter(|_| self.lanes.len() == before) {
            self.lanes.swap_remove_index(idle);
        }
    }
}

/// The first of them, `most` at most.
fn take(calls: &mut Vec<AnyCall>, most: usize) -> Vec<AnyCall> {
    if calls.len() <= most {
        return std::mem::take(calls);
    }
    let rest = calls.split_off(most);
    std::mem::replace(calls, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Namespace;
    use crate::transaction::CellValue;

    const CAPACITY: usize = 64;

    /// Lanes that know of `keys` entities, each with a number of this host's own that expires at
    /// 100.
    fn lanes(keys: u64, now_us: u64) -> Lanes {
        let (lanes, namespace) = (Lanes::new(CAPACITY, 1), Namespace::new("rl", "api"));
        for number in 0..keys {
            let key = Arc::new(namespace.entity(&number.to_string()));
            lanes.push(&key, AnyCall::wait().0, || now_us);
            let (batch, mut known) = lanes.next_batch(&key).expect("a call waits");
            drop(batch);
            known.entity.local.set(1, Some(CellValue::Number(5)), 100);
            lanes.keep(&key, known);
            assert!(lanes.next_batch(&key).is_none());
        }
        lanes
    }

    fn count(lanes: &Lanes) -> usize {
        lanes.shards.iter().map(|shard| shard.lock().lanes.len()).sum()
    }

    #[test]
    fn any_number_of_keys_takes_no_more_lanes_than_are_to_be_known() {
        for now_us in [99, 100] {
            assert!(count(&lanes(100_000, now_us)) <= CAPACITY, "at {now_us}");
        }
    }

    #[test]
    fn what_only_this_host_knows_goes_last() {
        let lanes = lanes(CAPACITY as u64, 0);
        let shard = lanes.shards.iter().find(|shard| shard.lock().lanes.len() > 1).expect("some shard holds two");
        let mut shard = shard.lock();
        let count = shard.lanes.len();
        shard.lanes[count - 1].known.entity.local.set(1, None, 0);
        let other = shard.lanes.get_index(count - 1).map(|(key, _)| Arc::clone(key)).expect("it is there");
        shard.hand = 0;
        shard.make_room(50);
        assert!(shard.lanes.len() == count - 1 && !shard.lanes.contains_key(&other));
    }
}
