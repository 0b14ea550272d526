//! A store that answers by script and keeps what it was sent: for tests of hosts.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value as Json, json};

use super::{BoxFuture, Commit, Memory, MemoryStore, Op, Outcome, Reply, Store, StoreError, Value};
use crate::clock::Clock;
use crate::key::EntityKey;

/// What becomes of one commit.
#[derive(Debug, Clone)]
pub enum Event {
    /// It is applied or refused as it deserves.
    Pass,
    /// Another host first writes these cells of the commit's entity: field, value (`None` deletes),
    /// milliseconds to live.
    Before(Vec<(u32, Option<Value>, u64)>),
    /// It is refused, with these as the true values of its cells.
    Refuse(Vec<Option<Value>>),
    /// Its time is said to be this many microseconds ahead of the store's clock.
    Untimely(u64),
    /// The store does not answer.
    Away(String),
}

/// A [`MemoryStore`] whose next answers are laid down. When the script is used up it answers as the
/// memory store does.
#[derive(Debug, Clone)]
pub struct Scripted {
    store: MemoryStore,
    clock: Arc<dyn Clock>,
    script: Arc<Mutex<VecDeque<Event>>>,
    commits: Arc<Mutex<Vec<Commit>>>,
}

impl Scripted {
    /// Serves the entities of `memory` on `clock`, with these answers first.
    pub fn new(memory: Memory, clock: Arc<dyn Clock>, script: Vec<Event>) -> Self {
        let store = MemoryStore::new(memory, Arc::clone(&clock));
        Self { store, clock, script: Arc::new(Mutex::new(script.into())), commits: Arc::default() }
    }

    /// What was sent since this was last asked.
    pub fn take_commits(&self) -> Vec<Commit> {
        std::mem::take(&mut self.commits.lock())
    }

    async fn answer(&self, commit: &Commit, event: Option<Event>) -> Result<Reply, StoreError> {
        let clock_us = self.clock.now_us();
        let reply = |outcome, clock_us| Ok(Reply { outcome, clock_us, foreign: 0 });
        match event {
            Some(Event::Refuse(values)) => reply(Outcome::Refused(values), clock_us),
            Some(Event::Untimely(ahead_us)) => reply(Outcome::Untimely, commit.at_us.saturating_sub(ahead_us)),
            Some(Event::Away(reason)) => Err(StoreError::Away(reason)),
            Some(Event::Before(cells)) => {
                for (field, value, ttl_ms) in cells {
                    write(&self.store, clock_us, &commit.entities[0], field, value, ttl_ms).await?;
                }
                self.store.commit(commit).await
            }
            Some(Event::Pass) | None => self.store.commit(commit).await,
        }
    }
}

impl Store for Scripted {
    fn commit<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Reply, StoreError>> {
        self.commits.lock().push(commit.clone());
        let event = self.script.lock().pop_front();
        Box::pin(self.answer(commit, event))
    }

    fn time_us(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.store.time_us()
    }
}

/// Writes a cell as another host would, at the store's own time.
///
/// # Errors
/// Those of the store.
pub async fn write(
    store: &dyn Store,
    at_us: u64,
    entity: &Arc<EntityKey>,
    field: u32,
    value: Option<Value>,
    ttl_ms: u64,
) -> Result<(), StoreError> {
    let ops = vec![Op::Put { cell: 0, value, ttl_ms }];
    let commit = Commit { at_us, entities: vec![Arc::clone(entity)], cells: vec![(0, field)], ops };
    store.commit(&commit).await.map(drop)
}

/// The number of a cell from its name at the end of a key in Redis, such as `5f3a91.2`.
pub fn field_of(name: &str) -> Option<u32> {
    let (geometry, role) = name.split_once('.')?;
    let (geometry, role) = (u32::from_str_radix(geometry, 16).ok()?, u8::from_str_radix(role, 16).ok()?);
    geometry.checked_mul(256).map(|high| high | u32::from(role))
}

/// A commit as the conformance cases write it: its time, and each operation as an array of its
/// kind, the cell's name and its arguments.
pub fn canonical(commit: &Commit) -> Json {
    let name = |cell: &usize| {
        let field = commit.cells[*cell].1;
        format!("{:x}.{:x}", field >> 8, field & 0xff)
    };
    let text = |value: &Option<Value>| value.as_deref().map(str::to_owned);
    let op = |op: &Op| match op {
        Op::Get { cell, expected } => json!(["get", name(cell), text(expected)]),
        Op::Observe { cell } => json!(["observe", name(cell)]),
        Op::Put { cell, value, ttl_ms } => json!(["put", name(cell), text(value), ttl_ms]),
        Op::Advance { cell, step, floor, ceiling, ttl_ms, fits, repeat } => {
            json!(["advance", name(cell), step, floor, ceiling, ttl_ms, fits, repeat])
        }
        Op::Retreat { cell, step, floor } => json!(["retreat", name(cell), step, floor]),
        Op::Raise { cell, to, ttl_ms } => json!(["raise", name(cell), to, ttl_ms]),
    };
    json!({ "atUs": commit.at_us, "ops": commit.ops.iter().map(op).collect::<Vec<_>>() })
}
