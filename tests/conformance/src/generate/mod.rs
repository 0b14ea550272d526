//! Cases by seed: settings and scripts that nobody thought of. What is right there is not known;
//! that all hosts say the same is.

mod random;
mod settings;

use self::random::Random;
use self::settings::Made;
use crate::protocol::{Failure, Host, PolicyKind, PolicySettings, Run, START_US, Step, StoreKind};

/// How many calls a generated case makes, about: a breaker on several hosts makes a few more.
pub const CALLS: usize = 100;

/// The case `index` of a seed. It is the same for ever.
pub fn run(seed: u64, index: u64) -> Run {
    let mut random = Random::new(seed.wrapping_add(index.wrapping_mul(0xd134_2543_de82_ef95)));
    let store = if index.is_multiple_of(2) { StoreKind::Memory } else { StoreKind::Ledger };
    let hosts = hosts(&mut random, store);
    let Made { kind, config, pace_us } = settings::made(&mut random);
    let mut script = Script { random, pace_us, hosts: hosts.len(), now_us: START_US, steps: Vec::new() };
    while script.steps.len() < CALLS {
        script.next(kind);
    }
    Run {
        case: format!("generated/{seed}/{index}"),
        store,
        at_us: START_US,
        hosts,
        policies: vec![PolicySettings { id: "policy".to_owned(), kind, config }],
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
struct Script {
    random: Random,
    /// About how far calls are apart that mean something to each other.
    pace_us: u64,
    hosts: usize,
    now_us: u64,
    steps: Vec<Step>,
}

impl Script {
    /// Adds the next call.
    fn next(&mut self, kind: PolicyKind) {
        let pace_us = self.pace_us;
        self.now_us += match self.random.below(100) {
            0..35 => 0,
            35..75 => self.random.below(pace_us / 10 + 1),
            75..96 => self.random.below(pace_us + 1),
            _ => self.random.below(3 * pace_us + 1),
        };
        match kind {
            PolicyKind::Breaker => self.guard(),
            _ => self.limit(),
        }
    }

    fn step(&mut self, call: &str) -> Step {
        let mut step = Step::new(self.now_us, "policy", call, "");
        step.host = self.random.index(self.hosts);
        step
    }

    fn limit(&mut self) {
        let call = self.random.weighted(&[
            ("acquire", 34),
            ("try-acquire", 34),
            ("peek", 8),
            ("refund", 10),
            ("charge", 3),
            ("cancel", 6),
            ("come-back", 7),
            ("reset", 1),
        ]);
        let mut step = self.step(if call == "come-back" { "acquire" } else { call });
        (*self.random.pick(&["a", "a", "b", "ü:{}"])).clone_into(&mut step.key);
        step.cost = *self.random.pick(&[1, 1, 1, 1, 1, 2, 3, 0, 40]);
        step.priority = *self.random.pick(&[0, 0, 0, 1, -2, 7]);
        if let (true, Some(earlier)) = (matches!(call, "come-back" | "cancel" | "refund"), self.earlier_acquire()) {
            let asked = &self.steps[earlier];
            (step.key, step.cost, step.priority) = (asked.key.clone(), asked.cost, asked.priority);
            let of = Some(earlier);
            if call == "refund" { step.charged_by = of } else { step.ticket_of = of }
        }
        self.steps.push(step);
    }

    fn earlier_acquire(&mut self) -> Option<usize> {
        self.earlier(|step| matches!(step.call.as_str(), "acquire" | "try-acquire"))
    }

    /// One of the last twelve steps of a kind.
    fn earlier(&mut self, is_one: impl Fn(&Step) -> bool) -> Option<usize> {
        let steps = self.steps.iter().enumerate().rev().filter(|(_, step)| is_one(step));
        let found: Vec<usize> = steps.map(|(index, _)| index).take(12).collect();
        if found.is_empty() { None } else { Some(*self.random.pick(&found)) }
    }

    fn guard(&mut self) {
        let call = self.random.weighted(&[
            ("admit", 42),
            ("failed", 27),
            ("succeeded", 18),
            ("cancelled", 5),
            ("status", 5),
            ("set-mode", 2),
            ("reset", 1),
        ]);
        let mut step = self.step(call);
        if matches!(call, "failed" | "succeeded" | "cancelled") {
            step.permit_of = self.earlier(|step| step.call == "admit");
            step.elapsed_ms = *self.random.pick(&[0, 5, 5, 100, 250, 1_000, 20_000]);
        }
        if call == "failed" {
            step.error = Some(self.failure());
        }
        if call == "set-mode" {
            let modes = ["normal", "normal", "forced-open", "forced-closed", "disabled", "metrics-only"];
            step.mode = Some((*self.random.pick(&modes)).to_owned());
        }
        if matches!(call, "succeeded" | "failed") && self.hosts > 1 {
            // A success of a closed circuit, and an error that counts as one, is answered from what
            // its host knows, so let it know what the others do.
            let mut look = Step::new(self.now_us, "policy", "status", "");
            look.host = step.host;
            self.steps.push(look);
        }
        self.steps.push(step);
    }

    fn failure(&mut self) -> Failure {
        let pick = |random: &mut Random, texts: &[&str]| (*random.pick(texts)).to_owned();
        let mut failure = Failure {
            name: pick(&mut self.random, &["TimeoutError", "TypeError", "", "Fehler*ü"]),
            message: pick(&mut self.random, &["connect ECONNREFUSED 127.0.0.1:80", "not found", "", "\n\"🌊\\"]),
            code: pick(&mut self.random, &["503", "404", "", "ETIMEDOUT"]),
            ..Failure::default()
        };
        if failure.message.is_empty() {
            // What an error says is often said by its cause.
            let cause = std::mem::replace(&mut failure, Failure { name: "Wrapped".to_owned(), ..Failure::default() });
            failure.causes = vec![Failure { status: cause.code.clone(), ..cause }];
        }
        failure
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
        assert_eq!(format!("{hash:016x}"), "cc0cbb8fae8ba5e6");
    }
}
