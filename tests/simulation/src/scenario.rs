//! What happens in a run: who does what to which policies, and what goes wrong meanwhile.

use std::collections::BTreeSet;

use crate::clock;
use crate::strategies::policies::{Policies, Target};

/// All that decides a run, next to the code under test.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Where it came from.
    pub seed: u64,
    /// What was taken away from what the seed gives.
    pub cuts: Cuts,
    /// The clock of each host.
    pub hosts: Vec<clock::Error>,
    /// The network without faults.
    pub network: Network,
    /// How all hosts are set.
    pub settings: Settings,
    /// What is called.
    pub policies: Policies,
    /// Those who call.
    pub actors: Vec<Actor>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Keys that are asked for all at once.
    pub bursts: Vec<Burst>,
}

/// Parts taken away from a scenario, by their numbers, to find out whether they matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cuts {
    /// Hosts that nobody calls on.
    pub hosts: BTreeSet<usize>,
    /// Actors that do nothing.
    pub actors: BTreeSet<usize>,
    /// Faults that do not happen.
    pub faults: BTreeSet<usize>,
    /// The most calls of an actor; 0: as many as the seed gives.
    pub calls: u32,
}

/// How long messages take.
#[derive(Debug, Clone, Copy)]
pub struct Network {
    /// At least this many microseconds one way.
    pub least_us: u64,
    /// Up to this many more.
    pub spread_us: u64,
    /// This many messages in a thousand take up to ten times as long.
    pub slow_per_mille: u64,
}

/// How a host is set: what decides how often it meets itself, and what it remembers.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Calls that go out together at most. Small, so that calls that meet are spread over several
    /// batches.
    pub max_batch: usize,
    /// Entities that it remembers at most.
    pub max_known: usize,
    /// How old what it knows may be to refuse a call on, in milliseconds.
    pub max_staleness_ms: u64,
}

/// One who calls, on one host.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Its number, which its chances follow from.
    pub number: usize,
    /// Where it runs.
    pub host: usize,
    /// What it calls.
    pub target: Target,
    /// How often.
    pub calls: u32,
    /// The longest pause between two calls on average, in microseconds.
    pub pause_us: u64,
    /// This many calls come in a row, without a pause between them: those who rush fill a limit
    /// that had room a moment ago.
    pub rush: u32,
    /// The costs of its calls go up to this.
    pub most_cost: u32,
    /// Calls in a thousand that are dropped before they end.
    pub drops_per_mille: u64,
    /// Admissions in a thousand that are given back, or cancelled.
    pub returns_per_mille: u64,
    /// Guarded operations in a thousand that fail.
    pub failures_per_mille: u64,
    /// Calls in a thousand that order something, where there are orders.
    pub orders_per_mille: u64,
}

/// A call on each of many keys, all at once.
#[derive(Debug, Clone)]
pub struct Burst {
    /// On which host.
    pub host: usize,
    /// When, in microseconds since the start.
    pub at_us: u64,
    /// On how many keys.
    pub keys: u64,
}

/// Something that goes wrong for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Its number in the scenario.
    pub number: usize,
    /// From when on, in microseconds since the start.
    pub from_us: u64,
    /// Until when.
    pub until_us: u64,
    /// What.
    pub kind: FaultKind,
}

/// What can go wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// Requests are lost, this many in a thousand.
    LostRequests(u64),
    /// Replies are lost, this many in a thousand: the commit has happened.
    LostReplies(u64),
    /// Requests arrive twice, this many in a thousand, the second time up to 200 ms later.
    Duplicates(u64),
    /// Messages take up to this many microseconds longer, and so overtake each other.
    Slow(u64),
    /// A host cannot reach the store, nor the store it.
    Partition(usize),
    /// The store is down, and comes back empty.
    Restart,
    /// The store is down; a replica takes over that lacks the last `lag_us` and whose clock differs
    /// by `shift_us`.
    Failover {
        /// What is lost, in microseconds before the fault.
        lag_us: u64,
        /// How far the new clock is ahead of the old one.
        shift_us: i64,
    },
    /// A host dies with all that it holds, and starts anew.
    HostCrash(usize),
    /// A host's clock jumps.
    ClockJump(usize, i64),
    /// The store takes nothing in, and after it all that came meanwhile.
    Pause,
    /// A host is busy with something else: it hears and does nothing.
    Busy(usize),
    /// The store runs out of memory, and each cell goes with a chance of this many in a thousand.
    Evict(u64),
}

impl Scenario {
    /// The latest time at which a fault ends.
    pub fn healed_us(&self) -> u64 {
        self.faults.iter().map(|fault| fault.until_us).max().unwrap_or(0)
    }

    /// Until when a host is busy that is at a time.
    pub fn busy_until_us(&self, host: usize, now_us: u64) -> Option<u64> {
        let busy = self.faults.iter().filter(|fault| fault.kind == FaultKind::Busy(host));
        busy.filter(|fault| (fault.from_us..fault.until_us).contains(&now_us)).map(|fault| fault.until_us).max()
    }

    /// The scenario without some of its parts. What is left goes by the same chances as before.
    #[must_use]
    pub fn cut(mut self, cuts: &Cuts) -> Self {
        let gone = |actor: &Actor| cuts.actors.contains(&actor.number) || cuts.hosts.contains(&actor.host);
        self.actors.retain(|actor| !gone(actor));
        self.faults.retain(|fault| !cuts.faults.contains(&fault.number));
        self.bursts.retain(|burst| !cuts.hosts.contains(&burst.host));
        for actor in &mut self.actors {
            actor.calls = if cuts.calls == 0 { actor.calls } else { actor.calls.min(cuts.calls) };
        }
        self.cuts = cuts.clone();
        self
    }

    /// The arguments that make this scenario again.
    pub fn arguments(&self) -> String {
        let list = |parts: &BTreeSet<usize>| parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let Cuts { hosts, actors, faults, calls } = &self.cuts;
        let mut words = vec![format!("--seed {}", self.seed)];
        for (name, parts) in [("hosts", hosts), ("actors", actors), ("faults", faults)] {
            words.extend((!parts.is_empty()).then(|| format!("--without-{name} {}", list(parts))));
        }
        words.extend((*calls > 0).then(|| format!("--calls {calls}")));
        words.join(" ")
    }

    /// What is in it, one part a line.
    pub fn described(&self) -> String {
        let actors = self.actors.iter().map(|of| {
            let clock::Error { offset_us, drift_ppm } = self.hosts[of.host];
            let host = format!("host {} ({offset_us} us off, {drift_ppm} ppm fast)", of.host);
            format!("actor {} on {host}: {:?}, {} calls, {} in a row", of.number, of.target, of.calls, of.rush)
        });
        let faults = self
            .faults
            .iter()
            .map(|of| format!("fault {} from {} to {} us: {:?}", of.number, of.from_us, of.until_us, of.kind));
        let settings = std::iter::once(format!("{:?}", self.settings));
        let bursts = self.bursts.iter().map(|burst| format!("{burst:?}"));
        let lines = settings.chain(bursts).chain(self.policies.described()).chain(actors).chain(faults);
        lines.flat_map(|line| ["  ".to_owned(), line, "\n".to_owned()]).collect()
    }
}
