//! What a limiter is for hosts whose store is away: each decides on its share, and posts what it let go when the store is back.

use alloc::vec::Vec;

use crate::kv::{Clock, Kv};
use crate::problem::{Problem, Problems};

use super::config::{geometry, most_burst, window_us};
use super::limiter::{Behaviour, Call, RateLimiter};
use super::types::{Algorithm, Config, Decision, Fault, Limit, OnLimit, Reason, Verdict};

const MAX_HOSTS: u32 = 1_000_000;

/// What a share is a share of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole {
    /// The most permits that fit at once in the whole.
    most: u32,
    /// The longest window.
    window_us: u64,
}

impl RateLimiter {
    /// The limiter by which each of `hosts` hosts may decide alone, so that together they admit no more than this one.
    ///
    /// # Errors
    /// A problem at `hosts`.
    pub fn share(&self, hosts: u32) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        problems.check_range("hosts", hosts, 1..=MAX_HOSTS);
        problems.into_result(())?;
        let limits: Option<Vec<Limit>> = self.config.limits.iter().map(|limit| divide(limit, hosts)).collect();
        let windows_us = self.config.limits.iter().filter_map(|limit| window_us(limit.window));
        let whole = Whole { most: self.most, window_us: windows_us.max().unwrap_or(0) };
        let whole = Some(self.whole.unwrap_or(whole));
        let Some(limits) = limits else {
            let (meters, behaviour) = (Vec::new(), Behaviour::Reject);
            return Ok(Self { meters, behaviour, lease: None, most: 0, whole, config: self.config.clone() });
        };
        let limits = limits.into_iter().fold(Vec::new(), with_limit);
        let config = Config { limits, on_limit: OnLimit::Reject, lease: None };
        Ok(Self { whole, ..Self::open(&config)? })
    }

    /// Charges what was let go without the store: as many of `cost` permits as still fit now, and reports as a peek does.
    ///
    /// Only verdicts steer, so it is a search: for all, or else for each power of two that is not too many.
    pub fn post<W: Kv + Clock>(&self, world: &mut W, entity: u32, cost: u32) -> Decision {
        let now_us = world.now_us();
        let mut call = self.begin(world, now_us, entity, 1);
        let mut rest = cost.min(self.most);
        if rest > 0 && self.charge(&mut call, rest).is_err() {
            for step in (0..=rest.ilog2()).rev().map(|bit| 1 << bit) {
                if step <= rest && self.charge(&mut call, step).is_ok() {
                    rest -= step;
                }
            }
        }
        self.peeked(&mut call)
    }

    /// The answer to a call that is about more than can ever fit.
    #[cold]
    pub(super) fn never_fits(&self, now_us: u64, cost: u32) -> Result<Decision, Fault> {
        match self.whole {
            Some(whole) if cost <= whole.most => Ok(self.beyond_share(now_us, whole)),
            _ => Err(Fault::CostNeverFits),
        }
    }

    /// A peek that asks no shared cell, because a lease or the lack of any share answers it.
    pub(super) fn peeked_alone<K: Kv>(&self, call: &mut Call<'_, K>) -> Option<Decision> {
        if let (Some(whole), []) = (self.whole, &self.meters[..]) {
            return Some(self.beyond_share(call.now_us, whole));
        }
        let spent = self.lease.as_ref()?.look(&mut call.cells, call.now_us, call.permits)?;
        Some(spent.report(&call.cells, call.now_us, self.meters[0].capacity(), 0))
    }

    fn beyond_share(&self, now_us: u64, whole: Whole) -> Decision {
        Decision {
            verdict: Verdict::Denied,
            reason: Reason::Limit,
            at_us: now_us,
            charged_at_us: 0,
            binding: 0,
            count: 0,
            limit: self.most,
            remaining: 0,
            reset_after_ms: 0,
            retry_after_ms: whole.window_us.div_ceil(1_000),
            wait_ms: 0,
            position: 0,
            waiting: 0,
            ticket: 0,
            discarded: 0,
            leased: false,
            release_after_ms: 0,
        }
    }
}

/// A host's part of a limit; none: it is nothing.
fn divide(limit: &Limit, hosts: u32) -> Option<Limit> {
    let part = |permits: u32| Some(permits / hosts).filter(|permits| *permits > 0);
    let permits = part(limit.limit)?;
    let most = most_burst(permits, window_us(limit.window));
    let bucket = |burst: Option<u32>| part(burst.unwrap_or(limit.limit)).map(|burst| Some(burst.min(most)));
    let algorithm = match limit.algorithm {
        Algorithm::Gcra { burst } => Algorithm::Gcra { burst: bucket(burst)? },
        Algorithm::TokenBucket { burst } => Algorithm::TokenBucket { burst: bucket(burst)? },
        other => other,
    };
    Some(Limit { limit: permits, algorithm, ..*limit })
}

/// One more limit. Buckets whose rates have become the same are one, of the smaller burst.
fn with_limit(mut limits: Vec<Limit>, limit: Limit) -> Vec<Limit> {
    match limits.iter_mut().find(|other| geometry(other, 0) == geometry(&limit, 0)) {
        Some(same) if burst(same) > burst(&limit) => *same = limit,
        Some(_) => {}
        None => limits.push(limit),
    }
    limits
}

fn burst(limit: &Limit) -> Option<u32> {
    match limit.algorithm {
        Algorithm::Gcra { burst } | Algorithm::TokenBucket { burst } => burst,
        _ => None,
    }
}
