//! The metrics cell: what was counted of the calls, as a short text.
//!
//! ```text
//! m1 since=<us> at=<us> consecutive=<n> [last-failure=<us>] [failures=<newest us>,<us before it>,...]
//!    [calls=<runs> | window=<steps>]
//! ```
//!
//! `since` is the generation in which the counts began. Where the state cell says another, the
//! counts were cleared since, and all of them are 0. The time of the last failure still holds.

use alloc::collections::VecDeque;
use alloc::string::String;
use core::fmt::Write;

use super::rules::{Counts, Rules};
use super::{AHEAD_US, DAY_MS, MAX_REMEMBERED};
use crate::parts::sample::{Outcome, Recent};
use crate::text::{Words, number};

/// What the metrics cell holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Metrics {
    since: u64,
    /// The latest time that the cell was written at.
    pub(super) at_us: u64,
    consecutive: u32,
    pub(super) last_failure_us: Option<u64>,
    /// When the last failures came, the oldest first.
    failures: VecDeque<u64>,
    recent: Recent,
}

impl Metrics {
    /// What an absent cell means.
    pub(super) fn absent(rules: &Rules, since: u64) -> Self {
        let recent = Recent::empty(rules.sample);
        Self { since, at_us: 0, consecutive: 0, last_failure_us: None, failures: VecDeque::new(), recent }
    }

    /// These metrics as the rules and the state cell want them now.
    pub(super) fn adapted(mut self, rules: &Rules, since: u64) -> Self {
        if self.since != since {
            self.since = since;
            self.clear();
        }
        self.recent = self.recent.adapted(rules.sample);
        self
    }

    /// Forgets the counts, but not when the last failure was.
    pub(super) fn clear(&mut self) {
        self.consecutive = 0;
        self.failures.clear();
        self.recent = Recent::Nothing;
    }

    /// Forgets what is too old by now.
    pub(super) fn slide(&mut self, rules: &Rules, now_us: u64) {
        let (most, within_us) = rules.failures.map_or((0, 0), |rule| (rule.count as usize, rule.within_ms * 1_000));
        self.failures.drain(..self.failures.len().saturating_sub(most));
        while self.failures.front().is_some_and(|failure_us| now_us.saturating_sub(*failure_us) >= within_us) {
            self.failures.pop_front();
        }
        self.recent.slide(now_us);
    }

    /// Counts an outcome that came now, which is not before [`Self::at_us`]; false: that changed
    /// nothing.
    pub(super) fn count(&mut self, rules: &Rules, outcome: Outcome, now_us: u64) -> bool {
        let sampled = self.recent.add(outcome, now_us);
        let changed = sampled || outcome.failed || self.consecutive > 0;
        if outcome.failed {
            self.consecutive = self.consecutive.saturating_add(1);
            self.last_failure_us = Some(now_us);
            self.failures.push_back(now_us);
        } else if !outcome.given_up {
            self.consecutive = 0;
        }
        self.slide(rules, now_us);
        if changed {
            self.at_us = now_us;
        }
        changed
    }

    /// The counts at the time of the last [`Self::slide`].
    pub(super) fn counts(&self) -> Counts {
        let failures = u32::try_from(self.failures.len()).unwrap_or(u32::MAX);
        Counts { failures, consecutive: self.consecutive, sample: self.recent.tally() }
    }

    /// The text of the cell.
    pub(super) fn encode(&self) -> String {
        let mut text = String::new();
        let _ = write!(text, "m1 since={} at={} consecutive={}", self.since, self.at_us, self.consecutive);
        if let Some(last_failure_us) = self.last_failure_us {
            let _ = write!(text, " last-failure={last_failure_us}");
        }
        let mut next_us = None;
        for failure_us in self.failures.iter().rev() {
            let _ = match next_us {
                None => write!(text, " failures={failure_us}"),
                Some(next_us) => write!(text, ",{}", failure_us.abs_diff(next_us)),
            };
            next_us = Some(*failure_us);
        }
        self.recent.encode(&mut text);
        text
    }

    /// Reads a text at a time. `None`: it is not ours, or cannot be true.
    pub(super) fn decode(text: &str, clock_us: u64) -> Option<Self> {
        let mut words = Words::of(text)?;
        (words.word()? == "m1").then_some(())?;
        let (since, at_us) = (words.number("since")?, words.number("at")?);
        let consecutive = words.small("consecutive")?;
        let last_failure_us = words.optional("last-failure").map(number);
        let failures = words.optional("failures").map_or(Some(VecDeque::new()), decode_failures)?;
        let recent = Recent::decode(&mut words, at_us)?;
        words.end()?;
        let metrics = Self { since, at_us, consecutive, last_failure_us: last_failure_us.flatten(), failures, recent };
        let whole = last_failure_us.is_none() || metrics.last_failure_us.is_some();
        (whole && metrics.is_plausible(clock_us)).then_some(metrics)
    }

    fn is_plausible(&self, clock_us: u64) -> bool {
        let latest_us = self.failures.back().copied().max(self.last_failure_us);
        latest_us.is_none_or(|us| us <= self.at_us) && self.at_us <= clock_us.saturating_add(AHEAD_US)
    }

    /// How long counts have a use under these rules, and with them the cell.
    pub(super) fn counts_ms(rules: &Rules) -> u64 {
        if rules.counts_without_age() { super::FORGOTTEN_MS } else { DAY_MS }
    }
}

fn decode_failures(list: &str) -> Option<VecDeque<u64>> {
    let mut failures: VecDeque<u64> = VecDeque::new();
    for text in list.split(',') {
        let number = number(text)?;
        let failure_us = failures.front().map_or(Some(number), |next_us| next_us.checked_sub(number))?;
        failures.push_front(failure_us);
    }
    (failures.len() <= MAX_REMEMBERED as usize).then_some(failures)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec;

    use proptest::prelude::*;

    use super::Metrics;
    use crate::circuit_breaker::config::{Config, FailureCount, FailureRate, HalfOpen, Mode, Others, ProbeRule, Trip};
    use crate::circuit_breaker::rules::Rules;
    use crate::parts::sample::{Outcome, Sample};

    const NOW_US: u64 = 1_700_000_000_000_000;

    fn rules(count: u32, sample: Option<Sample>) -> Rules {
        let trip = Trip {
            failures: Some(FailureCount { count, within_ms: 1_000 }),
            consecutive: Some(3),
            failure_rate: sample.map(|_| FailureRate { percent: 50.0 }),
            slow_rate: None,
            sample: sample.unwrap_or(Sample::Calls(1)),
            minimum_calls: 1,
        };
        let half_open = HalfOpen { probes: 1, successes: 1, permit_ms: 1, rule: ProbeRule::FirstFailure };
        let (monitored, others, ignored, mode) = (vec![], Others::Ignored, vec![], Mode::Normal);
        let config = Config { trip, open_ms: 1, backoff: None, half_open, monitored, others, ignored, mode };
        Rules::new(&config).expect("sound")
    }

    fn sample() -> impl Strategy<Value = Option<Sample>> {
        prop_oneof![Just(None), Just(Some(Sample::Calls(20))), Just(Some(Sample::WindowMs(1_000)))]
    }

    proptest! {
        #[test]
        fn metrics_survive_their_text(
            sample in sample(),
            calls in prop::collection::vec((any::<(bool, bool)>(), 0..50_000_u64), 0..100),
        ) {
            let rules = rules(50, sample);
            let mut metrics = Metrics::absent(&rules, 7);
            let mut now_us = NOW_US;
            for ((failed, slow), passed_us) in calls {
                now_us += passed_us;
                metrics.count(&rules, Outcome { failed, slow, given_up: false }, now_us);
            }
            let text = metrics.encode();
            let read = Metrics::decode(&text, now_us).map(|read| read.adapted(&rules, 7));
            prop_assert!(text.is_ascii());
            prop_assert_eq!(read.map(|read| (read.encode(), read.counts())), Some((text, metrics.counts())));
        }

        #[test]
        fn no_text_panics(words in prop::collection::vec(r"m1|since=1|at=[0-9]{1,20}|[a-z-]{1,9}=[0-9a-z/@:,]{0,30}|\PC", 0..9)) {
            let text: String = words.join(" ");
            let _ = Metrics::decode(&text, NOW_US);
        }
    }

    #[test]
    fn only_the_failures_that_can_still_count_are_kept() {
        let rules = rules(3, None);
        let mut metrics = Metrics::absent(&rules, 0);
        for passed_ms in [0, 900, 950, 999, 1_000] {
            let failed = Outcome { failed: true, slow: false, given_up: false };
            metrics.count(&rules, failed, NOW_US + passed_ms * 1_000);
        }
        let newest_us = NOW_US + 1_000_000;
        let expected =
            format!("m1 since=0 at={newest_us} consecutive=5 last-failure={newest_us} failures={newest_us},1000,49000");
        assert_eq!(metrics.encode(), expected);
    }

    #[test]
    fn refuses_what_cannot_be_true() {
        let day_after = NOW_US + 86_400_000_001;
        for text in [
            "",
            "m1",
            "m2 since=0 at=1 consecutive=0",
            "m1 since=0 at=1",
            "m1 since=0 at=1 consecutive=-1",
            "m1 since=0 at=1 consecutive=4294967296",
            "m1 since=0 at=1 consecutive=0 last-failure=2",
            "m1 since=0 at=1 consecutive=0 last-failure=x",
            "m1 since=0 at=1 consecutive=0 failures=",
            "m1 since=0 at=1 consecutive=0 failures=2",
            "m1 since=0 at=9 consecutive=0 failures=2,3",
            "m1 since=0 at=1 consecutive=0 calls=o window=1@1:1/0/0",
            "m1 since=0 at=1 consecutive=0 more=1",
            &format!("m1 since=0 at={day_after} consecutive=0"),
            &format!("m1 since=0 at=1 consecutive=0 failures=1{}", ",0".repeat(1_000)),
        ] {
            assert_eq!(Metrics::decode(text, NOW_US), None, "{text}");
        }
        assert!(
            Metrics::decode(&format!("m1 since=0 at=1 consecutive=0 failures=1{}", ",0".repeat(999)), NOW_US).is_some()
        );
    }
}
