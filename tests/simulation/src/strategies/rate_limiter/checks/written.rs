//! Records of a limiter, written by hand.

use tidegate::{Decision, Limit, RateLimiterConfig, Verdict};

pub(super) use crate::checks::written::{START_US, TAG};
use crate::checks::written::{add, nothing};
use crate::record::Record;
use crate::strategies::asked::{Answer, Ask};
use crate::strategies::policies::Policies;

/// A record of calls on one key, of which each has a commit of its own.
pub(super) struct Written {
    pub(super) record: Record,
    pub(super) config: RateLimiterConfig,
}

impl Written {
    pub(super) fn new(config: RateLimiterConfig) -> Self {
        let policies = Policies { limiters: vec![config.clone()], breakers: Vec::new() };
        Self { record: nothing(policies), config }
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
        decision.at_us = START_US + us;
        add(&mut self.record, ask, us, parent, gives, Answer::Decision(Box::new(decision)))
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
