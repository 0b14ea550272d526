//! Whether other hosts count a limiter of the same name as this one does.
//!
//! Values of another window or algorithm lie in other cells, so hosts that do not agree on them
//! count each for themselves, in silence. So on a store that outlives processes each host leaves a
//! note of what it goes by for each name, once the store has answered it, and tells in the log
//! where it found another. That costs one commit for each limiter that a process opens, which no
//! call waits for.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::shared::Shared;
use crate::key::EntityKey;
use crate::store::{Commit, Op, Outcome, Reply, Seen, Value};

/// How long a note is kept, in milliseconds: it is of use until the next deployment.
const KEPT_MS: u64 = 30 * 86_400_000;

/// Of this many names at most. Whoever opens a limiter for each of its users would leave a note for
/// each.
const MAX_NAMES: usize = 1_000;

/// A host's limiter finds nothing of what hosts of other settings have counted under its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsDiffer {
    /// The name of the limiter.
    pub name: String,
    /// What this host counts by: the algorithm and window of each limit.
    pub here: String,
    /// What was noted by another host, or by this one before.
    pub there: String,
}

/// Who is told of other settings.
#[derive(Clone, Default)]
pub(crate) struct BasisListener(Option<Arc<dyn Fn(SettingsDiffer) + Send + Sync>>);

impl BasisListener {
    pub(crate) fn new(listener: impl Fn(SettingsDiffer) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }
}

impl fmt::Debug for BasisListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BasisListener").field(&self.0.is_some()).finish()
    }
}

/// What this host goes by.
#[derive(Debug)]
pub(super) struct Notes {
    shared: Arc<Shared>,
    by_name: Mutex<HashMap<Named, String>>,
    /// Names that are to be compared with what is in the store.
    waiting: Mutex<Vec<Named>>,
    is_any_waiting: AtomicBool,
    listener: BasisListener,
}

/// The tag of a strategy, and a name.
type Named = (&'static str, String);

impl Notes {
    pub(super) fn new(shared: &Arc<Shared>, listener: BasisListener) -> Self {
        Self {
            shared: Arc::clone(shared),
            by_name: Mutex::default(),
            waiting: Mutex::default(),
            is_any_waiting: AtomicBool::new(false),
            listener,
        }
    }

    /// Whether it is of use to say what a policy goes by.
    pub(super) fn are_kept(&self) -> bool {
        self.shared.store.outlives_processes()
    }

    /// A policy was opened that goes by this.
    pub(super) fn add(&self, tag: &'static str, name: &str, basis: String) {
        let named = (tag, name.to_owned());
        let mut by_name = self.by_name.lock();
        if by_name.len() >= MAX_NAMES && !by_name.contains_key(&named) {
            return;
        }
        let before = by_name.insert(named.clone(), basis.clone());
        drop(by_name);
        match before {
            Some(there) if there == basis => return,
            Some(there) => self.tell_of(SettingsDiffer { name: name.to_owned(), here: basis, there }),
            None => {}
        }
        self.wait_with(named);
    }

    fn wait_with(&self, named: Named) {
        self.waiting.lock().push(named);
        self.is_any_waiting.store(true, Ordering::Release);
    }

    /// The store has answered: compares what is to be compared, in the background.
    pub(super) fn compare(self: &Arc<Self>) {
        if !self.is_any_waiting.swap(false, Ordering::AcqRel) {
            return;
        }
        for named in std::mem::take(&mut *self.waiting.lock()) {
            tokio::spawn(Arc::clone(self).compare_one(named));
        }
    }

    async fn compare_one(self: Arc<Self>, named: Named) {
        let Some(here) = self.by_name.lock().get(&named).cloned() else { return };
        let Shared { offset, clock, store, .. } = &*self.shared;
        let Some(at_us) = offset.store_us(clock.now_us()) else { return self.wait_with(named) };
        let value = Some(Value::from(here.as_str()));
        let (tag, name) = &named;
        let commit = Commit {
            at_us,
            entities: vec![Arc::new(EntityKey::new("st", tag, name))],
            cells: vec![(0, 0)],
            ops: vec![Op::Observe { cell: 0 }, Op::Put { cell: 0, value, ttl_ms: KEPT_MS }],
        };
        // Where the store does not take it, the next call that it answers tries again.
        let Ok(Reply { outcome: Outcome::Applied(seen), .. }) = store.commit(&commit).await else {
            return self.wait_with(named);
        };
        if let Some(Seen::Value(Some(there))) = seen.into_iter().next()
            && *there != *here
        {
            self.tell_of(SettingsDiffer { name: named.1, here, there: there.to_string() });
        }
    }

    fn tell_of(&self, differ: SettingsDiffer) {
        tracing::warn!("{differ}");
        if let Some(listener) = &self.listener.0 {
            listener(differ);
        }
    }
}

impl fmt::Display for SettingsDiffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, here, there } = self;
        write!(
            f,
            "the limiter {name:?} counts by {here}, and was counted by {there}: hosts of different settings do not limit together, and what the \
             others have counted is not seen"
        )
    }
}
