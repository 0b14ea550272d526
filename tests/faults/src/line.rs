//! What a store that lost something can be held to.
//!
//! A store that was restarted empty, or that failed over to a replica which lags, has forgotten
//! commits. What it knew at any one time is a *line*: commits, each on top of the one before. In
//! each line the promise holds as if nothing had happened; over several lines it holds once for
//! each.

use anyhow::{Context as _, Result};
use tidegate_fleet_tests::strategies::rate_limiter::promise::Promise;
use tidegate_fleet_tests::strategies::rate_limiter::protocol::Admitted;

/// A line, told by spans of the machine's clock: what began and ended within one of the spans
/// happened on the line for certain. Of others it is not known, and nothing is said. A call that
/// was let go on a lease belongs where its permits were charged.
#[derive(Debug, Clone)]
pub struct Line {
    /// From and to, in microseconds since 1970.
    spans: Vec<(u64, u64)>,
    /// Permits that were charged on another line, let nobody go, and may have been given back on
    /// this one.
    given_back: u64,
}

impl Line {
    /// A store that lost nothing.
    pub fn whole() -> Self {
        Self { spans: vec![(0, u64::MAX)], given_back: 0 }
    }

    /// What came until then.
    pub fn until(to_us: u64) -> Self {
        Self { spans: vec![(0, to_us)], given_back: 0 }
    }

    /// And what came from then on.
    #[must_use]
    pub fn and_from(mut self, from_us: u64) -> Self {
        self.spans.push((from_us, u64::MAX));
        self
    }

    /// What came from then on.
    pub fn from(from_us: u64) -> Self {
        Self { spans: vec![(from_us, u64::MAX)], given_back: 0 }
    }

    /// But nothing after that.
    #[must_use]
    pub fn up_to(mut self, to_us: u64) -> Self {
        for span in &mut self.spans {
            span.1 = span.1.min(to_us);
        }
        self
    }

    /// This many permits may have been given back on it that were charged on another: a host that
    /// gives back what is left of a lease does not know that the store has forgotten its charge.
    /// They let nobody go there, so over all lines the promise holds without them.
    #[must_use]
    pub fn and_given_back(self, permits: u64) -> Self {
        Self { given_back: permits, ..self }
    }

    /// Whether what began and ended then happened on it for certain.
    pub fn has(&self, start_us: u64, end_us: u64) -> bool {
        self.spans.iter().any(|(from, to)| start_us >= *from && end_us <= *to)
    }

    /// The calls that were charged on it for certain.
    pub fn calls(&self, admitted: &[Admitted]) -> Vec<Admitted> {
        let charged = |call: &&Admitted| {
            let (from_us, by_us) = charged(call);
            self.has(from_us, by_us)
        };
        admitted.iter().filter(charged).cloned().collect()
    }
}

/// When the permits of a call were charged: not before, and by then.
fn charged(call: &Admitted) -> (u64, u64) {
    let by_us = if call.charged_by_us > 0 { call.charged_by_us } else { call.end_us };
    // No host commits ahead of the store's clock, which is the machine's.
    (if call.leased { call.charged_at_us } else { call.start_us }, by_us)
}

/// Checks that what was admitted kept the promise in each line, and over all of them once for each.
///
/// # Errors
/// Names the line and the span of time that holds too many.
pub fn check(promise: Promise, admitted: &[Admitted], lines: &[Line]) -> Result<()> {
    for (number, line) in lines.iter().enumerate() {
        let calls = line.calls(admitted);
        let context = || format!("line {number} of {lines:?}, {} of {} calls", calls.len(), admitted.len());
        let promise = promise.and(line.given_back);
        promise.check_decisions(&calls).with_context(context)?;
        promise.check_calls(&calls).with_context(context)?;
    }
    let stores = u64::try_from(lines.len())?;
    promise.times(stores).check_decisions(admitted).with_context(|| format!("over all {stores} lines"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate::{Algorithm, Limit};

    fn calls(times_us: &[u64]) -> Vec<Admitted> {
        let call =
            |at_us: &u64| Admitted { cost: 1, at_us: *at_us, start_us: *at_us, end_us: *at_us, ..Admitted::default() };
        times_us.iter().map(call).collect()
    }

    fn two_in_a_second() -> Promise {
        Promise::of(&Limit::per_second(2).by(Algorithm::SlidingLog))
    }

    #[test]
    fn a_store_that_lost_nothing_has_one_line() {
        let lines = [Line::whole()];
        check(two_in_a_second(), &calls(&[1, 2]), &lines).expect("two");
        check(two_in_a_second(), &calls(&[1, 2, 3]), &lines).expect_err("three");
    }

    #[test]
    fn a_store_that_came_back_empty_keeps_the_promise_in_each_of_its_lives() {
        let lines = [Line::until(10), Line::from(20)];
        check(two_in_a_second(), &calls(&[1, 2, 21, 22]), &lines).expect("two in each");
        check(two_in_a_second(), &calls(&[1, 21, 22, 23]), &lines).expect_err("three in the second");
        check(two_in_a_second(), &calls(&[1, 2, 12, 21, 22]), &lines).expect_err("five in all");
    }

    #[test]
    fn a_replica_is_held_to_what_it_had_seen() {
        let lines = [Line::until(30), Line::until(10).and_from(20)];
        check(two_in_a_second(), &calls(&[1, 12, 40]), &lines).expect("it had not seen the second");
        check(two_in_a_second(), &calls(&[1, 2, 40]), &lines).expect_err("it had seen both");
    }

    #[test]
    fn a_line_can_end_where_the_next_begins() {
        let line = Line::from(10).up_to(20);
        assert_eq!(line.calls(&calls(&[9, 10, 20, 21])).len(), 2);
    }

    #[test]
    fn a_leased_call_belongs_where_it_was_charged() {
        let mut admitted = calls(&[25]);
        (admitted[0].leased, admitted[0].charged_at_us, admitted[0].charged_by_us) = (true, 5, 8);
        assert_eq!(Line::until(10).calls(&admitted).len(), 1);
        assert!(Line::from(20).calls(&admitted).is_empty());
        // Nobody else was answered on the same charge.
        admitted[0].charged_by_us = 0;
        assert!(Line::until(10).calls(&admitted).is_empty());
    }

    #[test]
    fn permits_of_another_line_may_come_back_on_one_but_not_in_all() {
        let lines = [Line::until(10), Line::from(20).and_given_back(1)];
        check(two_in_a_second(), &calls(&[1, 21, 22, 23]), &lines).expect("one of the first came back in the second");
        check(two_in_a_second(), &calls(&[1, 2, 21, 22, 23]), &lines).expect_err("it was used in the first");
    }

    #[test]
    fn a_call_that_reaches_out_of_a_span_is_not_in_it() {
        let mut admitted = calls(&[15]);
        admitted[0].start_us = 5;
        assert!(Line::from(10).calls(&admitted).is_empty());
        admitted[0].end_us = 25;
        assert!(Line::until(20).calls(&admitted).is_empty());
    }
}
