//! The entry point: a store, a clock and the component, from which limiters and breakers are
//! opened.

#[cfg(feature = "compile")]
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::away::{self, StoreChange, StoreState, StoreWatch};
use crate::clock::{Clock, SystemClock};
use crate::core::{Backend, Core};
use crate::error::{Error, Problem};
use crate::ledger::{self, BasisListener, Ledger, SettingsDiffer};
use crate::nodes::cache::Caches;
#[cfg(feature = "compile")]
use crate::runtime::{CodeCache, ComponentSource};
use crate::runtime::{Runtime, RuntimeOptions};
use crate::store::{Memory, Store};

/// Resilience policies on a store. Cheap to clone.
///
/// ```
/// use tidegate::{Limit, RateLimiterConfig, Tidegate};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tidegate::Error> {
/// let gate = Tidegate::builder().build()?;
/// let limiter = gate.rate_limiter(RateLimiterConfig::new("api", Limit::per_second(10)))?;
/// let decision = limiter.try_acquire("user-42").await?;
/// assert!(decision.is_allowed());
/// assert_eq!(decision.remaining, 9);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Tidegate {
    pub(crate) core: Arc<Core>,
    pub(crate) nodes: Arc<Caches>,
}

/// Where the state will live.
#[derive(Debug)]
enum Storage {
    Memory(Memory),
    Shared(Arc<dyn Store>),
}

/// Settings of a [`Tidegate`].
#[derive(Debug)]
pub struct Builder {
    storage: Storage,
    clock: Arc<dyn Clock>,
    runtime: RuntimeOptions,
    ledger: ledger::Options,
    away: away::Options,
    on_settings_differ: BasisListener,
    require_shared: Option<bool>,
    stands: bool,
}

impl Tidegate {
    /// The memory store and the system's clock, unless set otherwise.
    pub fn builder() -> Builder {
        Builder {
            storage: Storage::Memory(Memory::new()),
            clock: Arc::new(SystemClock),
            runtime: RuntimeOptions::default(),
            ledger: ledger::Options::default(),
            away: away::Options::default(),
            on_settings_differ: BasisListener::default(),
            require_shared: None,
            stands: true,
        }
    }

    /// A gate on the Redis at this URL, with the default settings of both: see
    /// [`RedisBuilder`](crate::store::redis::RedisBuilder).
    ///
    /// # Errors
    /// [`Error::Config`] for the URL, [`Error::Store`] where there is no connection within the
    /// timeout, and as [`Builder::build`].
    #[cfg(feature = "redis")]
    pub async fn connect(url: &str) -> Result<Self, Error> {
        Self::builder().store(crate::Redis::connect(url).await?).build()
    }

    /// A gate on the Redis that the environment names: by `TIDEGATE_REDIS_URL` or `REDIS_URL`, else
    /// by `REDIS_HOST` and `REDIS_PORT`, which are `localhost` and `6379` where they are not set.
    ///
    /// # Errors
    /// As [`Self::connect`].
    #[cfg(feature = "redis")]
    pub async fn from_env() -> Result<Self, Error> {
        Self::connect(&crate::store::redis::url_of_env()).await
    }

    /// The registry of the nodes as JSON text: for each its type, name, description, inputs,
    /// outputs and the JSON Schema of its configuration.
    ///
    /// # Errors
    /// [`Error::Run`] if the component failed.
    pub fn node_registry(&self) -> Result<String, Error> {
        Ok(self.core.runtime().registry()?)
    }

    /// Sends what is to be recorded in the background and gives back what is left of leases, and
    /// returns when a shared store has it or is away. What futures that were dropped before had
    /// taken is given back by then. Call it before the process ends.
    pub async fn flush(&self) {
        self.core.background().settled().await;
        if let Backend::Shared(ledger) = self.core.backend() {
            ledger.flush().await;
        }
    }

    /// Whether a shared store answers, as far as its watch knows; of a cluster, the worst
    /// of its parts. Before the first answer that is unknown: see [`Self::ready`]. The memory store
    /// is always available.
    pub fn store_state(&self) -> StoreState {
        match self.core.backend() {
            Backend::Memory(_) => StoreState::Available,
            Backend::Shared(ledger) => ledger.store_state(),
        }
    }

    /// Waits until a shared store does what a commit does, at most this long: for when a service
    /// starts. No call needs it. The memory store is always ready; of a cluster it is one of the
    /// nodes.
    ///
    /// # Errors
    /// [`Error::Store`] when the time is over: what the store last failed with.
    pub async fn ready(&self, timeout: Duration) -> Result<(), Error> {
        match self.core.backend() {
            Backend::Memory(_) => Ok(()),
            Backend::Shared(ledger) => ledger.ready(timeout).await,
        }
    }
}

impl Builder {
    /// Keeps state in this process: in `memory`, which others may share.
    #[must_use]
    pub fn memory(mut self, memory: Memory) -> Self {
        self.storage = Storage::Memory(memory);
        self
    }

    /// Shares state through a store, such as [`Redis`](crate::Redis).
    #[must_use]
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.storage = Storage::Shared(Arc::new(store));
        self
    }

    /// Tells the time by `clock`.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Runs this component instead of the one that the crate was built with. It must have the same
    /// world.
    #[cfg(feature = "compile")]
    #[must_use]
    pub fn component(mut self, component: impl Into<Vec<u8>>) -> Self {
        self.runtime.component = ComponentSource::Bytes(component.into().into());
        self
    }

    /// Runs the component in this file instead of the one that the crate was built with. It must
    /// have the same world.
    #[cfg(feature = "compile")]
    #[must_use]
    pub fn component_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.runtime.component = ComponentSource::File(path.into());
        self
    }

    /// Keeps the code of a component of your own in this directory between starts, given by its
    /// absolute path; by default in the user's cache directory. Machine code is taken from it, so
    /// only this user may be able to write there. A directory that cannot be read or written is
    /// done without. The built-in component was compiled when the crate was, and needs no cache.
    #[cfg(feature = "compile")]
    #[must_use]
    pub fn code_cache(mut self, directory: impl Into<PathBuf>) -> Self {
        self.runtime.cache = CodeCache::Directory(directory.into());
        self
    }

    /// Compiles a component of your own at every start, which takes about half a second.
    #[cfg(feature = "compile")]
    #[must_use]
    pub fn no_code_cache(mut self) -> Self {
        self.runtime.cache = CodeCache::Off;
        self
    }

    /// How much memory one instance of the component may have, in bytes; by default 16 MiB.
    #[must_use]
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.runtime.memory_limit_bytes = bytes;
        self
    }

    /// How many entities of a shared store to remember, each as it was last seen; by default
    /// 65,536.
    #[must_use]
    pub fn max_known(mut self, entities: usize) -> Self {
        self.ledger.max_known = entities;
        self
    }

    /// How many calls on one entity go out to a shared store together at most; by default 256.
    #[must_use]
    pub fn max_batch(mut self, calls: usize) -> Self {
        self.ledger.max_batch = calls.max(1);
        self
    }

    /// How many calls may wait for a shared store in this process; by default 1,000,000. They wait
    /// as long as the store answers others, first come first served. One more ends in
    /// [`Error::Overloaded`], which says nothing of the store.
    #[must_use]
    pub fn max_waiting(mut self, calls: usize) -> Self {
        self.ledger.max_waiting = calls.max(1);
        self
    }

    /// How often a call is committed to a shared store before it ends in [`Error::Contended`]; by
    /// default 64.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.ledger.max_attempts = attempts.max(1);
        self
    }

    /// How long successes of a closed circuit are kept back at most, to be recorded together; by
    /// default 20 ms.
    #[must_use]
    pub fn flush_delay(mut self, delay: Duration) -> Self {
        self.ledger.flush_delay = delay;
        self
    }

    /// How old what this host knows of an entity of a shared store may be to refuse a call on it
    /// without asking the store; by default, and at most, 100 ms. For that time a refund, a reset
    /// or a closed circuit may go unnoticed where calls are being refused. Zero: every refusal is
    /// the store's.
    #[must_use]
    pub fn max_staleness(mut self, age: Duration) -> Self {
        self.ledger.max_staleness = age.min(ledger::MAX_STALENESS);
        self
    }

    /// When a shared store counts as away, so that calls are answered at once instead of waiting
    /// for it; by default as [`StoreWatch::default`] says.
    #[must_use]
    pub fn store_watch(mut self, watch: StoreWatch) -> Self {
        self.away.watch = Some(watch);
        self
    }

    /// Asks a shared store every time, however often it has failed.
    #[must_use]
    pub fn no_store_watch(mut self) -> Self {
        self.away.watch = None;
        self
    }

    /// Calls `listener` when a shared store goes away, is tried again or comes back: in the order
    /// of the changes, one at a time, by whoever makes the change. It must return at once. Each
    /// listener that was added is called, also if one before it panics, which is logged.
    #[must_use]
    pub fn on_store_change(mut self, listener: impl Fn(StoreChange) + Send + Sync + 'static) -> Self {
        self.away.listeners.add(listener);
        self
    }

    /// Called when a limiter of this gate goes by another algorithm or window than one of the same
    /// name before, in this process or on the store: then neither sees what the other has counted.
    /// A warning says so in the log in any case. It is called in a task of the runtime and must not
    /// block.
    #[must_use]
    pub fn on_settings_differ(mut self, listener: impl Fn(SettingsDiffer) + Send + Sync + 'static) -> Self {
        self.on_settings_differ = BasisListener::new(listener);
        self
    }

    /// Whether the state must be shared by processes: then a gate in memory is refused by
    /// [`Self::build`], since each process would count for itself. By default it must where the
    /// environment has `TIDEGATE_ENV=production`.
    #[must_use]
    pub fn require_shared(mut self, required: bool) -> Self {
        self.require_shared = Some(required);
        self
    }

    /// Runs the policy for each call in memory, also where the answer before stands. What a call is
    /// answered is the same; it takes longer.
    #[must_use]
    pub fn no_standing_answers(mut self) -> Self {
        self.stands = false;
        self
    }

    /// Loads the component and puts it all together.
    ///
    /// # Errors
    /// [`Error::Load`] if the component cannot be read, compiled, or is not of the expected world;
    /// [`Error::Config`] for wrong settings of the watch on the store, or where the store must
    /// be shared and is not.
    pub fn build(self) -> Result<Tidegate, Error> {
        if matches!(self.storage, Storage::Memory(_)) && self.require_shared.unwrap_or_else(is_production) {
            return Err(not_shared());
        }
        let runtime = Runtime::open(&self.runtime)?;
        let backend = match self.storage {
            Storage::Memory(memory) => Backend::Memory(memory),
            Storage::Shared(store) => {
                let (runtime, clock) = (Arc::clone(&runtime), Arc::clone(&self.clock));
                Backend::Shared(Ledger::open(runtime, store, clock, self.ledger, self.away, self.on_settings_differ)?)
            }
        };
        Ok(Tidegate { core: Core::new(runtime, backend, self.clock, self.stands), nodes: Arc::default() })
    }
}

fn is_production() -> bool {
    std::env::var_os("TIDEGATE_ENV").is_some_and(|environment| environment == "production")
}

fn not_shared() -> Error {
    let allowed =
        "one that processes share, such as a Redis, since `require_shared` or TIDEGATE_ENV=production says so";
    let (path, value, allowed) = ("store".to_owned(), "the memory store".to_owned(), allowed.to_owned());
    Error::Config { name: "the gate".to_owned(), problems: vec![Problem { path, value, allowed }] }
}
