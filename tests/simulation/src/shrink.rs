//! What a failure needs: the scenario without all parts whose absence leaves the same promise
//! broken.

use std::collections::BTreeSet;

use crate::checks::{self, Violation};
use crate::generate;
use crate::run::{self, Trial};
use crate::scenario::{Cuts, Scenario};

/// How often a scenario is run again at most.
const MAX_RUNS: u32 = 300;

/// A scenario in which a promise was broken.
#[derive(Debug)]
pub struct Failure {
    /// The scenario.
    pub scenario: Scenario,
    /// What was found.
    pub violation: Violation,
}

impl Failure {
    /// Runs a scenario; the first promise that was broken, if any was.
    pub fn find(scenario: Scenario, trial: &Trial) -> Option<Self> {
        let record = run::run(scenario, trial);
        let violation = checks::check(&record).into_iter().next()?;
        Some(Self { scenario: record.scenario, violation })
    }

    /// Takes away what does not matter.
    #[must_use]
    pub fn shrunk(self, trial: &Trial) -> Self {
        let mut shrinking = Shrinking { failure: self, trial, runs: 0 };
        shrinking.whole();
        shrinking.failure
    }

    /// What happened, and how to see it again. `extra` are the arguments that are not the
    /// scenario's.
    pub fn report(&self, extra: &str) -> String {
        let (promise, what) = (self.violation.promise, &self.violation.what);
        let arguments = self.scenario.arguments();
        format!(
            "broken: {promise}\n  {what}\n{}replay: cargo xtask simulate {arguments}{extra}\n",
            self.scenario.described()
        )
    }
}

struct Shrinking<'a> {
    failure: Failure,
    trial: &'a Trial,
    runs: u32,
}

impl Shrinking<'_> {
    /// Takes away part after part, the large ones first, until none can go.
    fn whole(&mut self) {
        loop {
            let before = self.failure.scenario.cuts.clone();
            self.each(|scenario| scenario.faults.iter().map(|fault| fault.number).collect(), |cuts| &mut cuts.faults);
            self.each(|scenario| scenario.actors.iter().map(|actor| actor.host).collect(), |cuts| &mut cuts.hosts);
            self.each(|scenario| scenario.actors.iter().map(|actor| actor.number).collect(), |cuts| &mut cuts.actors);
            self.calls();
            if before == self.failure.scenario.cuts || self.runs >= MAX_RUNS {
                return;
            }
        }
    }

    fn each(&mut self, parts: fn(&Scenario) -> BTreeSet<usize>, of: fn(&mut Cuts) -> &mut BTreeSet<usize>) {
        for part in parts(&self.failure.scenario) {
            let mut cuts = self.failure.scenario.cuts.clone();
            of(&mut cuts).insert(part);
            self.attempt(&cuts);
        }
    }

    fn calls(&mut self) {
        loop {
            let most = self.failure.scenario.actors.iter().map(|actor| actor.calls).max().unwrap_or(0);
            let calls = most / 2;
            if calls == 0 || !self.attempt(&Cuts { calls, ..self.failure.scenario.cuts.clone() }) {
                return;
            }
        }
    }

    /// Keeps the cuts if the same promise is broken without the parts.
    fn attempt(&mut self, cuts: &Cuts) -> bool {
        self.runs += 1;
        if self.runs > MAX_RUNS {
            return false;
        }
        let scenario = generate::scenario(self.failure.scenario.seed).cut(cuts);
        match Failure::find(scenario, self.trial) {
            Some(failure) if failure.violation.promise == self.failure.violation.promise => {
                self.failure = failure;
                true
            }
            _ => false,
        }
    }
}
