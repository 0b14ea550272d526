//! The pool of instances.
//!
//! A slot has one instance, once a call has needed it. Each thread has a slot of its own to start
//! from, so threads do not get into each other's way while there are slots enough, and a call finds
//! the instance that it last used, in a warm cache. With all slots busy a call blocks on its own,
//! which is right because a run takes about a microsecond.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::{Mutex, MutexGuard};

use super::instance::Instance;

pub(super) struct Pool {
    /// A power of two of them.
    slots: Box<[Slot]>,
}

/// Two cache lines apart from the next one, because processors fetch them in pairs.
#[derive(Default)]
#[repr(align(128))]
struct Slot {
    instance: Mutex<Option<Box<Instance>>>,
    /// How often the slot was taken. Written by its holder only.
    taken: AtomicU64,
}

/// A slot that this call holds.
pub(super) struct SlotGuard<'pool>(MutexGuard<'pool, Option<Box<Instance>>>);

impl SlotGuard<'_> {
    pub(super) fn take(&mut self) -> Option<Box<Instance>> {
        self.0.take()
    }

    pub(super) fn put(&mut self, instance: Box<Instance>) {
        *self.0 = Some(instance);
    }
}

impl Pool {
    pub(super) fn new(instances: usize) -> Self {
        let slots = instances.max(1).next_power_of_two();
        Self { slots: std::iter::repeat_with(Slot::default).take(slots).collect() }
    }

    /// Waits for a slot.
    pub(super) fn acquire(&self) -> SlotGuard<'_> {
        let mask = self.slots.len() - 1;
        let first = own_number() & mask;
        let free = (first..=first + mask).find_map(|number| self.slots[number & mask].try_hold());
        free.unwrap_or_else(|| self.slots[first].hold())
    }

    /// A number that differs from the one before if any slot was taken in between; `None`: one is
    /// in use now.
    pub(super) fn activity(&self) -> Option<u64> {
        let is_busy = self.slots.iter().any(|slot| slot.instance.is_locked());
        let taken = self.slots.iter().map(|slot| slot.taken.load(Ordering::Relaxed)).fold(0, u64::wrapping_add);
        (!is_busy).then_some(taken)
    }
}

impl Slot {
    fn try_hold(&self) -> Option<SlotGuard<'_>> {
        self.instance.try_lock().map(|guard| self.take(guard))
    }

    #[cold]
    fn hold(&self) -> SlotGuard<'_> {
        self.take(self.instance.lock())
    }

    fn take<'pool>(&'pool self, guard: MutexGuard<'pool, Option<Box<Instance>>>) -> SlotGuard<'pool> {
        // Under the lock, so a load and a store do where a read-modify-write would cost more.
        self.taken.store(self.taken.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        SlotGuard(guard)
    }
}

/// This thread's number, counted from 0.
fn own_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    OWN.with(|own| {
        if own.get() == usize::MAX {
            own.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        own.get()
    })
}
