//! Tells of changes of the store's state, in their order, one at a time, and never under a lock.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::state::{StoreChange, StoreState};

type Listener = Arc<dyn Fn(StoreChange) + Send + Sync>;

/// Whom to tell.
#[derive(Clone, Default)]
pub(crate) struct Listeners(Vec<Listener>);

impl Listeners {
    pub(crate) fn add(&mut self, listener: impl Fn(StoreChange) + Send + Sync + 'static) {
        self.0.push(Arc::new(listener));
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} listeners", self.0.len())
    }
}

/// Changes that were not told yet.
#[derive(Debug)]
pub(crate) struct StoreChanges {
    listeners: Listeners,
    untold: Mutex<Untold>,
    /// Counts changes, for those who wait for the next.
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Untold {
    changes: VecDeque<StoreChange>,
    /// Whether somebody is telling. Whoever adds a change meanwhile leaves it to them.
    telling: bool,
}

impl StoreChanges {
    pub(crate) fn new(listeners: Listeners) -> Self {
        Self { listeners, untold: Mutex::default(), changes: watch::Sender::new(0) }
    }

    /// Whoever waits on this sees every later change; it ends with the watches.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Takes a change in, to be told later.
    pub(crate) fn add(&self, change: StoreChange) {
        self.untold.lock().changes.push_back(change);
    }

    /// Tells what is to be told. Not to be called under a lock: a listener may ask for anything.
    pub(crate) fn tell(&self) {
        {
            let mut untold = self.untold.lock();
            if untold.telling || untold.changes.is_empty() {
                return;
            }
            untold.telling = true;
        }
        while let Some(change) = self.next_untold() {
            log(&change);
            self.changes.send_modify(|count| *count += 1);
            for listener in &self.listeners.0 {
                tell(listener, change.clone());
            }
        }
    }

    /// The next change to tell; with the last one, others may tell again.
    fn next_untold(&self) -> Option<StoreChange> {
        let mut untold = self.untold.lock();
        let change = untold.changes.pop_front();
        untold.telling = change.is_some();
        change
    }
}

/// Tells a listener. Its own fault is neither the store's nor that of the next one.
fn tell(listener: &Listener, change: StoreChange) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| listener(change))) {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        tracing::error!(panic = text.unwrap_or("of no text"), "a listener for changes of the store panicked");
    }
}

fn log(change: &StoreChange) {
    let StoreChange { shard, cause, .. } = change;
    match change.after {
        StoreState::Unknown | StoreState::Available => tracing::info!(shard, cause, "the store is back"),
        StoreState::Probing => tracing::debug!(shard, cause, "the store is tried again"),
        StoreState::Away => tracing::warn!(shard, cause, "the store is away"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(shard: u32) -> StoreChange {
        StoreChange { shard, before: StoreState::Available, after: StoreState::Away, cause: String::new() }
    }

    #[test]
    fn a_listener_that_causes_a_change_is_told_of_it_after_it_has_returned() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let mut listeners = Listeners::default();
        let changes = Arc::new_cyclic(|changes: &std::sync::Weak<StoreChanges>| {
            let (changes, told) = (changes.clone(), Arc::clone(&told));
            listeners.add(move |change: StoreChange| {
                if change.shard < 3 {
                    let changes = changes.upgrade().expect("it is being told");
                    changes.add(self::change(change.shard + 1));
                    changes.tell();
                }
                told.lock().push(change.shard);
            });
            StoreChanges::new(listeners)
        });
        changes.add(change(0));
        changes.tell();
        assert_eq!(*told.lock(), [0, 1, 2, 3]);
    }

    #[test]
    fn a_listener_that_panics_keeps_nobody_from_being_told() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let mut listeners = Listeners::default();
        for name in ["first", "next"] {
            let seen = Arc::clone(&told);
            listeners.add(move |change: StoreChange| {
                seen.lock().push((name, change.shard));
                assert!(name == "next" || change.shard != 0, "a listener's own fault");
            });
        }
        let changes = StoreChanges::new(listeners);
        changes.add(change(0));
        changes.add(change(1));
        changes.tell();
        assert_eq!(*told.lock(), [("first", 0), ("next", 0), ("first", 1), ("next", 1)]);
    }
}
