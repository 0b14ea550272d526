//! What was let go while the store could not be asked, to be charged when it is back.
//!
//! A permit that would have left every window by then is not charged any more: what is owed is
//! counted in two spans of time, each as long as a permit can count, and the older is forgotten
//! when it is over. So a long outage does not end in a limiter that denies everything for calls of
//! an hour ago.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use indexmap::IndexMap;
use parking_lot::Mutex;

use crate::key::EntityKey;
use crate::runtime::Policy;

/// How many debts are looked at to make room for a new one.
const SWEEP: usize = 8;

/// What the keys of a gate's limiters owe, bounded in number.
#[derive(Debug)]
pub(crate) struct Debts {
    owed: Mutex<Owed>,
    /// How many keys owe something, to be read without the lock.
    keys: AtomicUsize,
    capacity: usize,
}

#[derive(Debug, Default)]
struct Owed {
    entries: IndexMap<Arc<EntityKey>, Entry, foldhash::fast::RandomState>,
    hand: usize,
}

/// What one key owes.
#[derive(Debug, Clone)]
struct Entry {
    policy: Policy,
    since_us: u64,
    /// Since `since_us`.
    recent: u32,
    /// In the span before.
    before: u32,
}

/// A debt to be posted.
#[derive(Debug, Clone)]
pub(crate) struct Debt {
    pub(crate) key: Arc<EntityKey>,
    pub(crate) policy: Policy,
    pub(crate) cost: u32,
}

impl Debts {
    /// Of so many keys at most.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { owed: Mutex::default(), keys: AtomicUsize::new(0), capacity }
    }

    /// Whether nothing is owed.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.load(Ordering::Relaxed) == 0
    }

    /// Adds a debt that was made at `now_us`. False: too many keys owe already, and this one is
    /// forgotten.
    pub(crate) fn add(&self, debt: Debt, now_us: u64) -> bool {
        let Debt { key, policy, cost } = debt;
        self.with(|owed| {
            if owed.entries.len() >= self.capacity && !owed.entries.contains_key(&key) {
                owed.sweep(now_us);
                if owed.entries.len() >= self.capacity {
                    return false;
                }
            }
            let fresh = Entry { policy: policy.clone(), since_us: now_us, recent: 0, before: 0 };
            let entry = owed.entries.entry(key).or_insert(fresh);
            entry.turn(now_us);
            entry.policy = policy;
            entry.recent = entry.recent.saturating_add(cost);
            true
        })
    }

    /// Takes off what was given back before it was charged.
    pub(crate) fn forgive(&self, key: &EntityKey, cost: u32) {
        self.with(|owed| {
            let Some(entry) = owed.entries.get_mut(key) else { return };
            let older = cost.saturating_sub(entry.recent);
            entry.recent = entry.recent.saturating_sub(cost);
            entry.before = entry.before.saturating_sub(older);
            if entry.recent == 0 && entry.before == 0 {
                owed.entries.swap_remove(key);
            }
        });
    }

    /// Takes out what a key owes.
    pub(crate) fn take(&self, key: &EntityKey, now_us: u64) -> Option<Debt> {
        let (key, entry) = self.with(|owed| owed.entries.swap_remove_entry(key))?;
        entry.debt(key, now_us)
    }

    /// Takes out what up to `most` keys owe, of those that `of` picks.
    pub(crate) fn take_some(&self, most: usize, now_us: u64, of: impl Fn(&EntityKey) -> bool) -> Vec<Debt> {
        self.with(|owed| {
            let keys: Vec<_> = owed.entries.keys().filter(|key| of(key)).take(most).cloned().collect();
            let mut take = |key: Arc<EntityKey>| owed.entries.swap_remove(&key)?.debt(key, now_us);
            keys.into_iter().filter_map(&mut take).collect()
        })
    }

    fn with<R>(&self, work: impl FnOnce(&mut Owed) -> R) -> R {
        let mut owed = self.owed.lock();
        let result = work(&mut owed);
        self.keys.store(owed.entries.len(), Ordering::Relaxed);
        result
    }
}

impl Owed {
    /// Looks at a few debts, in turn, and drops those that nothing is left of.
    fn sweep(&mut self, now_us: u64) {
        for _ in 0..SWEEP.min(self.entries.len()) {
            self.hand %= self.entries.len().max(1);
            if self.entries.get_index(self.hand).is_some_and(|(_, entry)| entry.due(now_us) == 0) {
                self.entries.swap_remove_index(self.hand);
            } else {
                self.hand += 1;
            }
        }
    }
}

impl Entry {
    /// Moves on to the span of `now_us`.
    fn turn(&mut self, now_us: u64) {
        let (age_us, span_us) = (now_us.saturating_sub(self.since_us), self.policy.longest_us());
        if age_us >= span_us {
            self.before = if age_us < span_us.saturating_mul(2) { self.recent } else { 0 };
            self.recent = 0;
            self.since_us = now_us;
        }
    }

    /// What still counts.
    fn due(&self, now_us: u64) -> u32 {
        let mut turned = self.clone();
        turned.turn(now_us);
        turned.recent.saturating_add(turned.before)
    }

    fn debt(self, key: Arc<EntityKey>, now_us: u64) -> Option<Debt> {
        let cost = self.due(now_us);
        (cost > 0).then_some(Debt { key, policy: self.policy, cost })
    }
}
