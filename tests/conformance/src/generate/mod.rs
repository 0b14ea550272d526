//! Cases by seed: settings and scripts that nobody thought of. What is right there is not known;
//! that all hosts say the same is.

mod random;

use serde::Serialize;
use serde_json::Value;

pub(crate) use self::random::Random;
use crate::protocol::{Host, PolicySettings, Run, START_US, Step, StoreKind};
use crate::strategies::GENERATORS;

/// How many calls a generated case makes, about: a breaker on several hosts makes a few more.
pub const CALLS: usize = 100;

/// Makes settings, and what calls by them.
pub(crate) type Generator = fn(&mut Random) -> Generated;

/// Settings that are valid, and calls of the policy that has them.
pub(crate) struct Generated {
    pub(crate) kind: &'static str,
    pub(crate) config: Value,
    /// How far calls should be apart for them.
    pub(crate) pace_us: u64,
    /// Adds a call, or several that belong together.
    pub(crate) next: Box<dyn FnMut(&mut Script)>,
}

/// The case `index` of a seed. It is the same for ever.
pub fn run(seed: u64, index: u64) -> Run {
    let mut random = Random::new(seed.wrapping_add(index.wrapping_mul(0xd134_2543_de82_ef95)));
    let store = if index.is_multiple_of(2) { StoreKind::Memory } else { StoreKind::Ledger };
    let hosts = hosts(&mut random, store);
    let generate = random.weighted(&GENERATORS);
    let Generated { kind, config, pace_us, mut next } = generate(&mut random);
    let mut script = Script { random, pace_us, hosts: hosts.len(), now_us: START_US, steps: Vec::new() };
    while script.steps.len() < CALLS {
        script.pause();
        next(&mut script);
    }
    Run {
        case: format!("generated/{seed}/{index}"),
        store,
        at_us: START_US,
        hosts,
        policies: vec![PolicySettings { id: "policy".to_owned(), kind: kind.to_owned(), config }],
        replies: Vec::new(),
        steps: script.steps,
    }
}

/// The same run where no ledger is in between: on the cells themselves, by one clock.
pub fn direct(run: &Run) -> Run {
    let hosts = run.hosts.iter().map(|_| Host { offset_us: 0 }).collect();
    Run { store: StoreKind::Memory, hosts, ..run.clone() }
}

/// One to three; on a distant store with clocks of their own, up to a minute off.
fn hosts(random: &mut Random, store: StoreKind) -> Vec<Host> {
    let count = 1 + random.below(3);
    let mut host = || match store {
        StoreKind::Memory => Host { offset_us: 0 },
        _ => Host { offset_us: random.below(120_000_001).cast_signed() - 60_000_000 },
    };
    (0..count).map(|_| host()).collect()
}

/// A script in the making.
pub(crate) struct Script {
    pub(crate) random: Random,
    /// About how far calls are apart that mean something to each other.
    pace_us: u64,
    pub(crate) hosts: usize,
    now_us: u64,
    steps: Vec<Step>,
}

impl Script {
    /// Lets time pass before the next call.
    fn pause(&mut self) {
        let pace_us = self.pace_us;
        self.now_us += match self.random.below(100) {
            0..35 => 0,
            35..75 => self.random.below(pace_us / 10 + 1),
            75..96 => self.random.below(pace_us + 1),
            _ => self.random.below(3 * pace_us + 1),
        };
    }

    /// One of the hosts.
    pub(crate) fn host(&mut self) -> usize {
        self.random.index(self.hosts)
    }

    /// The number of the step that is added next.
    pub(crate) fn next_step(&self) -> usize {
        self.steps.len()
    }

    /// Adds a call.
    pub(crate) fn push(&mut self, host: usize, call: &impl Serialize) {
        let step = Step::of(self.now_us, host, "policy", call).expect("a call is JSON");
        self.steps.push(step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_cases_for_ever() {
        let texts: Vec<String> =
            (0..64).map(|index| serde_json::to_string(&run(7, index)).expect("a run is JSON")).collect();
        let again = serde_json::to_string(&run(7, 3)).expect("a run is JSON");
        assert_eq!(again, texts[3]);
        // FNV-1a of their texts. It changes with the members of a run, and may not change with what
        // is in them.
        let hash = texts
            .concat()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        assert_eq!(format!("{hash:016x}"), "7fa4684cfbe6d6d0");
    }
}
