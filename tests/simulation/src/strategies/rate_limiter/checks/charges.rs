//! A rejection charged nothing, and what was admitted is charged: what a peek counts is what
//! callers were given.
//!
//! A peek may count what was given to a caller who never heard of it, since its reply was lost, it
//! went away or its host died. Between that and what callers surely hold lies the truth.

use tidegate::{Algorithm, Limit, RateLimiterConfig};

use super::{Charge, Violation, capacity, charge, cost, decision, doubled_refunds, kept_charges, late_returns};
use crate::record::{Call, Record};
use crate::scenario::{Fault, FaultKind};
use crate::strategies::asked::{Answer, Ask};

/// Replies are lost for so long that a debt is posted so often at most: with each call of its key,
/// and twice a second.
const MAX_POSTS: u64 = 100;

pub(super) fn check(record: &Record, tag: &str, config: &RateLimiterConfig, found: &mut Vec<Violation>) {
    let kept = kept_charges(record, tag, config);
    let doubled = record.commits.iter().any(|commit| commit.tag == tag && commit.again);
    let resets = record.tips(tag).len() > 1;
    for call in record.on(tag).filter(|call| call.ask == Ask::Peek) {
        let (Some(decision), Some(commit)) = (decision(call), call.commit) else { continue };
        let limit = &config.limits[decision.binding as usize];
        let count = u64::from(decision.count);
        let most = at_most(record, call, config, limit, decision.at_us);
        // What came twice is charged twice.
        // Nobody knows what hosts hold of their leases.
        if count > most && !doubled && config.lease.is_none() {
            let what = format!("{tag}: a peek at {} counted {count}, callers may hold {most}", decision.at_us);
            found.push(Violation { promise: "a rejection charges nothing", what });
        }
        let line: Vec<usize> = record.line(commit).skip(1).collect();
        let held = kept.iter().filter(|charge| charge.commit.is_some_and(|commit| line.contains(&commit))).copied();
        // As much is posted as fits; with several limits one may be full of what others no longer
        // count.
        let posted = posted(record, call).filter(|_| config.limits.len() == 1);
        let surely: Vec<Charge> = held.chain(posted).collect();
        // An earlier time than one already seen counts as that.
        let seen_us = record.line(commit).map(|commit| record.commits[commit].at_us).max().unwrap_or(0);
        let least = counted(&surely, limit, decision.at_us.max(seen_us), false).min(capacity(limit).into());
        let spare = doubled_refunds(record, tag, config) + late_returns(record, &line, limit);
        if count + spare < least && !resets {
            let what = format!("{tag}: a peek at {} counted {count}, callers hold {least}", decision.at_us);
            found.push(Violation { promise: "what was admitted is charged", what });
        }
    }
}

/// What hosts had let go without the store, and posted before a peek was made, where the peek
/// before the posting said that it fits: a permit that does not fit whole is not posted, and what
/// was in its way comes back to a bucket all the same.
fn posted<'a>(record: &'a Record, peek: &'a Call) -> impl Iterator<Item = Charge> + 'a {
    let done = record.on(&peek.tag).filter(|call| call.answer == Answer::Posted && call.ended.1 < peek.asked.1);
    done.filter_map(|call| {
        let Ask::Post(cost, at_us) = call.ask else { return None };
        let peeks = record.on(&peek.tag).filter(|before| before.ask == Ask::Peek && before.ended.1 < call.asked.1);
        let seen = peeks.filter(|peek| peek.commit.is_some()).last().and_then(decision)?;
        if seen.remaining < cost {
            return None;
        }
        Some(Charge { at_us, goes_us: at_us, decided_us: at_us, taken_us: at_us, cost, commit: call.commit })
    })
}

/// The most that can count at a time: all that was not surely refused, where it was asked for
/// before the peek had ended.
fn at_most(record: &Record, peek: &Call, config: &RateLimiterConfig, limit: &Limit, at_us: u64) -> u64 {
    let (mut charges, mut unknown, mut unknown_since, mut ended) = (Vec::new(), 0, u64::MAX, Vec::new());
    for call in record.on(&peek.tag).filter(|call| call.asked.1 < peek.ended.1) {
        let Some(cost) = cost(&call.ask) else { continue };
        let answered = call.ended.1 < peek.ended.1 && call.answer != Answer::Pending;
        match decision(call).filter(|_| answered) {
            // Perhaps charged by a commit that was not answered in time; and where it was let go
            // without the store, charged again when that was back.
            Some(decision) if decision.degraded => {
                let posted = if decision.is_allowed() { posted_at_most(record) } else { 0 };
                unknown += u64::from(cost).saturating_mul(1 + posted);
            }
            Some(_) => {
                charges.extend(charge(config, call));
                ended.extend(call.commit.map(|commit| (call.ended.1, commit)));
            }
            None => {
                unknown += u64::from(cost);
                unknown_since = call.asked.1.min(unknown_since);
            }
        }
    }
    leave_together(limit, &mut charges, drops_cells(record));
    let unsure = ended.into_iter().filter(|(ended, _)| *ended > unknown_since).map(|(_, commit)| commit).min();
    leave_with_the_unknown(limit, &mut charges, unsure, at_us);
    if record.commits.iter().any(|commit| commit.tag == peek.tag && commit.refused) {
        leave_in_wide_groups(limit, &mut charges);
    }
    take_back(record, peek, limit, at_us, &mut charges);
    if !is_bucket(limit) || unknown == 0 {
        return counted(&charges, limit, at_us, true) + unknown;
    }
    if config.limits.len() > 1 {
        // The places of the unknown are not known either.
        return u64::MAX;
    }
    // What is unknown may have been decided at a later time than the peek, and come before what was
    // decided earlier. Seen from the peek, nothing of it and of all that came back until then has
    // come back yet.
    let late_us =
        record.commits.iter().filter(|commit| commit.tag == peek.tag).map(|c| c.clock_us.abs_diff(c.at_us)).max();
    let late_us = late_us.unwrap_or(0);
    let ahead = (late_us * u64::from(limit.limit)).div_ceil(limit.window_count * 1_000);
    counted(&charges, limit, at_us.saturating_sub(late_us), true).max(ahead) + unknown + 1
}

/// Whether the store drops single cells. Of the middle of a strict window, where that was dropped,
/// only the last time is known.
fn drops_cells(record: &Record) -> bool {
    record.scenario.faults.iter().any(|fault| matches!(fault.kind, FaultKind::Evict(_)))
}

/// A permit of a sliding window that is given a place before the last one, such as one that was
/// given back, leaves with that; where `all`, each leaves with the last of all.
fn leave_together(limit: &Limit, charges: &mut [Charge], all: bool) {
    if !matches!(limit.algorithm, Algorithm::SlidingWindow { .. }) {
        return;
    }
    charges.sort_by_key(|charge| charge.commit);
    let mut last_us = if all { charges.iter().map(|charge| charge.at_us).max().unwrap_or(0) } else { 0 };
    for charge in charges {
        last_us = charge.at_us.max(last_us);
        charge.taken_us = last_us;
    }
}

/// A permit of a sliding window that was given, from some commit on, when a place may have been
/// that nobody has told of yet, may leave with that, however late it is.
fn leave_with_the_unknown(limit: &Limit, charges: &mut [Charge], since: Option<usize>, at_us: u64) {
    if !matches!(limit.algorithm, Algorithm::SlidingWindow { .. }) {
        return;
    }
    for charge in charges.iter_mut().filter(|charge| since.is_some() && charge.commit >= since) {
        charge.taken_us = charge.taken_us.max(at_us);
    }
}

/// Where hosts got in each other's way, a permit of a sliding window leaves with the last of a wide
/// group.
fn leave_in_wide_groups(limit: &Limit, charges: &mut [Charge]) {
    if matches!(limit.algorithm, Algorithm::SlidingWindow { .. }) {
        for charge in charges {
            charge.taken_us += limit.window_count * 1_000 / 8;
        }
    }
}

fn is_bucket(limit: &Limit) -> bool {
    matches!(limit.algorithm, Algorithm::Gcra { .. } | Algorithm::TokenBucket { .. })
}

/// How often a debt may be charged: again each time that its posting was not answered.
fn posted_at_most(record: &Record) -> u64 {
    let is_lossy =
        |fault: &Fault| matches!(fault.kind, FaultKind::LostReplies(_) | FaultKind::Slow(_) | FaultKind::Partition(_));
    if record.scenario.faults.iter().any(is_lossy) { MAX_POSTS } else { 1 }
}

/// Takes out what was given back, as the store had confirmed before a peek was made, and had not
/// forgotten since. What a bucket gives back is less the later it is given, so there it counts as
/// kept. A sliding window gives nothing back of a permit whose own time is over, though that may
/// count on with the last of its group. It gives back one of the first permits that leave no
/// earlier than the one it is told of. So where that leaves with a later one, it counts on when its
/// own time is over.
fn take_back(record: &Record, peek: &Call, limit: &Limit, peek_us: u64, charges: &mut Vec<Charge>) {
    if is_bucket(limit) {
        return;
    }
    let line: Vec<usize> = peek.commit.into_iter().flat_map(|commit| record.line(commit)).collect();
    let is_known = |call: &&Call| call.commit.is_some_and(|commit| line.contains(&commit));
    for call in record.on(&peek.tag).filter(|call| call.ended.1 < peek.asked.1).filter(is_known) {
        let at_us = call.commit.map_or(0, |commit| record.commits[commit].at_us);
        let given_back = |charge: &Charge| {
            let counted = charge.at_us + limit.window_count * 1_000 > at_us;
            call.ask == Ask::Refund(charge.cost, charge.at_us) && counted
        };
        let counts_on =
            |charge: &Charge| charge.taken_us > charge.at_us && charge.at_us + limit.window_count * 1_000 <= peek_us;
        if let Some(index) = charges.iter().position(given_back).filter(|index| !counts_on(&charges[*index])) {
            charges.swap_remove(index);
        }
    }
}

/// How much of the charges counts against a limit at a time: at most, or at least.
fn counted(charges: &[Charge], limit: &Limit, at_us: u64, most: bool) -> u64 {
    let window_us = limit.window_count * 1_000;
    let open_us = at_us / window_us * window_us;
    // A permit counts from `from_us` on.
    let from_us = match limit.algorithm {
        Algorithm::SlidingWindow { sub_windows } if most => {
            let sub_us = window_us.div_ceil(sub_windows.into());
            let counts = |charge: &&Charge| charge.taken_us + window_us + 2 * sub_us >= at_us;
            return charges.iter().filter(counts).map(|charge| u64::from(charge.cost)).sum();
        }
        Algorithm::SlidingLog | Algorithm::SlidingWindow { .. } => (at_us + 1).saturating_sub(window_us),
        Algorithm::SlidingWindowCounter if most => open_us.saturating_sub(window_us),
        Algorithm::FixedWindow | Algorithm::SlidingWindowCounter => open_us,
        Algorithm::Gcra { .. } | Algorithm::TokenBucket { .. } => return level(charges, limit, at_us, most),
    };
    charges.iter().filter(|charge| charge.at_us >= from_us).map(|charge| u64::from(charge.cost)).sum()
}

/// How full a bucket is: the most that any last stretch of charges, as the store took them, is
/// above what has come back since its first. One that is taken at a place to come has not begun to
/// come back.
fn level(charges: &[Charge], limit: &Limit, at_us: u64, most: bool) -> u64 {
    let (rate, window) = (i128::from(limit.limit), i128::from(limit.window_count) * 1_000);
    let mut charges: Vec<&Charge> = charges.iter().collect();
    // What was posted came after all that is known by its commit.
    charges.sort_by_key(|charge| std::cmp::Reverse((charge.commit.is_none(), charge.commit, charge.taken_us)));
    let (mut permits, mut worst) = (0, 0);
    for charge in charges {
        permits += i128::from(charge.cost) * window;
        // Times are rounded to microseconds, one way when charged and one way when read.
        let (from_us, rounding_us) = if most { (charge.taken_us, -2) } else { (charge.decided_us, 2) };
        let since_us = i128::from(at_us) - i128::from(from_us) + rounding_us;
        worst = (permits - since_us * rate).max(worst);
    }
    u64::try_from((worst + window - 1) / window).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tidegate::WindowUnit;

    use super::super::written::{TAG, Written, decision};
    use super::*;

    /// A permit is charged and given back; a peek by a commit on top of `parent` counts it.
    fn found_by_a_peek_after(parent: usize) -> Vec<Violation> {
        let limit = Limit::new(5, WindowUnit::Millisecond, 10_000).by(Algorithm::SlidingLog);
        let mut written = Written::new(RateLimiterConfig::new("limiter", limit));
        let charged = written.call(Ask::TryAcquire(1), 1_000, None, 1, decision(Some(1_000), 1));
        let refund = Ask::Refund(1, super::super::written::START_US + 1_000);
        let given_back = written.call(refund, 2_000, Some(charged), 1, decision(None, 0));
        assert_eq!((charged, given_back), (0, 1));
        written.call(Ask::Peek, 3_000, Some(parent), 0, decision(None, 1));
        let mut found = Vec::new();
        check(&written.record, TAG, &written.config, &mut found);
        found
    }

    /// A bucket of three holds two permits when a third is posted; a peek right after that says
    /// that `remaining` fit before.
    fn found_by_a_peek_after_a_posting(remaining: u32) -> Vec<Violation> {
        let limit = Limit::new(5, WindowUnit::Millisecond, 10_000).by(Algorithm::Gcra { burst: Some(3) });
        let mut written = Written::new(RateLimiterConfig::new("limiter", limit));
        written.call(Ask::TryAcquire(2), 1_000, None, 1, decision(Some(1_000), 2));
        let mut fits = decision(None, 2);
        fits.remaining = remaining;
        written.call(Ask::Peek, 2_000, Some(0), 0, fits);
        written.call(Ask::Post(1, super::super::written::START_US + 2_000), 3_000, Some(1), 1, decision(None, 0));
        let post = written.record.calls.last_mut().expect("it was just made");
        post.answer = Answer::Posted;
        written.call(Ask::Peek, 4_000, Some(2), 0, decision(None, 2));
        let mut found = Vec::new();
        check(&written.record, TAG, &written.config, &mut found);
        found
    }

    #[test]
    fn what_fits_and_is_posted_counts() {
        assert_eq!(found_by_a_peek_after_a_posting(1)[0].promise, "what was admitted is charged");
    }

    #[test]
    fn what_does_not_fit_whole_need_not_be_posted() {
        assert_eq!(found_by_a_peek_after_a_posting(0), []);
    }

    /// A place 900 ms ahead, one 500 ms ahead after it, and a peek when the second has left by
    /// itself.
    fn found_by_a_peek_after_places(algorithm: Algorithm) -> Vec<Violation> {
        let limit = Limit::new(5, WindowUnit::Millisecond, 1_000).by(algorithm);
        let mut written = Written::new(RateLimiterConfig::new("limiter", limit));
        written.call(Ask::TryAcquire(1), 1_000, None, 1, decision(Some(900_000), 1));
        written.call(Ask::TryAcquire(1), 2_000, Some(0), 1, decision(Some(500_000), 2));
        written.call(Ask::Peek, 1_600_000, Some(1), 0, decision(None, 2));
        let mut found = Vec::new();
        check(&written.record, TAG, &written.config, &mut found);
        found
    }

    #[test]
    fn a_place_before_the_last_one_leaves_with_that_of_a_sliding_window_only() {
        assert_eq!(found_by_a_peek_after_places(Algorithm::SlidingWindow { sub_windows: 64 }), []);
        assert_eq!(found_by_a_peek_after_places(Algorithm::SlidingLog)[0].promise, "a rejection charges nothing");
    }

    /// A place 900 ms ahead, a permit at once that leaves with it and is given back, and a peek.
    fn found_by_a_peek_after_a_return(peek_ms: u64) -> Vec<Violation> {
        let limit = Limit::new(5, WindowUnit::Millisecond, 1_000).by(Algorithm::SlidingWindow { sub_windows: 64 });
        let mut written = Written::new(RateLimiterConfig::new("limiter", limit));
        written.call(Ask::TryAcquire(1), 1_000, None, 1, decision(Some(900_000), 1));
        written.call(Ask::TryAcquire(1), 2_000, Some(0), 1, decision(Some(2_000), 2));
        let refund = Ask::Refund(1, super::super::written::START_US + 2_000);
        written.call(refund, 3_000, Some(1), 1, decision(None, 1));
        written.call(Ask::Peek, peek_ms * 1_000, Some(2), 0, decision(None, 2));
        let mut found = Vec::new();
        check(&written.record, TAG, &written.config, &mut found);
        found
    }

    #[test]
    fn what_was_given_back_may_count_on_with_the_last_when_its_own_time_is_over() {
        assert_eq!(found_by_a_peek_after_a_return(1_001)[0].promise, "a rejection charges nothing");
        assert_eq!(found_by_a_peek_after_a_return(1_002), []);
    }

    #[test]
    fn what_was_given_back_counts_no_more() {
        assert_eq!(found_by_a_peek_after(1)[0].promise, "a rejection charges nothing");
    }

    #[test]
    fn a_refund_that_the_store_has_lost_gave_nothing_back() {
        assert_eq!(found_by_a_peek_after(0), []);
    }
}
