//! The clock by which runs are stopped: one thread that moves the engine's epoch forward.
//!
//! It sleeps while nothing runs. Falling asleep and being woken must not miss each other, and a
//! fence in every call would cost more than the rest of what a call does here. So the ticker first
//! announces that it will sleep and then waits for one more tick: a call that started before it
//! could see the announcement is seen by then, because its writes are in memory after 25 ms, and a
//! call that starts later sees the announcement and wakes the ticker.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use wasmtime::{Engine, EngineWeak};

use super::bounds::TICK_MS;
use super::error::LoadError;
use super::pool::Pool;

/// After this many ticks without a call the ticker sleeps.
const IDLE_TICKS: u32 = 40;

/// The ticker's handle; it ends when this is dropped.
pub(super) struct Ticker(Arc<Signal>);

#[derive(Default)]
struct Signal {
    /// The ticker sleeps or is about to.
    asleep: AtomicBool,
    orders: Mutex<Orders>,
    changed: Condvar,
}

#[derive(Default)]
struct Orders {
    wake: bool,
    stop: bool,
}

impl Ticker {
    pub(super) fn start(engine: &Engine, pool: &Arc<Pool>) -> Result<Self, LoadError> {
        let (ticker, mut thread) = Self::new(engine, pool, Duration::from_millis(TICK_MS));
        std::thread::Builder::new()
            .name("tidegate-ticker".to_owned())
            .spawn(move || while thread.tick() {})
            .map_err(|error| LoadError::Engine(format!("no thread for its clock: {error}")))?;
        Ok(ticker)
    }

    fn new(engine: &Engine, pool: &Arc<Pool>, tick: Duration) -> (Self, TickerThread) {
        let signal = Arc::new(Signal::default());
        let thread = TickerThread {
            signal: Arc::clone(&signal),
            // Weak, so that a ticker keeps nothing alive, whatever becomes of its handle.
            engine: engine.weak(),
            pool: Arc::downgrade(pool),
            tick,
            last_activity: None,
            idle_ticks: 0,
        };
        (Self(signal), thread)
    }

    /// Must be called by each call once it holds its slot.
    pub(super) fn ensure_awake(&self) {
        if self.0.asleep.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        if self.0.asleep.swap(false, Ordering::SeqCst) {
            self.0.order(|orders| orders.wake = true);
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.order(|orders| orders.stop = true);
    }
}

impl Signal {
    fn order(&self, give: impl FnOnce(&mut Orders)) {
        give(&mut self.orders.lock());
        self.changed.notify_one();
    }

    /// Waits for one tick; false: the ticker is to end.
    fn wait_tick(&self, tick: Duration) -> bool {
        let mut orders = self.orders.lock();
        if !orders.stop {
            self.changed.wait_for(&mut orders, tick);
        }
        !orders.stop
    }

    /// Waits until there is something to tick for.
    fn sleep(&self) {
        let mut orders = self.orders.lock();
        while !orders.wake && !orders.stop {
            self.changed.wait(&mut orders);
        }
        orders.wake = false;
    }
}

struct TickerThread {
    signal: Arc<Signal>,
    engine: EngineWeak,
    pool: Weak<Pool>,
    tick: Duration,
    last_activity: Option<u64>,
    idle_ticks: u32,
}

impl TickerThread {
    /// One tick; false: the end.
    fn tick(&mut self) -> bool {
        if !self.signal.wait_tick(self.tick) {
            return false;
        }
        let (Some(engine), Some(idle)) = (self.engine.upgrade(), self.is_idle()) else { return false };
        engine.increment_epoch();
        self.idle_ticks = if idle { self.idle_ticks + 1 } else { 0 };
        if self.idle_ticks == IDLE_TICKS {
            self.signal.asleep.store(true, Ordering::SeqCst);
        } else if self.idle_ticks > IDLE_TICKS {
            drop(engine);
            self.signal.sleep();
            self.idle_ticks = 0;
        } else if !idle {
            self.signal.asleep.store(false, Ordering::SeqCst);
        }
        true
    }

    /// Whether no slot was in use since the last tick. `None`: the runtime is gone.
    fn is_idle(&mut self) -> Option<bool> {
        let activity = self.pool.upgrade()?.activity();
        let idle = activity.is_some() && activity == self.last_activity;
        self.last_activity = activity;
        Some(idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticker() -> (Ticker, TickerThread, Engine, Arc<Pool>) {
        let engine = Engine::default();
        let pool = Arc::new(Pool::new(1));
        let (ticker, thread) = Ticker::new(&engine, &pool, Duration::from_micros(1));
        (ticker, thread, engine, pool)
    }

    fn is_asleep(ticker: &Ticker) -> bool {
        ticker.0.asleep.load(Ordering::SeqCst)
    }

    /// Ticks until it has announced its sleep, which it must do in time.
    fn tire(ticker: &Ticker, thread: &mut TickerThread) {
        assert!((0..=IDLE_TICKS).any(|_| thread.tick() && is_asleep(ticker)));
    }

    #[test]
    fn sleeps_when_nothing_runs_and_is_woken_by_a_call() {
        let (ticker, mut thread, _engine, pool) = ticker();
        tire(&ticker, &mut thread);
        std::thread::scope(|scope| {
            // Falls asleep in this tick, unless the call comes first.
            let sleeper = scope.spawn(move || thread.tick());
            let _slot = pool.acquire();
            ticker.ensure_awake();
            assert!(sleeper.join().expect("it does not panic"));
        });
        assert!(!is_asleep(&ticker));
    }

    #[test]
    fn does_not_sleep_while_a_call_runs() {
        let (ticker, mut thread, _engine, pool) = ticker();
        let _slot = pool.acquire();
        for _ in 0..3 * IDLE_TICKS {
            assert!(thread.tick());
            assert!(!is_asleep(&ticker));
        }
    }

    #[test]
    fn stays_awake_when_a_call_comes_after_the_announcement() {
        let (ticker, mut thread, _engine, pool) = ticker();
        tire(&ticker, &mut thread);
        // A call that could not yet see the announcement.
        drop(pool.acquire());
        assert!(thread.tick());
        assert!(!is_asleep(&ticker));
    }

    #[test]
    fn ends_with_its_handle_asleep_or_not() {
        let (awake, mut thread, _engine, _pool) = ticker();
        drop(awake);
        assert!(!thread.tick());

        let (asleep, mut thread, _engine, _pool) = ticker();
        tire(&asleep, &mut thread);
        let sleeper = std::thread::spawn(move || while thread.tick() {});
        drop(asleep);
        sleeper.join().expect("it does not panic");
    }

    #[test]
    fn ends_with_the_pool() {
        let (_ticker, mut thread, _engine, pool) = ticker();
        drop(pool);
        assert!(!thread.tick());
    }
}
