//! What the contract promises of each algorithm, held against the permits that were given.

use tidegate_policy::rate_limiter::{Algorithm, Config, Limit, WindowUnit};

use super::limiter::{Step, capacity};

/// The permits that a key has given since what counted was last known.
#[derive(Debug)]
pub(super) struct Promise<'a> {
    config: &'a Config,
    /// Times and costs.
    given: Vec<(u64, u64)>,
}

impl<'a> Promise<'a> {
    /// Nothing was given yet.
    pub(super) fn new(config: &'a Config) -> Self {
        Self { config, given: Vec::new() }
    }

    /// Starts anew.
    pub(super) fn forget(&mut self) {
        self.given.clear();
    }

    /// Takes a step into account.
    ///
    /// # Panics
    /// Where a limit has given more than it may.
    pub(super) fn see(&mut self, step: &Step) {
        match *step {
            Step::Nothing => {}
            Step::Spoilt => self.forget(),
            Step::Refunded { cost, at_us } => {
                if let Some(place) = self.given.iter().position(|given| *given == (at_us, u64::from(cost))) {
                    self.given.remove(place);
                }
            }
            Step::Charged { cost, at_us } => {
                self.given.push((at_us, u64::from(cost)));
                self.given.sort_unstable();
                self.config.limits.iter().for_each(|limit| self.check(limit));
            }
        }
    }

    /// Every span of time that begins with a permit and ends with one.
    fn check(&self, limit: &Limit) {
        for (place, (first_us, _)) in self.given.iter().enumerate() {
            let mut sum = 0;
            for (last_us, cost) in &self.given[place..] {
                sum += cost;
                let most = most(limit, *first_us, *last_us);
                let shown = (first_us, last_us, &self.given);
                assert!(most.is_none_or(|most| sum <= most), "{sum} permits of {most:?}: {limit:?} {shown:?}");
            }
        }
    }
}

/// The most permits from one time to another, both included; none where nothing is said of such a
/// span.
fn most(limit: &Limit, first_us: u64, last_us: u64) -> Option<u64> {
    let (permits, window_us) = (u64::from(limit.limit), window_us(limit));
    let within = last_us - first_us < window_us;
    match limit.algorithm {
        Algorithm::SlidingWindow { .. } | Algorithm::SlidingLog => within.then_some(permits),
        Algorithm::FixedWindow => (first_us / window_us == last_us / window_us).then_some(permits),
        Algorithm::SlidingWindowCounter => within.then(|| (2 * permits).saturating_sub(1).max(1)),
        Algorithm::Gcra { .. } | Algorithm::TokenBucket { .. } => {
            // The shortest half-open span with both in it is a microsecond longer.
            let refilled = u128::from(last_us - first_us + 1) * u128::from(permits) / u128::from(window_us);
            Some(u64::from(capacity(limit)).saturating_add(u64::try_from(refilled).unwrap_or(u64::MAX)))
        }
    }
}

fn window_us(limit: &Limit) -> u64 {
    let unit_us = match limit.window.unit {
        WindowUnit::Millisecond => 1_000,
        WindowUnit::Second => 1_000_000,
        WindowUnit::Minute => 60_000_000,
        WindowUnit::Hour => 3_600_000_000,
        WindowUnit::Day => 86_400_000_000,
    };
    limit.window.count * unit_us
}
