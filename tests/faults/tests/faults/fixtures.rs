//! What the tests share: four processes under load, and what is demanded of them whatever has failed.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tidegate::{Algorithm, Clock as _, Limit, OnLimit, RateLimiterConfig, SystemClock, WhenAway};
use tidegate_fault_tests::line::{self, Line};
use tidegate_fault_tests::proxy::Proxy;
use tidegate_fleet_tests::endurance::{Endured, Failures, Load, Signal, Toll, Watch};
use tidegate_fleet_tests::promise::Promise;
use tidegate_fleet_tests::protocol::{Decide, Place};
use tidegate_fleet_tests::worker::{Worker, watch};
use tidegate_test_support::redis_server::RedisServer;

pub(crate) const PROCESSES: usize = 4;

/// The time limit of one operation of the store. Long enough that a busy machine keeps it nearly always.
pub(crate) const LIMIT_MS: u64 = 300;

/// How much longer than the limit a call may take on a machine that is busy with other tests.
const SLACK: Duration = Duration::from_secs(2);

const WINDOW: Duration = Duration::from_secs(1);
pub(crate) const PERMITS: u32 = 60;
pub(crate) const BURST: u32 = 20;

/// How long a caller waits in line at most.
const QUEUE_MS: u64 = 4_000;

const TALLY: &str = "tally";

/// The key of loads, unless one chooses another.
pub(crate) const KEY: &str = "k";

/// A fleet takes all of the machine: they go one after the other.
pub(crate) type Turn = MutexGuard<'static, ()>;

pub(crate) fn turn() -> Turn {
    static TURN: Mutex<()> = Mutex::new(());
    // A test that failed has left nothing behind.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Now, by the machine's clock, in microseconds since 1970.
pub(crate) fn now_us() -> u64 {
    SystemClock.now_us()
}

pub(crate) fn server() -> RedisServer {
    RedisServer::start().expect("the server starts")
}

pub(crate) fn address(server: &RedisServer) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], server.port()))
}

pub(crate) fn proxy(server: &RedisServer) -> Proxy {
    Proxy::start(address(server)).expect("the proxy starts")
}

pub(crate) fn place(url: &str) -> Place {
    Place { urls: vec![url.to_owned()], limit_ms: Some(LIMIT_MS), ..Place::default() }
}

pub(crate) fn place_behind(proxy: &Proxy) -> Place {
    place(&format!("redis://{}", proxy.address()))
}

fn load(name: &str, limit: Limit, tasks: usize, costs: &[u32]) -> Load {
    let limiter = RateLimiterConfig::new(name, limit);
    Load { limiter, key: KEY.to_owned(), costs: costs.to_vec(), tasks, waits: false, pause_ms: 2 }
}

/// A strict window of so many permits.
pub(crate) fn window_of(permits: u32) -> Limit {
    Limit::per(permits, WINDOW)
}

/// A bucket of so many permits in the same time.
pub(crate) fn bucket_of(permits: u32, burst: u32) -> Limit {
    Limit::per(permits, WINDOW).by(Algorithm::Gcra { burst: Some(burst) })
}

/// A strict window that is asked for more than it has.
pub(crate) fn windowed() -> Load {
    load("windowed", window_of(PERMITS), 4, &[1, 1, 3])
}

/// A bucket that is asked for more than it has.
pub(crate) fn bucketed() -> Load {
    load("bucketed", bucket_of(PERMITS, BURST), 4, &[1, 1, 3])
}

/// A strict window that lets fewer callers go at once than there are: the others wait in line.
pub(crate) fn queued() -> Load {
    let load = load("queued", Limit::per(10, Duration::from_millis(500)), 6, &[1]);
    let on_limit = OnLimit::Queue { max_size: 100, timeout_ms: QUEUE_MS, grace_ms: Some(200) };
    Load { limiter: load.limiter.clone().on_limit(on_limit), waits: true, ..load }
}

/// The limiter that shows what is charged: no permit of it comes back while a test runs, and it never runs out.
pub(crate) fn tally() -> Load {
    load(TALLY, Limit::per_day(10_000_000), 2, &[1])
}

/// What all tests but those of a cluster keep up.
pub(crate) fn loads() -> Vec<Load> {
    vec![windowed(), bucketed(), tally()]
}

/// The same, with what to answer while the store is away.
pub(crate) fn loads_when_away(when_away: WhenAway) -> Vec<Load> {
    let with = |load: Load| Load { limiter: load.limiter.clone().when_away(when_away), ..load };
    loads().into_iter().map(with).collect()
}

/// Processes that keep up loads.
pub(crate) struct Fleet {
    workers: Vec<Worker>,
    loads: Vec<Load>,
    _turn: Turn,
}

impl Fleet {
    /// Starts the processes with the usual loads, and waits until all are served.
    pub(crate) fn start(place: &Place) -> Self {
        Self::start_with(place, loads())
    }

    pub(crate) fn start_with(place: &Place, loads: Vec<Load>) -> Self {
        Self::start_in(turn(), place, loads)
    }

    pub(crate) fn start_in(turn: Turn, place: &Place, loads: Vec<Load>) -> Self {
        Self::start_at(turn, &[(); PROCESSES].map(|()| place.clone()), loads)
    }

    /// Starts each process at a place of its own.
    pub(crate) fn start_at(turn: Turn, places: &[Place; PROCESSES], loads: Vec<Load>) -> Self {
        let start = |place| Worker::start(env!("CARGO_BIN_EXE_fault-worker"), place).expect("the worker starts");
        let mut workers: Vec<Worker> = places.iter().map(start).collect();
        for worker in &mut workers {
            worker.begin(&loads).expect("the loads begin");
        }
        let mut fleet = Self { workers, loads, _turn: turn };
        fleet.served();
        fleet
    }

    /// Waits until each load of each process is served by the store, from now on.
    pub(crate) fn served(&mut self) {
        self.see(Signal::Served);
    }

    /// The same of these loads, counted from 0.
    pub(crate) fn served_among(&mut self, loads: &[usize]) {
        self.see(Signal::ServedAmong(loads.to_vec()));
    }

    /// Waits until each process has a call that fails in words that contain `text`, from now on.
    pub(crate) fn failed(&mut self, text: &str) {
        self.see(Signal::Failed(text.to_owned()));
    }

    /// Waits until each load of each of the first so many processes is answered without the store, from now on.
    pub(crate) fn degraded(&mut self, processes: usize) {
        self.see_in(0..processes, Signal::Degraded);
    }

    /// Waits until each load of the processes after the first so many is served by the store, from now on.
    pub(crate) fn served_after(&mut self, processes: usize) {
        self.see_in(processes..PROCESSES, Signal::Served);
    }

    fn see(&mut self, signal: Signal) {
        self.see_in(0..PROCESSES, signal);
    }

    fn see_in(&mut self, processes: Range<usize>, signal: Signal) {
        let awaited = Watch { since_us: now_us(), signal };
        watch(&mut self.workers[processes], &awaited).expect("it comes");
    }

    /// Takes permits of a limiter that gives none back, each from another process in turn, until it has so many or is denied.
    /// Returns how many it was given, and of how many nobody knows.
    pub(crate) fn spend(&mut self, limiter: &RateLimiterConfig, most: u64) -> (u64, u64) {
        let (mut given, mut unknown) = (0, 0);
        for turn in 0.. {
            let worker = &mut self.workers[turn % PROCESSES];
            match worker.decide(ask(limiter, KEY)) {
                Ok(decided) if decided.is_allowed() => given += 1,
                Ok(_) => break,
                Err(_) => unknown += 1,
            }
            if given == most || unknown == 100 {
                break;
            }
        }
        (given, unknown)
    }

    /// How many permits of a load's limiter count, by what the store says.
    fn count(&mut self, load: &Load) -> u64 {
        for _ in 0..100 {
            if let Ok(decided) = self.workers[0].peek(ask(&load.limiter, &load.key)) {
                return decided.count.into();
            }
        }
        panic!("the store does not say what counts");
    }

    /// Lets the loads and the processes end.
    pub(crate) fn end(mut self) -> Aftermath {
        let endured: Vec<Endured> =
            self.workers.iter_mut().map(|worker| worker.stop().expect("the loads end")).collect();
        let tally = self.loads.iter().find(|load| load.limiter.name == TALLY).expect("it is among them").clone();
        let counted = self.count(&tally);
        for worker in self.workers {
            worker.finish().expect("the process ends well");
        }
        Aftermath::new(self.loads, endured, counted)
    }
}

fn ask(limiter: &RateLimiterConfig, key: &str) -> Decide {
    let (limiter, key) = (limiter.clone(), key.to_owned());
    Decide { limiter, key, cost: 1, priority: 0, ticket: None, wait_ms: 0 }
}

/// What became of the loads in all processes.
pub(crate) struct Aftermath {
    tolls: Vec<(Load, Toll)>,
    /// What the store says of the tally at the end.
    counted: u64,
}

impl Aftermath {
    fn new(loads: Vec<Load>, endured: Vec<Endured>, counted: u64) -> Self {
        let mut tolls: Vec<(Load, Toll)> = loads.into_iter().map(|load| (load, Toll::default())).collect();
        for one in endured {
            assert_eq!((one.diverged, one.foreign), (0, 0));
            for (sum, toll) in tolls.iter_mut().zip(one.tolls) {
                sum.1.merge(toll);
            }
        }
        Self { tolls, counted }
    }

    /// What holds whatever has failed: every call has ended in time, and in each line of the store every limiter has kept its
    /// promise.
    pub(crate) fn kept_promises_in(&self, lines: &[Line]) {
        self.kept_promises_by(|_| lines.to_vec());
    }

    /// The same where the lines differ by load.
    pub(crate) fn kept_promises_by(&self, lines_of: impl Fn(&Load) -> Vec<Line>) {
        self.demand(self.ended_in_time());
        for (load, toll) in &self.tolls {
            for limit in &load.limiter.limits {
                let kept = line::check(Promise::of(limit), &toll.admitted, &lines_of(load));
                self.demand(kept.with_context(|| format!("{:?}", load.limiter.name)));
            }
        }
    }

    /// Of a store that has lost nothing: the promises hold without slack, and each permit that was given is charged, by the store
    /// or afterwards. Those of calls that the store did not answer may be.
    pub(crate) fn kept_promises(&self) {
        self.kept_promises_in(&[Line::whole()]);
        let (given, unheard) = (self.given(), self.unheard());
        let is_so = (given..=given + unheard).contains(&self.counted);
        self.demand(is_so.then_some(()).with_context(|| {
            format!("{given} permits were given, {unheard} not heard of, {} are charged", self.counted)
        }));
    }

    /// What was let go without the store kept this promise, and all that was let go kept that one.
    pub(crate) fn kept_alone_and_together(&self, load: &str, alone: Promise, together: Promise) {
        let (_, toll) = self.tolls.iter().find(|(other, _)| other.limiter.name == load).expect("there is such a load");
        let all = [toll.admitted.as_slice(), &toll.degraded].concat();
        for (promise, calls, what) in [(alone, &toll.degraded, "without the store"), (together, &all, "in all")] {
            self.demand(promise.check_decisions(calls).with_context(|| format!("{load} {what}, by decisions")));
            self.demand(promise.check_calls(calls).with_context(|| format!("{load} {what}, by calls")));
        }
    }

    /// Each permit that was given is charged, and no other.
    pub(crate) fn failures_charged_nothing(&self) {
        let given = self.given();
        let why = || format!("{given} permits were given, {} are charged", self.counted);
        self.demand((self.counted == given).then_some(()).with_context(why));
    }

    /// Calls that failed were charged all the same.
    pub(crate) fn failures_charged_something(&self) {
        let given = self.given();
        self.demand((self.counted > given).then_some(()).with_context(|| format!("{given} given and charged")));
    }

    /// All calls that failed did so in words that contain one of these.
    pub(crate) fn failed_only_by(&self, words: &[&str]) {
        let is_one = |text: &String| words.iter().any(|words| text.contains(words));
        let others: Vec<_> = self.failures().into_keys().filter(|text| !is_one(text)).collect();
        self.demand(others.is_empty().then_some(()).with_context(|| format!("other failures: {others:?}")));
    }

    /// All that failed, by what the errors say.
    pub(crate) fn failures(&self) -> BTreeMap<String, Failures> {
        let mut all = Toll::default();
        for (_, toll) in &self.tolls {
            all.merge(Toll { failures: toll.failures.clone(), ..Toll::default() });
        }
        all.failures
    }

    /// The loads and what became of each.
    pub(crate) fn tolls(&self) -> &[(Load, Toll)] {
        &self.tolls
    }

    fn ended_in_time(&self) -> Result<()> {
        for (load, toll) in &self.tolls {
            let name = &load.limiter.name;
            println!(
                "{name}: {} admitted, {} denied, the longest took {} us",
                toll.admitted.len(),
                toll.denied,
                toll.longest_us
            );
            let wait_ms = if load.waits { QUEUE_MS } else { 0 };
            let most = Duration::from_millis(LIMIT_MS + wait_ms) + SLACK;
            ensure!(Duration::from_micros(toll.longest_us) <= most, "a call of {name} took {} us", toll.longest_us);
        }
        Ok(())
    }

    fn tally(&self) -> &Toll {
        let tally = self.tolls.iter().find(|(load, _)| load.limiter.name == TALLY);
        &tally.expect("the tally is among the loads").1
    }

    /// The permits of the tally that were given, be it without the store: then they are charged once it is back.
    fn given(&self) -> u64 {
        let tally = self.tally();
        tally.admitted.iter().chain(&tally.degraded).map(|call| call.cost).sum()
    }

    /// The permits of the tally of which the store's answer was not heard.
    fn unheard(&self) -> u64 {
        let tally = self.tally();
        // Each of its calls asks for one.
        tally.failed_permits() + tally.degraded.len() as u64 + tally.degraded_denied
    }

    /// Shows all there is to see where something is not as it should be.
    pub(crate) fn demand(&self, result: Result<()>) {
        let Err(error) = result else { return };
        let all: Vec<_> = self.tolls.iter().map(|(load, toll)| (&load.limiter.name, toll)).collect();
        let name = thread::current().name().unwrap_or("test").replace("::", "-");
        let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.json"));
        let written = serde_json::to_vec(&all).map_err(Into::into).and_then(|json| std::fs::write(&file, json));
        panic!("{error:#}\nfailures: {:#?}\nall calls: {} ({written:?})", self.failures(), file.display());
    }
}
