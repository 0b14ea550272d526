//! The promises of `wit/rate-limiter.wit`, checked against the list of what was admitted.

use std::collections::BTreeMap;

use tidegate_policy::rate_limiter::{Algorithm, Limit};

use crate::support::capacity;

/// Permits that were admitted at a time, net of what was given back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given {
    pub(crate) at_us: u64,
    pub(crate) permits: u32,
}

/// How the promise is broken, if it is.
pub(crate) fn broken(limit: &Limit, window_us: u64, given: &[Given]) -> Option<String> {
    let mut given: Vec<Given> = given.iter().copied().filter(|g| g.permits > 0).collect();
    given.sort_by_key(|g| g.at_us);
    let most = u64::from(limit.limit);
    match limit.algorithm {
        Algorithm::SlidingWindow { .. } | Algorithm::SlidingLog => any_span(&given, window_us, most),
        Algorithm::Gcra { .. } | Algorithm::TokenBucket { .. } => any_length(limit, window_us, &given),
        Algorithm::FixedWindow => aligned(&given, window_us, most).or_else(|| any_span(&given, window_us, 2 * most)),
        Algorithm::SlidingWindowCounter => {
            aligned(&given, window_us, most).or_else(|| any_span(&given, window_us, 2 * most - 1))
        }
    }
}

/// A(W) <= most: it is enough to look at the spans that start with an admission.
pub(crate) fn any_span(given: &[Given], window_us: u64, most: u64) -> Option<String> {
    given.iter().enumerate().find_map(|(index, first)| {
        let span = given[index..].iter().take_while(|g| g.at_us < first.at_us + window_us);
        let sum: u64 = span.map(|g| u64::from(g.permits)).sum();
        (sum > most).then(|| format!("{sum} permits in the {window_us} us from {}; at most {most}", first.at_us))
    })
}

/// A(D) <= burst + D * L / W for every D: it is enough to look at spans that start and end with an
/// admission. Times are whole microseconds, and the half-open span that holds both ends is a
/// microsecond longer than they are apart.
fn any_length(limit: &Limit, window_us: u64, given: &[Given]) -> Option<String> {
    let burst = u128::from(capacity(limit));
    for (index, first) in given.iter().enumerate() {
        let mut sum = 0_u128;
        for last in &given[index..] {
            sum += u128::from(last.permits);
            let length_us = last.at_us - first.at_us + 1;
            let most = burst + u128::from(length_us) * u128::from(limit.limit) / u128::from(window_us);
            if sum > most {
                return Some(format!("{sum} permits in {length_us} us from {}; at most {most}", first.at_us));
            }
        }
    }
    None
}

/// A(W) <= most in each window that starts at a multiple of W since 1970.
fn aligned(given: &[Given], window_us: u64, most: u64) -> Option<String> {
    let mut sums: BTreeMap<u64, u64> = BTreeMap::new();
    for g in given {
        *sums.entry(g.at_us / window_us).or_default() += u64::from(g.permits);
    }
    let (window, sum) = sums.into_iter().find(|(_, sum)| *sum > most)?;
    Some(format!("{sum} permits in the window from {}; at most {most}", window * window_us))
}

/// The oracle itself, on lists whose verdict is known.
#[cfg(test)]
mod tests {
    use super::{Given, broken};
    use crate::support::{COUNTER, FIXED, GCRA, LOG, STRICT, per_ms};

    fn given(list: &[(u64, u32)]) -> Vec<Given> {
        list.iter().map(|(at_us, permits)| Given { at_us: *at_us, permits: *permits }).collect()
    }

    #[test]
    fn oracle_tells_a_broken_promise_from_a_kept_one() {
        for (algorithm, kept, lost) in [
            (STRICT, [(5, 1), (500, 1), (1_005, 1)], [(5, 1), (500, 1), (1_004, 1)]),
            (LOG, [(5, 2), (1_005, 1), (1_005, 1)], [(5, 2), (1_004, 1), (5_000, 1)]),
            (GCRA, [(5, 2), (504, 1), (1_004, 1)], [(5, 2), (504, 1), (1_003, 1)]),
            (FIXED, [(998, 1), (999, 1), (1_000, 2)], [(1_000, 1), (1_500, 1), (1_999, 1)]),
            (COUNTER, [(998, 1), (999, 1), (1_000, 1)], [(998, 1), (999, 1), (1_000, 2)]),
        ] {
            let limit = per_ms(2, 1, algorithm);
            assert_eq!(broken(&limit, 1_000, &given(&kept)), None, "{algorithm:?}");
            assert!(broken(&limit, 1_000, &given(&lost)).is_some(), "{algorithm:?}");
        }
    }
}
