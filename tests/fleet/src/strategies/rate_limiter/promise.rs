//! What a limiter promises, as a bound on the permits in any span of time, and whether admitted
//! calls kept it.

use anyhow::{Result, ensure};
use tidegate::{Algorithm, Limit, WindowUnit};

use super::protocol::Admitted;

/// How many permits may fall into any half-open span of time.
#[derive(Debug, Clone, Copy)]
pub struct Promise {
    limit: u64,
    window_us: u64,
    /// What a bucket may spend at once; none: windows.
    burst: Option<u64>,
    /// What may come on top, in a span of any length.
    extra: u64,
}

/// A span of time, ends included, and the permits that fell into it.
#[derive(Debug, Clone, Copy)]
struct Span {
    from_us: u64,
    to_us: u64,
    permits: u64,
}

impl Promise {
    /// What the contract says of a limit.
    pub fn of(limit: &Limit) -> Self {
        let unit_us = match limit.window {
            WindowUnit::Millisecond => 1_000,
            WindowUnit::Second => 1_000_000,
            WindowUnit::Minute => 60_000_000,
            WindowUnit::Hour => 3_600_000_000,
            WindowUnit::Day => 86_400_000_000,
        };
        let permits = u64::from(limit.limit);
        let (limit_of_window, burst) = match limit.algorithm {
            Algorithm::SlidingWindow { .. } | Algorithm::SlidingLog => (permits, None),
            Algorithm::Gcra { burst } | Algorithm::TokenBucket { burst } => {
                (permits, Some(burst.map_or(permits, u64::from)))
            }
            Algorithm::FixedWindow => (2 * permits, None),
            Algorithm::SlidingWindowCounter => (2 * permits - 1, None),
        };
        Self { limit: limit_of_window, window_us: unit_us * limit.window_count, burst, extra: 0 }
    }

    /// With this many permits on top, once.
    #[must_use]
    pub fn and(self, extra: u64) -> Self {
        Self { extra: self.extra + extra, ..self }
    }

    /// What holds over the time of this many stores that do not know of each other: that of a store
    /// which forgot all it knew once is that of two.
    #[must_use]
    pub fn times(self, stores: u64) -> Self {
        Self { limit: self.limit * stores, burst: self.burst.map(|burst| burst * stores), ..self }
    }

    /// The most permits that may fall into a half-open span of this length.
    pub fn most_in(&self, span_us: u64) -> u64 {
        let most = match self.burst {
            None => self.limit * span_us.div_ceil(self.window_us),
            Some(burst) => burst + span_us * self.limit / self.window_us,
        };
        most + self.extra
    }

    /// Checks the times of the decisions, exactly: they are on the one clock of the store.
    ///
    /// # Errors
    /// Names a span that holds too many.
    pub fn check_decisions(&self, admitted: &[Admitted]) -> Result<()> {
        let span = |call: &Admitted| Span { from_us: call.at_us, to_us: call.at_us, permits: call.cost };
        self.check_spans(admitted.iter().map(span).collect(), 0)
    }

    /// Checks what the workers measured around their calls by the machine's clock. Only calls that
    /// lie in a span with both ends fell into it for certain.
    ///
    /// A host decides at the latest time that it knows the store's clock to have reached, so a
    /// decision may be a little older than its call. By as much as any was older, a span of
    /// decisions may be longer than one of calls.
    ///
    /// # Errors
    /// Names a span that holds too many, or a call that was decided ahead of the store's clock.
    pub fn check_calls(&self, admitted: &[Admitted]) -> Result<()> {
        for call in admitted {
            ensure!(call.at_us <= call.end_us, "decided {} us ahead of its end: {call:?}", call.at_us - call.end_us);
        }
        let lag_us = admitted.iter().map(|call| call.start_us.saturating_sub(call.at_us)).max().unwrap_or(0);
        ensure!(lag_us < self.window_us, "decisions lag by {lag_us} us, so the calls show nothing");
        let span = |call: &Admitted| Span { from_us: call.start_us, to_us: call.end_us, permits: call.cost };
        self.check_spans(admitted.iter().map(span).collect(), lag_us)
    }

    /// From each start on, adds up what had ended by each end.
    fn check_spans(&self, mut spans: Vec<Span>, lag_us: u64) -> Result<()> {
        spans.sort_by_key(|span| span.to_us);
        for first in &spans {
            let mut sum = 0;
            for span in spans.iter().filter(|span| span.from_us >= first.from_us) {
                sum += span.permits;
                let length_us = span.to_us - first.from_us + 1;
                let most = self.most_in(length_us + lag_us);
                ensure!(sum <= most, "{sum} permits in {length_us} us from {}, at most {most}", first.from_us);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn calls(times_us: &[u64]) -> Vec<Admitted> {
        let call = |at_us: &u64| Admitted {
            cost: 1,
            at_us: *at_us,
            start_us: *at_us,
            end_us: *at_us + 5,
            ..Admitted::default()
        };
        times_us.iter().map(call).collect()
    }

    fn two_in_a_millisecond(algorithm: Algorithm) -> Promise {
        Promise::of(&Limit::per(2, Duration::from_millis(1)).by(algorithm))
    }

    #[test]
    fn a_window_is_half_open() {
        let promise = two_in_a_millisecond(Algorithm::default());
        promise.check_decisions(&calls(&[2_000, 1_000, 1_001])).expect("the first has just left");
        promise.check_decisions(&calls(&[1_999, 1_000, 1_001])).expect_err("all three are in one window");
    }

    #[test]
    fn a_bucket_gives_its_burst_and_what_has_come_back() {
        let promise = two_in_a_millisecond(Algorithm::Gcra { burst: Some(1) });
        promise.check_decisions(&calls(&[1_000, 1_500, 2_000])).expect("evenly spaced");
        promise.check_decisions(&calls(&[1_000, 1_498])).expect_err("too early");
    }

    #[test]
    fn permits_count_by_their_cost() {
        let mut admitted = calls(&[1_000, 1_900]);
        admitted[1].cost = 2;
        two_in_a_millisecond(Algorithm::SlidingLog).check_decisions(&admitted).expect_err("three permits");
    }

    #[test]
    fn what_comes_on_top_comes_once() {
        let promise = two_in_a_millisecond(Algorithm::SlidingLog).and(1);
        promise.check_decisions(&calls(&[1_000, 1_001, 1_002])).expect("one on top");
        promise.check_decisions(&calls(&[1_000, 1_001, 2_001, 2_002, 2_003])).expect("one on top");
        promise.check_decisions(&calls(&[1_000, 1_001, 1_002, 2_001, 2_002, 2_003])).expect_err("two on top");
    }

    #[test]
    fn a_call_that_reaches_out_of_a_window_is_not_in_it() {
        let promise = two_in_a_millisecond(Algorithm::SlidingLog);
        promise.check_calls(&calls(&[1_000, 1_500, 1_995])).expect("the last ends too late");
        promise.check_calls(&calls(&[1_000, 1_500, 1_994])).expect_err("all three are in one window");
    }

    #[test]
    fn a_call_decided_in_the_future_is_found() {
        let mut admitted = calls(&[1_000]);
        admitted[0].at_us += 6;
        two_in_a_millisecond(Algorithm::SlidingLog).check_calls(&admitted).expect_err("ahead of the clock");
    }

    #[test]
    fn spans_grow_by_as_much_as_decisions_lag() {
        let mut admitted = calls(&[1_000, 1_500, 1_994]);
        admitted[0].at_us -= 10;
        two_in_a_millisecond(Algorithm::SlidingLog)
            .check_calls(&admitted)
            .expect("the decisions are not in one window");
    }
}
