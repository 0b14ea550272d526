//! Records written by hand, to put checkers to the test.

use tidegate::{Decision, Limit, RateLimiterConfig, Verdict};

use crate::generate;
use crate::record::{Answer, Applied, Ask, Call, Record};
use crate::scenario::Scenario;
use crate::world::World;

/// The entity that all calls are about.
pub(super) const TAG: &str = "rl:limiter:0";
/// When it begins, in microseconds since 1970.
pub(super) const START_US: u64 = 1_767_268_800_000_000;

/// A record of calls on one entity, of which each has a commit of its own.
pub(super) struct Written {
    pub(super) record: Record,
    pub(super) config: RateLimiterConfig,
}

impl Written {
    pub(super) fn new(config: RateLimiterConfig) -> Self {
        let (of_seed, limiters) = (generate::scenario(0), vec![config.clone()]);
        let (breakers, actors, faults) = (Vec::new(), Vec::new(), Vec::new());
        let scenario = Scenario { limiters, breakers, actors, faults, ..of_seed };
        Self { record: World::new(scenario, None).record(0), config }
    }

    /// A call that was decided this many microseconds after the start, by a commit on top of
    /// another, which `gives` so often.
    pub(super) fn call(
        &mut self,
        ask: Ask,
        us: u64,
        parent: Option<usize>,
        gives: u64,
        mut decision: Decision,
    ) -> usize {
        let (number, at_us) = (self.record.commits.len(), START_US + us);
        decision.at_us = at_us;
        self.record.commits.push(Applied {
            tag: TAG.to_owned(),
            at_us,
            clock_us: at_us,
            parent,
            again: false,
            gives,
            refused: false,
            moved_back: 0,
            cells: 1,
            bytes: 1,
            longest_ttl_ms: 1,
        });
        let order = 2 * self.record.calls.len() as u64;
        self.record.calls.push(Call {
            host: 0,
            actor: 0,
            tag: TAG.to_owned(),
            ask,
            asked: (us, order),
            ended: (us, order + 1),
            commit: Some(number),
            answer: Answer::Decision(Box::new(decision)),
            epilogue: false,
        });
        number
    }
}

/// A decision by which permits go at once, counted from this many microseconds after the start;
/// `None`: nothing was charged.
pub(super) fn decision(charged_us: Option<u64>, count: u32) -> Decision {
    let gate = tidegate::blocking::Tidegate::builder().build().expect("the component loads");
    let limiter = gate.rate_limiter(RateLimiterConfig::new("any", Limit::per_second(5))).expect("it is valid");
    let peek = limiter.peek("k").expect("the memory store answers");
    let charged_at_us = charged_us.map(|us| START_US + us);
    Decision { verdict: Verdict::Allowed, charged_at_us, count, remaining: 0, ..peek }
}
