//! Short names for configurations and a key to try them on.

use tidegate_policy::fake::FakeWorld;
use tidegate_policy::rate_limiter::{
    Algorithm, Config, CostNeverFits, Decision, Limit, OnLimit, RateLimiter, Verdict, Window, WindowUnit,
};

/// A whole second in 2026, in microseconds since 1970.
pub(crate) const T0_US: u64 = 1_795_000_000_000_000;

pub(crate) const STRICT: Algorithm = Algorithm::SlidingWindow { sub_windows: 64 };
pub(crate) const GCRA: Algorithm = Algorithm::Gcra { burst: None };
pub(crate) const BUCKET: Algorithm = Algorithm::TokenBucket { burst: None };
pub(crate) const FIXED: Algorithm = Algorithm::FixedWindow;
pub(crate) const COUNTER: Algorithm = Algorithm::SlidingWindowCounter;
pub(crate) const LOG: Algorithm = Algorithm::SlidingLog;
pub(crate) const ALGORITHMS: [Algorithm; 6] = [STRICT, GCRA, BUCKET, FIXED, COUNTER, LOG];

pub(crate) const QUEUE: OnLimit = OnLimit::Queue { max_size: 100, timeout_ms: 30_000, grace_ms: 100 };

pub(crate) fn per_ms(limit: u32, window_ms: u64, algorithm: Algorithm) -> Limit {
    Limit { limit, window: Window { unit: WindowUnit::Millisecond, count: window_ms }, algorithm }
}

pub(crate) fn per_second(limit: u32, algorithm: Algorithm) -> Limit {
    per_ms(limit, 1_000, algorithm)
}

pub(crate) fn open(limits: &[Limit], on_limit: OnLimit) -> RateLimiter {
    open_config(&Config { limits: limits.to_vec(), on_limit, lease: None })
}

pub(crate) fn open_config(config: &Config) -> RateLimiter {
    RateLimiter::open(config).unwrap_or_else(|problems| panic!("{config:?}: {problems:?}"))
}

pub(crate) fn is_bucket(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::Gcra { .. } | Algorithm::TokenBucket { .. })
}

/// The most that a limit can admit at once.
pub(crate) fn capacity(limit: &Limit) -> u32 {
    match limit.algorithm {
        Algorithm::Gcra { burst } | Algorithm::TokenBucket { burst } => burst.unwrap_or(limit.limit),
        _ => limit.limit,
    }
}

/// The most that ever fits at once under all limits: less than the capacity of each where permits
/// are leased.
pub(crate) fn most(limiter: &RateLimiter) -> u32 {
    let fits = |cost| limiter.peek(&mut FakeWorld::at_us(T0_US), 0, cost).is_ok();
    let (mut fitting, mut above) = (1, 1 << 20);
    while above - fitting > 1 {
        let middle = u32::midpoint(fitting, above);
        if fits(middle) {
            fitting = middle;
        } else {
            above = middle;
        }
    }
    fitting
}

/// All that a store would show of a world, to tell whether anything has changed.
pub(crate) fn shown(world: &FakeWorld) -> Vec<String> {
    world.live_cells().map(|(cell, text)| format!("{cell:?}={text}")).collect()
}

/// One key of one limiter.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) world: FakeWorld,
    pub(crate) limiter: RateLimiter,
}

impl Key {
    pub(crate) fn new(limits: &[Limit], on_limit: OnLimit) -> Self {
        Self { world: FakeWorld::at_us(T0_US), limiter: open(limits, on_limit) }
    }

    pub(crate) fn of(config: &Config) -> Self {
        Self { world: FakeWorld::at_us(T0_US), limiter: open_config(config) }
    }

    pub(crate) fn acquire(&mut self, cost: u32) -> Decision {
        self.ask(cost, 0, 0)
    }

    pub(crate) fn ask(&mut self, cost: u32, priority: i32, ticket: u64) -> Decision {
        self.limiter.acquire(&mut self.world, 0, cost, priority, ticket).expect("the cost fits")
    }

    pub(crate) fn try_acquire(&mut self, cost: u32) -> Decision {
        self.limiter.try_acquire(&mut self.world, 0, cost).expect("the cost fits")
    }

    pub(crate) fn peek(&mut self, cost: u32) -> Decision {
        self.limiter.peek(&mut self.world, 0, cost).expect("the cost fits")
    }

    /// A refund that does not know when the bucket was due to be full.
    pub(crate) fn refund(&mut self, cost: u32, charged_at_us: u64) -> Decision {
        self.limiter.refund(&mut self.world, 0, cost, charged_at_us, 0)
    }

    /// A refund of permits that a decision charged.
    pub(crate) fn refund_of(&mut self, cost: u32, charged: &Decision) -> Decision {
        self.limiter.refund(&mut self.world, 0, cost, charged.charged_at_us, charged.full_at_us)
    }

    pub(crate) fn charge(&mut self, cost: u32) -> Decision {
        self.limiter.charge(&mut self.world, 0, cost)
    }

    pub(crate) fn cancel(&mut self, ticket: u64) -> bool {
        self.limiter.cancel(&mut self.world, 0, ticket)
    }

    pub(crate) fn reset(&mut self) {
        self.limiter.reset(&mut self.world, 0);
    }

    pub(crate) fn fault(&mut self, cost: u32) -> Option<CostNeverFits> {
        self.limiter.acquire(&mut self.world, 0, cost, 0, 0).err()
    }

    pub(crate) fn pass_ms(&mut self, ms: u64) {
        self.world.pass_ms(ms);
    }

    pub(crate) fn pass_us(&mut self, us: u64) {
        self.world.set_us(self.world.time_us() + us);
    }

    pub(crate) fn now_us(&self) -> u64 {
        self.world.time_us()
    }

    /// What it would be at another time, were nothing else to happen.
    pub(crate) fn at_us(&self, us: u64) -> Self {
        let mut other = self.clone();
        other.world.set_us(us);
        other
    }

    /// This many calls of cost 1 at once.
    pub(crate) fn burst(&mut self, calls: usize) -> Vec<Decision> {
        (0..calls).map(|_| self.acquire(1)).collect()
    }
}

pub(crate) fn allowed(decisions: &[Decision]) -> usize {
    decisions.iter().filter(|decision| decision.verdict == Verdict::Allowed).count()
}
