//! What a limiter is for hosts whose store is away: each decides on its share, and posts what it
//! let go when the store is back.

use alloc::vec::Vec;

use crate::kv::{Clock, Kv};
use crate::problem::{Problem, Problems};

use super::call::Call;
use super::config::most_burst;
use super::geometry::{geometry, window_us};
use super::limiter::{Behaviour, RateLimiter};
use super::model::{Model, Usage};
use super::types::{Algorithm, Config, CostNeverFits, Decision, Limit, OnLimit, Reason, Verdict};
use super::whole::Whole;
use crate::parts::cells::Reading;

const MAX_HOSTS: u32 = 1_000_000;

impl RateLimiter {
    /// The limiter by which each of `hosts` hosts may decide alone, so that together they admit no
    /// more than this one.
    ///
    /// # Errors
    /// A problem at `hosts`.
    pub fn share(&self, hosts: u32) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems::default();
        problems.check_range("hosts", hosts, 1..=MAX_HOSTS);
        problems.into_result(())?;
        if self.barred.is_some() {
            return Ok(self.clone());
        }
        let limits: Option<Vec<Limit>> = self.config.limits.iter().map(|limit| divide(limit, hosts)).collect();
        let windows_us = self.config.limits.iter().filter_map(|limit| window_us(limit.window));
        let whole = Whole { most: self.most, window_us: windows_us.max().unwrap_or(0) };
        let whole = Some(self.whole.unwrap_or(whole));
        let Some(limits) = limits else {
            let (meters, behaviour) = (Vec::new(), Behaviour::Reject);
            return Ok(Self {
                meters,
                behaviour,
                lease: None,
                most: 0,
                barred: None,
                whole,
                config: self.config.clone(),
            });
        };
        let limits = limits.into_iter().fold(Vec::new(), with_limit);
        let config = Config { limits, on_limit: OnLimit::Reject, lease: None };
        Ok(Self { whole, ..Self::open(&config)? })
    }

    /// Charges what was let go without the store: as many of `cost` permits as still fit now, and
    /// reports as a peek does.
    ///
    /// Only verdicts steer, so it is a search: for all, or else for each power of two that is not
    /// too many.
    pub fn post<W: Kv + Clock>(&self, world: &mut W, entity: u32, cost: u32) -> Decision {
        let now_us = world.now_us();
        let mut call = self.begin(world, now_us, entity, 1);
        let mut rest = cost.min(self.most);
        if rest > 0 && self.charge_all(&mut call, rest).is_err() {
            for step in (0..=rest.ilog2()).rev().map(|bit| 1 << bit) {
                if step <= rest && self.charge_all(&mut call, step).is_ok() {
                    rest -= step;
                }
            }
        }
        self.peeked(&mut call)
    }

    /// The answer to a call that is about more than can ever fit.
    #[cold]
    pub(super) fn never_fits<K: Kv>(
        &self,
        kv: &mut K,
        now_us: u64,
        entity: u32,
        cost: u32,
    ) -> Result<Decision, CostNeverFits> {
        if let Some(decision) = self.barred(now_us) {
            return Ok(decision);
        }
        if let Some(whole) = self.whole {
            let Whole { most: limit, .. } = whole;
            let never = CostNeverFits { cost, binding: 0, limit, count: 0, remaining: 0 };
            return if cost <= limit { Ok(self.beyond_share(now_us, whole)) } else { Err(never) };
        }
        let mut call = self.begin(kv, now_us, entity, 1);
        let models = self.load(&mut call, Reading::Observed);
        let usages = (0..).zip(models.iter().map(|model| model.usage(now_us)));
        let (binding, usage) = usages.min_by_key(|(_, usage)| usage.limit).expect("a limit counts");
        let Usage { limit, count, remaining, .. } = usage;
        Err(CostNeverFits { cost, binding, limit, count, remaining })
    }

    /// The answer to every call where a limit is 0.
    fn barred(&self, now_us: u64) -> Option<Decision> {
        Some(Decision { binding: self.barred?, ..denied(now_us, 0, 0) })
    }

    /// A peek that asks no shared cell, because a lease, the lack of any share or a limit of 0
    /// answers it.
    pub(super) fn peeked_alone<K: Kv>(&self, call: &mut Call<'_, K>) -> Option<Decision> {
        if let (Some(whole), []) = (self.whole, &self.meters[..]) {
            return Some(self.beyond_share(call.now_us, whole));
        }
        if let Some(decision) = self.barred(call.now_us) {
            return Some(decision);
        }
        let spent = self.lease.as_ref()?.look(&mut call.cells, call.now_us, call.permits)?;
        Some(spent.report(&call.cells, call.now_us, self.meters[0].capacity(), 0))
    }

    fn beyond_share(&self, now_us: u64, whole: Whole) -> Decision {
        denied(now_us, self.most, whole.window_us.div_ceil(1_000))
    }
}

/// Denied without a look at any cell.
fn denied(now_us: u64, limit: u32, retry_after_ms: u64) -> Decision {
    Decision {
        verdict: Verdict::Denied,
        reason: Reason::Limit,
        at_us: now_us,
        charged_at_us: 0,
        full_at_us: 0,
        binding: 0,
        count: 0,
        limit,
        remaining: 0,
        reset_after_ms: 0,
        retry_after_ms,
        wait_ms: 0,
        position: 0,
        waiting: 0,
        ticket: 0,
        discarded: 0,
        leased: false,
        release_after_ms: 0,
    }
}

/// A host's part of a limit. `None`: the part is nothing.
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
