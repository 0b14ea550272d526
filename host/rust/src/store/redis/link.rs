//! The link to Redis: the one connection that all callers share, and its renewal.
//!
//! The link is open, opening, or down. Callers use the open connection, wait for one that opens for
//! no longer than their own timeout, and are turned away at once while it is down, which it is
//! after three attempts in a row that were refused. One task at a time renews it, with growing
//! pauses that only a good answer resets, so neither a server that is away nor one that takes
//! connections and drops them is stormed.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use redis::RedisResult;
use tokio::sync::watch;

use super::connection::{Connection, Opener};
use super::error::{ends_connection, is_answer, store_error};
use crate::store::StoreError;

/// After so long without any answer to those who wait, the connection is given up. A commit that
/// old would be untimely anyhow.
const MAX_SILENCE_MS: u64 = 1_000;

/// After this many attempts in a row that came to nothing nobody waits for the next.
const MAX_ATTEMPTS: u32 = 3;

const FIRST_PAUSE_MS: u64 = 50;
const MAX_PAUSE_MS: u64 = 2_000;

/// A connection and its number, so that the end of an old one is not taken for the end of the new.
#[derive(Clone)]
pub(super) struct Wire {
    connection: Connection,
    generation: u64,
}

enum State {
    Opening,
    Open(Wire),
    Down(StoreError),
}

/// See the module.
pub(super) struct Link {
    opener: Opener,
    state: watch::Sender<State>,
    generation: AtomicU64,
    /// Whether a task is at work on it.
    is_renewing: AtomicBool,
    /// Connections opened or tried since the last good answer.
    attempts: AtomicU32,
    epoch: Instant,
    /// Since when those who wait have had no answer, in milliseconds since `epoch`; 0: they have.
    silent_since_ms: AtomicU64,
}

impl Link {
    /// A link that is down until it is told to open.
    pub(super) fn new(opener: Opener) -> Arc<Self> {
        let (state, _) = watch::channel(State::Down(StoreError::Away("not connected yet".to_owned())));
        Arc::new(Self {
            opener,
            state,
            generation: AtomicU64::new(0),
            is_renewing: AtomicBool::new(false),
            attempts: AtomicU32::new(0),
            epoch: Instant::now(),
            silent_since_ms: AtomicU64::new(0),
        })
    }

    pub(super) fn is_cluster(&self) -> bool {
        self.opener.is_cluster()
    }

    /// Opens the link in the background. Callers wait for the first attempt, each no longer than
    /// its own timeout.
    pub(super) fn open_in_background(self: &Arc<Self>) {
        if tokio::runtime::Handle::try_current().is_ok() {
            self.state.send_replace(State::Opening);
            self.renew();
        }
    }

    /// Opens the link, once.
    pub(super) async fn open(self: &Arc<Self>) -> Result<(), StoreError> {
        let generation = self.generation.fetch_add(1, Ordering::Relaxed) + 1;
        let link = Arc::downgrade(self);
        let on_close = move || {
            if let Some(link) = link.upgrade() {
                link.broke(generation, StoreError::Away("the server closed the connection".to_owned()));
            }
        };
        let connection = self.opener.open(on_close).await?;
        self.silent_since_ms.store(0, Ordering::Relaxed);
        self.state.send_replace(State::Open(Wire { connection, generation }));
        Ok(())
    }

    /// The connection, if it is open.
    pub(super) fn open_wire(&self) -> Option<Wire> {
        match &*self.state.borrow() {
            State::Open(wire) => Some(wire.clone()),
            State::Opening | State::Down(_) => None,
        }
    }

    /// The open connection; waits while one opens.
    pub(super) async fn wire(self: &Arc<Self>) -> Result<Wire, StoreError> {
        match &*self.state.borrow() {
            State::Open(wire) => return Ok(wire.clone()),
            State::Opening => {}
            State::Down(error) => {
                let error = error.clone();
                // The task is gone where its runtime has ended; this caller's goes on.
                self.renew();
                return Err(error);
            }
        }
        let mut state = self.state.subscribe();
        match state.wait_for(|state| !matches!(state, State::Opening)).await.as_deref() {
            Ok(State::Open(wire)) => Ok(wire.clone()),
            Ok(State::Down(error)) => Err(error.clone()),
            _ => Err(StoreError::Away("the connection is being renewed".to_owned())),
        }
    }

    /// Notes what an answer, or the want of one, says about the connection. `started` is when the
    /// command was sent.
    pub(super) fn note<T>(self: &Arc<Self>, wire: &Wire, started: Instant, result: Option<&RedisResult<T>>) {
        match result {
            Some(Ok(_)) => {
                self.silent_since_ms.store(0, Ordering::Relaxed);
                self.attempts.store(0, Ordering::Relaxed);
            }
            Some(Err(error)) => {
                if is_answer(error) {
                    self.silent_since_ms.store(0, Ordering::Relaxed);
                } else {
                    self.note_silence(wire.generation, started);
                }
                if wire.connection.is_single() && ends_connection(error) {
                    self.broke(wire.generation, store_error(error));
                }
            }
            // Its time was over long ago. Others may have been answered since.
            None => self.end_silence(wire.generation),
        }
    }

    /// A command that was sent at `started` has had no answer in time.
    pub(super) fn note_silence(self: &Arc<Self>, generation: u64, started: Instant) {
        let started_ms = millis(started.duration_since(self.epoch)).max(1);
        // One that others have noted before stands: it is since then.
        let _ = self.silent_since_ms.compare_exchange(0, started_ms, Ordering::Relaxed, Ordering::Relaxed);
        self.end_silence(generation);
    }

    fn end_silence(self: &Arc<Self>, generation: u64) {
        let since_ms = self.silent_since_ms.load(Ordering::Relaxed);
        if since_ms != 0 && millis(self.epoch.elapsed()).saturating_sub(since_ms) >= MAX_SILENCE_MS {
            self.broke(generation, StoreError::Away(format!("no answer for {MAX_SILENCE_MS} ms")));
        }
    }

    /// The connection of this generation is of no more use.
    fn broke(self: &Arc<Self>, generation: u64, reason: StoreError) {
        let is_waited_for = self.attempts.load(Ordering::Relaxed) < MAX_ATTEMPTS;
        let was_open = self.state.send_if_modified(|state| {
            let is_it = matches!(state, State::Open(wire) if wire.generation == generation);
            if is_it {
                tracing::warn!(%reason, "the connection to Redis is lost");
                *state = if is_waited_for { State::Opening } else { State::Down(reason) };
            }
            is_it
        });
        if was_open {
            self.renew();
        }
    }

    /// An attempt to open it came to nothing. Those who wait go on waiting for the next, a few
    /// times.
    fn was_refused(&self, error: StoreError) {
        if self.attempts.load(Ordering::Relaxed) >= MAX_ATTEMPTS {
            self.state.send_replace(State::Down(error));
        }
    }

    /// How many attempts in a row came to nothing, if nobody waits for the next any more.
    pub(super) fn refused_attempts(&self) -> u32 {
        match &*self.state.borrow() {
            State::Down(_) => self.attempts.load(Ordering::Relaxed),
            State::Opening | State::Open(_) => 0,
        }
    }

    /// Sees to it that a task renews the link.
    fn renew(self: &Arc<Self>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if !self.is_renewing.swap(true, Ordering::AcqRel) {
            runtime.spawn(renew(Renewal { link: Arc::downgrade(self) }));
        }
    }

    /// The pause before the next attempt: zero at first, then growing, with a random part so that
    /// hosts do not come in step.
    fn next_pause(&self) -> Duration {
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
        if attempt == 0 {
            return Duration::ZERO;
        }
        let pause_ms = (FIRST_PAUSE_MS << (attempt - 1).min(10)).min(MAX_PAUSE_MS);
        Duration::from_millis(pause_ms / 2 + RandomState::new().hash_one(attempt) % pause_ms)
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = match &*self.state.borrow() {
            State::Opening => "opening".to_owned(),
            State::Open(wire) => format!("open, number {}", wire.generation),
            State::Down(error) => format!("down: {error}"),
        };
        formatter
            .debug_struct("Link")
            .field("is_cluster", &self.is_cluster())
            .field("state", &state)
            .finish_non_exhaustive()
    }
}

impl Wire {
    /// Whether it leads to one server.
    pub(super) fn is_single(&self) -> bool {
        self.connection.is_single()
    }

    /// Its number.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

/// The task at work. Dropped with the task, finished or not, so that a link is never left waiting
/// for a task that is gone.
struct Renewal {
    link: Weak<Link>,
}

impl Drop for Renewal {
    fn drop(&mut self) {
        let Some(link) = self.link.upgrade() else { return };
        link.state.send_if_modified(|state| {
            let is_opening = matches!(state, State::Opening);
            if is_opening {
                *state = State::Down(StoreError::Away("the connection is lost".to_owned()));
            }
            is_opening
        });
        link.is_renewing.store(false, Ordering::Release);
    }
}

async fn renew(renewal: Renewal) {
    loop {
        let Some(link) = renewal.link.upgrade() else { return };
        let pause = link.next_pause();
        // A store that is dropped meanwhile is not kept by its link.
        drop(link);
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let Some(link) = renewal.link.upgrade() else { return };
        match link.open().await {
            Ok(()) => {
                tracing::info!("the connection to Redis is open");
                return;
            }
            Err(error) => link.was_refused(error),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
