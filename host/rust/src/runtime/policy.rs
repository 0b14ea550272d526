//! Policies: configurations that the component has checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::wit::{circuit_breaker, rate_limiter};

/// A checked configuration. Cheap to clone. Each instance opens it when it first runs it, and
/// closes it some time after the last clone is gone.
#[derive(Debug, Clone)]
pub(crate) struct Policy(pub(super) Arc<Opened>);

/// What to open in an instance.
#[derive(Debug)]
pub(super) enum PolicyConfig {
    Limiter(rate_limiter::Config),
    /// The part of a limiter that falls to one of so many hosts.
    Share(rate_limiter::Config, u32),
    Breaker(circuit_breaker::Config),
    /// JSON text.
    LimiterNode(String),
    /// JSON text.
    BreakerNode(String),
}

impl Policy {
    /// Whether it is the very same.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// A rate limiter: for how long a permit can count at most, in microseconds. Any other policy:
    /// 0.
    pub(crate) fn longest_us(&self) -> u64 {
        match &self.0.config {
            PolicyConfig::Limiter(config) => config.limits.iter().map(longest_us).max().unwrap_or(0),
            _ => 0,
        }
    }
}

/// A permit counts for a window, in a window of which one part leaves whole or that is aligned for
/// up to two, and in a bucket until all that it can hold has run out.
fn longest_us(limit: &rate_limiter::Limit) -> u64 {
    let unit_us: u64 = match limit.window.unit {
        rate_limiter::WindowUnit::Millisecond => 1_000,
        rate_limiter::WindowUnit::Second => 1_000_000,
        rate_limiter::WindowUnit::Minute => 60_000_000,
        rate_limiter::WindowUnit::Hour => 3_600_000_000,
        rate_limiter::WindowUnit::Day => 86_400_000_000,
    };
    let windows = match limit.algorithm {
        rate_limiter::Algorithm::Gcra(bucket) | rate_limiter::Algorithm::TokenBucket(bucket) => {
            u64::from(bucket.burst.unwrap_or(limit.limit).div_ceil(limit.limit.max(1)))
        }
        rate_limiter::Algorithm::SlidingLog => 1,
        _ => 2,
    };
    unit_us.saturating_mul(limit.window.count).saturating_mul(windows.max(1))
}

#[derive(Debug)]
pub(super) struct Opened {
    /// No other policy has had or will have it.
    pub(super) serial: u64,
    /// No other living policy has it, and it is as small as can be.
    pub(super) index: usize,
    pub(super) config: PolicyConfig,
    ids: Arc<PolicyIds>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.ids.indices.lock().free.push(self.index);
        self.ids.dropped.fetch_add(1, Ordering::Release);
    }
}

/// Hands out the numbers of policies.
#[derive(Debug, Default)]
pub(super) struct PolicyIds {
    indices: Mutex<Indices>,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Indices {
    free: Vec<usize>,
    next: usize,
}

impl PolicyIds {
    pub(super) fn add(self: &Arc<Self>, config: PolicyConfig) -> Policy {
        // One count for the whole process, so that a policy of another runtime is never taken for
        // one of ours.
        static SERIALS: AtomicU64 = AtomicU64::new(0);
        let serial = SERIALS.fetch_add(1, Ordering::Relaxed);
        let index = self.indices.lock().take();
        Policy(Arc::new(Opened { serial, index, config, ids: Arc::clone(self) }))
    }

    /// How many policies have gone, so that an instance sees by one read whether it has any to
    /// close.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Acquire)
    }
}

impl Indices {
    fn take(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        })
    }
}
