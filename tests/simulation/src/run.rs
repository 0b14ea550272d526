//! One run: the hosts start, the actors work, the faults happen, and at the end it is seen whether
//! all is well again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tidegate::Tidegate;
use tokio::task::JoinHandle;

use crate::actor::{Actor, Host};
use crate::clock::{self, HostClock};
use crate::flaw::Flaw;
use crate::link::Link;
use crate::random::Random;
use crate::record::Record;
use crate::scenario::{Burst, Fault, FaultKind, Scenario, Settings};
use crate::strategies;
use crate::timeline;
use crate::world::World;

/// What is put to the test: the component that Tidegate was built with and a store without flaw,
/// unless said otherwise.
#[derive(Debug, Clone, Default)]
pub struct Trial {
    /// How the store or what is before it is wrong.
    pub flaw: Option<Flaw>,
    /// Another component.
    pub component: Option<Arc<[u8]>>,
}

/// No run goes on for longer after its last fault, in microseconds; calls that have not ended then
/// never will.
const MAX_US: u64 = 120_000_000;

/// The longest life of a lease, in microseconds.
const LEASE_US: u64 = 200_000;
/// After so long, in microseconds, a host has noticed that the store is back, and posted what it
/// owes.
const AWAY_US: u64 = 8_000_000;

/// Runs a scenario.
pub fn run(scenario: Scenario, trial: &Trial) -> Record {
    let world = World::new(scenario, trial.flaw);
    timeline::runtime().block_on(async {
        let fleet = Fleet::start(&world, trial);
        fleet.schedule();
        let healed_us = world.scenario.healed_us();
        world.timeline.pass(healed_us, || false).await;
        world.timeline.pass(healed_us + MAX_US, || fleet.is_idle()).await;
        for work in fleet.take_work() {
            heed(work).await;
        }
        rest(&world).await;
        for host in fleet.hosts() {
            finish(&world, strategies::go_without(Arc::clone(&world), host)).await;
        }
        rest(&world).await;
        world.begin_epilogue();
        for host in fleet.hosts() {
            finish(&world, strategies::revisit(Arc::clone(&world), host)).await;
        }
        let auditor = fleet.host(world.scenario.hosts.len(), clock::Error::default());
        finish(&world, strategies::audit(Arc::clone(&world), auditor)).await;
        world.record(fleet.diverged())
    })
}

/// Lets work go on until it is done, or never will be.
async fn finish(world: &World, work: impl Future<Output = ()> + Send + 'static) {
    let work = tokio::spawn(work);
    let until_us = world.timeline.now_us() + MAX_US;
    world.timeline.pass(until_us, || work.is_finished()).await;
    heed(work).await;
}

/// Goes on with a panic of what is done.
async fn heed(work: JoinHandle<()>) {
    if work.is_finished()
        && let Err(error) = work.await
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

/// Lets time pass until nothing that was charged or admitted counts any more.
async fn rest(world: &World) {
    world.timeline.pass(world.timeline.now_us() + rest_us(&world.scenario), || false).await;
}

/// After so long nothing that was charged or admitted counts any more, in microseconds.
fn rest_us(scenario: &Scenario) -> u64 {
    scenario.policies.rest_us() + LEASE_US + AWAY_US + 2_000_000
}

/// All hosts and who works on them. Clones are the same.
#[derive(Clone)]
struct Fleet {
    world: Arc<World>,
    trial: Trial,
    running: Arc<Mutex<Running>>,
}

#[derive(Default)]
struct Running {
    hosts: BTreeMap<usize, Host>,
    lives: BTreeMap<usize, u64>,
    work: Vec<(usize, JoinHandle<()>)>,
    diverged: u64,
}

impl Fleet {
    fn start(world: &Arc<World>, trial: &Trial) -> Self {
        let fleet = Self { world: Arc::clone(world), trial: trial.clone(), running: Arc::default() };
        for host in 0..world.scenario.hosts.len() {
            fleet.start_host(host);
        }
        fleet
    }

    fn host(&self, number: usize, error: clock::Error) -> Host {
        let busy = self.world.scenario.faults.iter().filter(|fault| fault.kind == FaultKind::Busy(number));
        let clock = HostClock::new(self.world.timeline.clone(), error);
        let clock = clock.busy(busy.map(|fault| (fault.from_us, fault.until_us)));
        let world = Arc::clone(&self.world);
        let mut builder = Tidegate::builder().store(Link::start(&self.world, number)).clock(clock.clone());
        let Settings { max_batch, max_known, max_staleness_ms } = self.world.scenario.settings;
        builder = builder.max_batch(max_batch).max_known(max_known);
        builder = builder.max_staleness(Duration::from_millis(max_staleness_ms));
        builder = builder.on_store_change(move |change| world.tell(number, change.after));
        // Every second fleet does without, and so asks more of a store that fails.
        if self.world.scenario.seed.is_multiple_of(2) {
            builder = builder.no_store_watch();
        }
        if let Some(component) = &self.trial.component {
            builder = builder.component(component.to_vec());
        }
        Host { number, gate: builder.build().expect("the component loads"), clock }
    }

    /// A host starts, unless it is up: where crashes overlap, the first that is over has started
    /// it.
    fn start_host(&self, number: usize) {
        if self.running.lock().hosts.contains_key(&number) {
            return;
        }
        let host = self.host(number, self.world.scenario.hosts[number]);
        let mut running = self.running.lock();
        let life = running.lives.entry(number).or_insert(0);
        *life += 1;
        let life = *life;
        for of in self.world.scenario.actors.iter().filter(|actor| actor.host == number) {
            let actor = Actor::new(&self.world, host.clone(), of.clone(), life);
            running.work.push((number, tokio::spawn(actor.work())));
        }
        running.hosts.insert(number, host);
    }

    /// A host dies: its tasks stop where they are, and nothing that they try on their way out gets
    /// through.
    fn kill_host(&self, number: usize) {
        self.world.start_life(number);
        let mut running = self.running.lock();
        let (dead, alive) = std::mem::take(&mut running.work).into_iter().partition(|(host, _)| *host == number);
        running.work = alive;
        let (host, dead): (_, Vec<_>) = (running.hosts.remove(&number), dead);
        running.diverged += host.map_or(0, |host| host.gate.stats().diverged);
        for (_, task) in dead {
            task.abort();
        }
    }

    fn hosts(&self) -> Vec<Host> {
        self.running.lock().hosts.values().cloned().collect()
    }

    fn take_work(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut self.running.lock().work).into_iter().map(|(_, work)| work).collect()
    }

    fn is_idle(&self) -> bool {
        self.running.lock().work.iter().all(|(_, task)| task.is_finished()) && self.world.all_ended()
    }

    fn diverged(&self) -> u64 {
        let running = self.running.lock();
        running.diverged + running.hosts.values().map(|host| host.gate.stats().diverged).sum::<u64>()
    }

    /// Arranges for the faults that happen at one time. The others are looked up by whoever suffers
    /// them.
    fn schedule(&self) {
        for fault in &self.world.scenario.faults {
            let (fleet, fault) = (self.clone(), fault.clone());
            let first_us = fault.from_us;
            self.world.timeline.at(first_us, move || fleet.strike(&fault));
        }
        for burst in &self.world.scenario.bursts {
            let (fleet, burst) = (self.clone(), burst.clone());
            self.world.timeline.at(burst.at_us, move || fleet.rush(burst));
        }
    }

    /// Many keys are asked for at once.
    fn rush(&self, burst: Burst) {
        let mut running = self.running.lock();
        let (Some(host), number) = (running.hosts.get(&burst.host).cloned(), burst.host) else { return };
        running.work.push((number, tokio::spawn(strategies::rush(Arc::clone(&self.world), host, burst))));
    }

    fn strike(&self, fault: &Fault) {
        let (now_us, seed) = (self.world.timeline.now_us(), self.world.scenario.seed);
        let mut random = Random::part(seed, &[5, fault.number as u64]);
        match fault.kind {
            FaultKind::Restart => self.world.with_node(crate::node::Node::restart),
            FaultKind::Failover { lag_us, shift_us } => {
                self.world.with_node(|node| node.fail_over(now_us, lag_us, shift_us));
            }
            FaultKind::Evict(per_mille) => self.world.with_node(|node| node.evict(&mut random, per_mille)),
            FaultKind::ClockJump(host, us) => {
                if let Some(host) = self.running.lock().hosts.get(&host) {
                    host.clock.jump(us);
                }
            }
            FaultKind::HostCrash(host) => {
                self.kill_host(host);
                let fleet = self.clone();
                self.world.timeline.at(fault.until_us, move || fleet.start_host(host));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;

    /// Whether an actor makes a call before its last one has ended.
    fn is_in_two_places(record: &Record) -> bool {
        let mut busy_until = BTreeMap::new();
        record.calls.iter().filter(|call| !call.epilogue).any(|call| {
            let before = busy_until.insert((call.host, call.actor), call.ended.1);
            before.is_some_and(|ended| ended > call.asked.1)
        })
    }

    #[test]
    fn a_host_whose_crashes_overlap_runs_once() {
        let crash = |number, from_us, until_us| Fault { number, from_us, until_us, kind: FaultKind::HostCrash(0) };
        for seed in 0..20 {
            let faults = vec![crash(0, 100_000, 400_000), crash(1, 300_000, 600_000)];
            let record = run(Scenario { faults, ..generate::scenario(seed) }, &Trial::default());
            assert!(!is_in_two_places(&record), "seed {seed}");
        }
    }
}
