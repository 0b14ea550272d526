//! Runtime: loads the component and runs it on transactions, bounded in memory and time.
//!
//! One engine with one compiled component serves the process. Instances of it are pooled and used
//! again call after call; one that trapped is thrown away, its run is undone, and the call is tried
//! once more on a fresh one. Invariant: after [`Runtime::run`] the transaction holds either all of
//! what the run did or nothing of it.

mod bindings;
mod bounds;
mod code;
#[cfg(feature = "compile")]
mod compiler;
mod engine;
mod error;
mod exports;
mod guest;
mod host;
mod instance;
mod module;
mod policy;
mod pool;
mod stats;
#[cfg(all(test, feature = "compile"))]
mod tests;
mod ticker;
mod tunables;
pub(crate) mod wit;
#[cfg(feature = "compile")]
mod world;

#[cfg(feature = "compile")]
use std::path::PathBuf;
use std::sync::Arc;
#[cfg(feature = "compile")]
use std::sync::Weak;

use parking_lot::Mutex;
use wasmtime::Store;

pub(crate) use self::error::OpenError;
pub use self::error::{LoadError, RunError};
pub(crate) use self::exports::Exports;
pub(crate) use self::guest::{Guest, Resource};
pub(crate) use self::host::HostState;
use self::instance::{Instance, Source};
pub(crate) use self::policy::Policy;
use self::policy::PolicyIds;
use self::pool::{Pool, SlotGuard};
use self::stats::Counters;
pub use self::stats::RuntimeStats;
use self::ticker::Ticker;
use crate::transaction::Transaction;

/// Where the component comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum ComponentSource {
    /// The one built into this crate.
    #[default]
    BuiltIn,
    /// A file.
    #[cfg(feature = "compile")]
    File(PathBuf),
    /// Its bytes.
    #[cfg(feature = "compile")]
    Bytes(Arc<[u8]>),
}

/// Where the code of a component that is not the built-in one is kept between starts.
#[cfg(feature = "compile")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum CodeCache {
    /// In the user's cache directory.
    #[default]
    User,
    /// In this directory, by its absolute path. Machine code is taken from it, so only this user
    /// may be able to write there.
    Directory(PathBuf),
    /// Nowhere: the component is compiled at every start.
    Off,
}

/// A runtime's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuntimeOptions {
    /// The component.
    pub(crate) component: ComponentSource,
    /// Where code is kept that was compiled here. A directory that cannot be read or written is
    /// done without.
    #[cfg(feature = "compile")]
    pub(crate) cache: CodeCache,
    /// How much memory one instance may have; default 16 MiB.
    pub(crate) memory_limit_bytes: usize,
    /// How many instances there may be, rounded up to a power of two; default twice the processors.
    /// A call that finds them all busy waits for one.
    pub(crate) instances: usize,
}

impl Default for RuntimeOptions {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            component: ComponentSource::default(),
            #[cfg(feature = "compile")]
            cache: CodeCache::default(),
            memory_limit_bytes: tunables::MEMORY_BYTES as usize,
            instances: (2 * processors).clamp(4, 64),
        }
    }
}

#[cfg(feature = "compile")]
impl RuntimeOptions {
    /// The same with the bytes of the component, which a file may change later.
    fn read(&self) -> Result<Self, LoadError> {
        let ComponentSource::File(path) = &self.component else { return Ok(self.clone()) };
        Ok(Self { component: ComponentSource::Bytes(engine::read(path)?.into()), ..self.clone() })
    }
}

/// The component, ready to run.
pub(crate) struct Runtime {
    source: Source,
    pool: Arc<Pool>,
    ticker: Ticker,
    counters: Arc<Counters>,
    policies: Arc<PolicyIds>,
}

/// The runtime that all users of the default options share. A failure to load is not kept: the next
/// user tries again.
static SHARED: Mutex<Option<Arc<Runtime>>> = Mutex::new(None);

/// The runtimes of components that were brought along, for as long as somebody has them. So gates
/// with equal options share one, and its code.
#[cfg(feature = "compile")]
static OTHERS: Mutex<Vec<(RuntimeOptions, Weak<Runtime>)>> = Mutex::new(Vec::new());

impl Runtime {
    /// A runtime with these options: one for all of this process that have equal ones.
    pub(crate) fn open(options: &RuntimeOptions) -> Result<Arc<Self>, LoadError> {
        #[cfg(feature = "compile")]
        if options.component != ComponentSource::BuiltIn {
            return Self::open_other(&options.read()?);
        }
        if *options != RuntimeOptions::default() {
            return Self::load(options).map(Arc::new);
        }
        let mut shared = SHARED.lock();
        if let Some(runtime) = &*shared {
            return Ok(Arc::clone(runtime));
        }
        let runtime = Arc::new(Self::load(options)?);
        *shared = Some(Arc::clone(&runtime));
        Ok(runtime)
    }

    #[cfg(feature = "compile")]
    fn open_other(options: &RuntimeOptions) -> Result<Arc<Self>, LoadError> {
        let mut others = OTHERS.lock();
        others.retain(|(_, runtime)| runtime.strong_count() > 0);
        let equal = others.iter().find(|(other, _)| other == options);
        if let Some(runtime) = equal.and_then(|(_, runtime)| runtime.upgrade()) {
            return Ok(runtime);
        }
        let runtime = Arc::new(Self::load(options)?);
        others.push((options.clone(), Arc::downgrade(&runtime)));
        Ok(runtime)
    }

    fn load(options: &RuntimeOptions) -> Result<Self, LoadError> {
        let (engine, loaded) = engine::load(options)?;
        let counters = Arc::new(Counters::default());
        let pool = Arc::new(Pool::new(options.instances));
        Ok(Self {
            source: Source::new(&engine, &loaded, options.memory_limit_bytes, Arc::clone(&counters))?,
            ticker: Ticker::start(&engine, &pool)?,
            pool,
            counters,
            policies: Arc::default(),
        })
    }

    /// Checks a configuration.
    pub(crate) fn open_policy<E: Exports>(&self, config: E::Config) -> Result<Policy<E>, OpenError> {
        let policy = self.policies.add(config);
        match self.with_instance(&mut Transaction::default(), |instance| instance.open(&policy.opened))? {
            Ok(()) => Ok(policy),
            Err(problems) => Err(OpenError::Problems(problems)),
        }
    }

    /// The registry of the nodes, as JSON.
    pub(crate) fn registry(&self) -> Result<String, RunError> {
        self.with_instance(&mut Transaction::default(), |instance| {
            let (guest, store) = instance.parts();
            guest.nodes_registry(store)
        })
    }

    /// Runs the guest on a transaction. `call` is given the exports, the store and the policy's
    /// resource; it makes one call, and makes it again if the first trapped.
    ///
    /// # Errors
    /// If the guest trapped twice. Nothing of either run is left in the transaction.
    pub(crate) fn run<E, R>(
        &self,
        policy: &Policy<E>,
        tx: &mut Transaction,
        mut call: impl FnMut(&Guest, &mut Store<HostState>, Resource) -> wasmtime::Result<R>,
    ) -> Result<R, RunError> {
        self.with_instance(tx, |instance| {
            let resource = instance.resource(&policy.opened)?;
            let (guest, store) = instance.parts();
            call(guest, store, resource)
        })
    }

    /// What has happened so far.
    pub(crate) fn stats(&self) -> RuntimeStats {
        self.counters.stats()
    }

    fn with_instance<R>(
        &self,
        tx: &mut Transaction,
        mut work: impl FnMut(&mut Instance) -> wasmtime::Result<R>,
    ) -> Result<R, RunError> {
        let mut slot = self.pool.acquire();
        self.ticker.ensure_awake();
        match self.attempt(&mut slot, tx, &mut work) {
            Ok(done) => Ok(done),
            Err(trap) => self.retry(&mut slot, tx, &mut work, &trap),
        }
    }

    #[cold]
    fn retry<R>(
        &self,
        slot: &mut SlotGuard<'_>,
        tx: &mut Transaction,
        work: &mut impl FnMut(&mut Instance) -> wasmtime::Result<R>,
        trap: &wasmtime::Error,
    ) -> Result<R, RunError> {
        self.counters.trapped(trap);
        tracing::warn!(
            trap = format_args!("{trap:#}"),
            "the policy component trapped; trying once more on a fresh instance"
        );
        self.attempt(slot, tx, work).map_err(|trap| {
            self.counters.trapped_again(&trap);
            tracing::warn!(trap = format_args!("{trap:#}"), "the policy component trapped again; giving the call up");
            RunError::from_trap(&trap)
        })
    }

    /// One run. The instance goes back into its slot only if the run ended well, so neither a trap
    /// nor a panic leaves a broken one behind.
    fn attempt<R>(
        &self,
        slot: &mut SlotGuard<'_>,
        tx: &mut Transaction,
        work: &mut impl FnMut(&mut Instance) -> wasmtime::Result<R>,
    ) -> wasmtime::Result<R> {
        let mut instance = match slot.take() {
            Some(instance) => instance,
            None => self.source.instantiate()?,
        };
        tx.start_run();
        instance.swap_transaction(tx);
        let result = instance.bounded(&self.policies, work);
        instance.swap_transaction(tx);
        let result = result.and_then(|done| host::check_entities(tx).map(|()| done));
        match result {
            Ok(done) => {
                slot.put(instance);
                Ok(done)
            }
            Err(trap) => {
                tx.rollback_run();
                Err(trap)
            }
        }
    }
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
