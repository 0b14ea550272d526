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

/// How many debts are looked at to make room for a new one.
const SWEEP: usize = 8;

/// What the keys of a gate owe, bounded in number. `C` is a call that posts a debt.
#[derive(Debug)]
pub(crate) struct Debts<C> {
    owed: Mutex<Owed<C>>,
    /// How many keys owe something, to be read without the lock.
    keys: AtomicUsize,
    capacity: usize,
}

#[derive(Debug)]
struct Owed<C> {
    entries: IndexMap<Arc<EntityKey>, Entry<C>, foldhash::fast::RandomState>,
    hand: usize,
}

/// What one key owes.
#[derive(Debug)]
struct Entry<C> {
    /// What posts it.
    call: C,
    spans: Spans,
}

/// What is owed, in two spans of time.
#[derive(Debug, Clone, Copy)]
struct Spans {
    /// For how long a permit can count at most: the length of a span.
    span_us: u64,
    since_us: u64,
    /// Since `since_us`.
    recent: u32,
    /// In the span before.
    before: u32,
}

/// A debt to be posted.
#[derive(Debug)]
pub(crate) struct Debt<C> {
    pub(crate) key: Arc<EntityKey>,
    /// What posts it.
    pub(crate) call: C,
    pub(crate) cost: u32,
    /// For how long a permit can count at most, in microseconds.
    pub(crate) counts_for_us: u64,
}

impl<C> Debts<C> {
    /// Debts of at most this many keys.
    pub(crate) fn new(capacity: usize) -> Self {
        let owed = Owed { entries: IndexMap::default(), hand: 0 };
        Self { owed: Mutex::new(owed), keys: AtomicUsize::new(0), capacity }
    }

    /// Whether nothing is owed.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.load(Ordering::Relaxed) == 0
    }

    /// Adds a debt that was made at `now_us`. False: too many keys owe already, and this one is
    /// forgotten.
    pub(crate) fn add(&self, debt: Debt<C>, now_us: u64) -> bool {
        self.with(|owed| {
            if owed.entries.len() >= self.capacity && !owed.entries.contains_key(&debt.key) {
                owed.sweep(now_us);
                if owed.entries.len() >= self.capacity {
                    return false;
                }
            }
            owed.add(debt, now_us);
            true
        })
    }

    /// Takes off what was given back before it was charged.
    pub(crate) fn forgive(&self, key: &EntityKey, cost: u32) {
        self.with(|owed| {
            let Some(Entry { spans, .. }) = owed.entries.get_mut(key) else { return };
            let older = cost.saturating_sub(spans.recent);
            spans.recent = spans.recent.saturating_sub(cost);
            spans.before = spans.before.saturating_sub(older);
            if spans.recent == 0 && spans.before == 0 {
                owed.entries.swap_remove(key);
            }
        });
    }

    /// Takes out what a key owes.
    pub(crate) fn take(&self, key: &EntityKey, now_us: u64) -> Option<Debt<C>> {
        let (key, entry) = self.with(|owed| owed.entries.swap_remove_entry(key))?;
        entry.debt(key, now_us)
    }

    /// Takes out what up to `most` keys owe, of those that `of` picks.
    pub(crate) fn take_some(&self, most: usize, now_us: u64, of: impl Fn(&EntityKey) -> bool) -> Vec<Debt<C>> {
        self.with(|owed| {
            let keys: Vec<_> = owed.entries.keys().filter(|key| of(key)).take(most).cloned().collect();
            let mut take = |key: Arc<EntityKey>| owed.entries.swap_remove(&key)?.debt(key, now_us);
            keys.into_iter().filter_map(&mut take).collect()
        })
    }

    fn with<R>(&self, work: impl FnOnce(&mut Owed<C>) -> R) -> R {
        let mut owed = self.owed.lock();
        let result = work(&mut owed);
        self.keys.store(owed.entries.len(), Ordering::Relaxed);
        result
    }
}

impl<C> Owed<C> {
    fn add(&mut self, debt: Debt<C>, now_us: u64) {
        let Debt { key, call, cost, counts_for_us } = debt;
        let mut spans = Spans { span_us: counts_for_us, since_us: now_us, recent: 0, before: 0 };
        if let Some(entry) = self.entries.get(&key) {
            spans = Spans { span_us: counts_for_us, ..entry.spans.at(now_us) };
        }
        spans.recent = spans.recent.saturating_add(cost);
        self.entries.insert(key, Entry { call, spans });
    }

    /// Looks at a few debts, in turn, and drops those that nothing is left of.
    fn sweep(&mut self, now_us: u64) {
        for _ in 0..SWEEP.min(self.entries.len()) {
            self.hand %= self.entries.len().max(1);
            if self.entries.get_index(self.hand).is_some_and(|(_, entry)| entry.spans.due(now_us) == 0) {
                self.entries.swap_remove_index(self.hand);
            } else {
                self.hand += 1;
            }
        }
    }
}

impl Spans {
    /// The same, moved on to the span of `now_us`.
    fn at(self, now_us: u64) -> Self {
        let age_us = now_us.saturating_sub(self.since_us);
        if age_us < self.span_us {
            return self;
        }
        let before = if age_us < self.span_us.saturating_mul(2) { self.recent } else { 0 };
        Self { since_us: now_us, recent: 0, before, ..self }
    }

    /// What still counts.
    fn due(self, now_us: u64) -> u32 {
        let Self { recent, before, .. } = self.at(now_us);
        recent.saturating_add(before)
    }
}

impl<C> Entry<C> {
    fn debt(self, key: Arc<EntityKey>, now_us: u64) -> Option<Debt<C>> {
        let (cost, counts_for_us) = (self.spans.due(now_us), self.spans.span_us);
        (cost > 0).then_some(Debt { key, call: self.call, cost, counts_for_us })
    }
}
