//! Random configurations, and random histories of a key that keep a list of what was admitted.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use tidegate_policy::rate_limiter::{Algorithm, Config, Decision, Limit, OnLimit, RateLimiter, Verdict};

use crate::oracle::{Given, broken};
use crate::support::{Key, T0_US, is_bucket, most, per_ms};

/// This many cases, or as many as `PROPTEST_CASES` asks for.
pub(crate) fn cases(count: u32) -> ProptestConfig {
    if std::env::var_os("PROPTEST_CASES").is_some() {
        ProptestConfig::default()
    } else {
        ProptestConfig::with_cases(count)
    }
}

/// How long until the next step.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Gap {
    Us(u64),
    /// To the next multiple of a part of the first window, or a microsecond beside it.
    Edge {
        parts: u32,
        beside: i8,
    },
    /// To a window after something was admitted, or a microsecond beside it.
    Return {
        which: Index,
        beside: i8,
    },
    /// This many tenths of the first window.
    Tenths(u64),
}

/// What happens to the key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    Acquire { size: u32, lag_us: u64, refused_ms: u32 },
    TryAcquire { size: u32, lag_us: u64, refused_ms: u32 },
    Refund { which: Index, part: u32, lag_us: u64 },
    Peek { size: u32 },
}

pub(crate) type Step = (Gap, Op);

pub(crate) fn algorithm() -> impl Strategy<Value = Algorithm> {
    let burst = || prop_oneof![Just(None), (1..=20_u32).prop_map(Some)];
    prop_oneof![
        3 => prop_oneof![Just(1), Just(2), Just(10), Just(100), 1..=20_u32]
            .prop_map(|sub_windows| Algorithm::SlidingWindow { sub_windows }),
        1 => burst().prop_map(|burst| Algorithm::Gcra { burst }),
        1 => burst().prop_map(|burst| Algorithm::TokenBucket { burst }),
        1 => Just(Algorithm::FixedWindow),
        2 => Just(Algorithm::SlidingWindowCounter),
        2 => Just(Algorithm::SlidingLog),
    ]
}

fn limit() -> impl Strategy<Value = Limit> {
    let window_ms = prop_oneof![Just(1_u64), Just(7), Just(10), Just(100), Just(1_000), Just(60_000), 1..=5_000_u64];
    let few = (prop_oneof![1..=4_u32, 1..=20_u32], window_ms, algorithm())
        .prop_map(|(limit, window_ms, algorithm)| per_ms(limit, window_ms, algorithm));
    // Up to one permit a microsecond, where a rounding of times weighs most.
    let many = (300..=1_000_u32, 1..=20_u32)
        .prop_map(|(limit, burst)| per_ms(limit, 1, Algorithm::Gcra { burst: Some(burst) }));
    prop_oneof![12 => few, 1 => many]
}

fn on_limit() -> impl Strategy<Value = OnLimit> {
    let max_wait_ms = prop_oneof![1..=50_u64, 1..=5_000_u64, 1..=120_000_u64];
    prop_oneof![Just(OnLimit::Reject), max_wait_ms.prop_map(|max_wait_ms| OnLimit::Delay { max_wait_ms })]
}

/// A configuration of `limits` limits that rejects or delays.
pub(crate) fn config(limits: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Config> {
    (vec(limit(), limits), on_limit()).prop_map(|(mut limits, mut on_limit)| {
        if let OnLimit::Delay { max_wait_ms } = &mut on_limit {
            let shortest = limits.iter().map(|limit| limit.window.count).min().unwrap_or(1);
            *max_wait_ms = (*max_wait_ms).min(100 * shortest);
        }
        // Two limits in the same cells are a problem of the configuration; the first stays.
        while RateLimiter::open(&Config { limits: limits.clone(), on_limit, lease: None }).is_err() {
            limits.pop();
        }
        Config { limits, on_limit, lease: None }
    })
}

fn gap() -> impl Strategy<Value = Gap> {
    prop_oneof![
        4 => Just(Gap::Us(0)),
        1 => (0..5_u64).prop_map(Gap::Us),
        2 => (0..3_000_u64).prop_map(Gap::Us),
        3 => (0..15_u64).prop_map(Gap::Tenths),
        3 => (1..=10_u32, -1..=1_i8).prop_map(|(parts, beside)| Gap::Edge { parts, beside }),
        3 => (any::<Index>(), -1..=1_i8).prop_map(|(which, beside)| Gap::Return { which, beside }),
        1 => Just(Gap::Tenths(35)),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let lag_us = || prop_oneof![2 => Just(0), 1 => 0..=1_000_000_u64];
    let size = || prop_oneof![3 => Just(0_u32), 1 => 0..=100_u32];
    let refused_ms = || prop_oneof![3 => Just(0_u32), 1 => 1..=300_u32];
    prop_oneof![
        6 => (size(), lag_us(), refused_ms())
            .prop_map(|(size, lag_us, refused_ms)| Op::Acquire { size, lag_us, refused_ms }),
        1 => (size(), lag_us(), refused_ms())
            .prop_map(|(size, lag_us, refused_ms)| Op::TryAcquire { size, lag_us, refused_ms }),
        2 => (any::<Index>(), 0..=100_u32, lag_us())
            .prop_map(|(which, part, lag_us)| Op::Refund { which, part, lag_us }),
        1 => size().prop_map(|size| Op::Peek { size }),
    ]
}

pub(crate) fn steps(count: usize) -> impl Strategy<Value = Vec<Step>> {
    vec((gap(), op()), 1..=count)
}

/// A key, and what it has admitted.
pub(crate) struct History {
    pub(crate) key: Key,
    pub(crate) config: Config,
    /// By the time charged.
    pub(crate) given: Vec<Given>,
    /// By the time a caller goes who counts `wait_ms` from the time of the decision.
    pub(crate) gone: Vec<Given>,
    /// When the buckets were due to be full before each.
    full_us: Vec<u64>,
    /// Of those who were put in the queue.
    pub(crate) tickets: Vec<u64>,
    most: u32,
    may_lag: bool,
}

impl History {
    pub(crate) fn new(config: &Config, start_us: u64) -> Self {
        let mut key = Key::of(config);
        key.world.set_us(T0_US + start_us);
        let most = most(&key.limiter);
        let (given, gone, full_us, tickets) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { key, config: config.clone(), given, gone, full_us, tickets, most, may_lag: true }
    }

    pub(crate) fn without_lag(mut self) -> Self {
        self.may_lag = false;
        self
    }

    pub(crate) fn run(&mut self, steps: &[Step]) -> Result<(), TestCaseError> {
        for (gap, op) in steps {
            self.pass(*gap);
            self.apply(*op)?;
        }
        Ok(())
    }

    /// The cost that a size from 0 to 100 stands for.
    pub(crate) fn cost(&self, size: u32) -> u32 {
        1 + size * (self.most - 1) / 100
    }

    pub(crate) fn pass(&mut self, gap: Gap) {
        let (now_us, window_us) = (self.key.now_us(), self.window_us(0));
        let next_us = match gap {
            Gap::Us(us) => now_us + us,
            Gap::Tenths(tenths) => now_us + tenths * window_us / 10,
            Gap::Edge { parts, beside } => {
                let part_us = window_us.div_ceil(u64::from(parts));
                (now_us / part_us + 1).saturating_mul(part_us).saturating_add_signed(beside.into())
            }
            Gap::Return { which, beside } if !self.given.is_empty() => {
                let at_us = which.get(&self.given).at_us;
                at_us.saturating_add(window_us).saturating_add_signed(beside.into())
            }
            Gap::Return { .. } => now_us,
        };
        self.key.world.set_us(next_us.max(now_us));
    }

    fn window_us(&self, index: usize) -> u64 {
        self.config.limits[index].window.count * 1_000
    }

    fn apply(&mut self, op: Op) -> Result<(), TestCaseError> {
        let now_us = self.key.now_us();
        let (Op::Acquire { lag_us, .. } | Op::TryAcquire { lag_us, .. } | Op::Refund { lag_us, .. }) = op else {
            let Op::Peek { size } = op else { unreachable!() };
            let (writes, cost) = (self.key.world.writes(), self.cost(size));
            self.key.peek(cost);
            prop_assert_eq!(self.key.world.writes(), writes, "a peek has changed something");
            return Ok(());
        };
        // A bucket's refund needs a host that never lets a key's time run backwards.
        let bucket = self.config.limits.iter().any(|limit| is_bucket(limit.algorithm));
        let may_lag = self.may_lag && !(bucket && matches!(op, Op::Refund { .. }));
        self.key.world.set_us(now_us - if may_lag { lag_us } else { 0 });
        if let Op::Acquire { refused_ms, .. } | Op::TryAcquire { refused_ms, .. } = op {
            self.key.world.set_refused_ms(refused_ms);
        }
        let result = self.change(op);
        self.key.world.set_refused_ms(0);
        self.key.world.set_us(now_us);
        result
    }

    fn change(&mut self, op: Op) -> Result<(), TestCaseError> {
        match op {
            Op::Refund { which, part, .. } if !self.given.is_empty() => {
                let found = which.index(self.given.len());
                let (at_us, permits) = (self.given[found].at_us, self.given[found].permits);
                let back = permits * part / 100;
                // What was promised before the refund must have held with these permits.
                self.check()?;
                self.key.limiter.refund(&mut self.key.world, 0, back, at_us, self.full_us[found]);
                self.given[found].permits -= back;
                self.gone[found].permits -= back;
            }
            Op::Acquire { size, .. } => {
                let (cost, writes) = (self.cost(size), self.key.world.writes());
                let decision = self.key.acquire(cost);
                self.note(cost, decision, writes)?;
            }
            Op::TryAcquire { size, .. } => {
                let (cost, writes) = (self.cost(size), self.key.world.writes());
                let decision = self.key.try_acquire(cost);
                prop_assert_ne!(decision.verdict, Verdict::Wait);
                self.note(cost, decision, writes)?;
            }
            Op::Refund { .. } | Op::Peek { .. } => {}
        }
        Ok(())
    }

    fn note(&mut self, cost: u32, decision: Decision, writes: u64) -> Result<(), TestCaseError> {
        if decision.verdict == Verdict::Denied {
            prop_assert_eq!(self.key.world.writes(), writes, "a refusal has changed something");
            prop_assert_eq!(decision.charged_at_us, 0);
            return Ok(());
        }
        if decision.ticket != 0 {
            self.tickets.push(decision.ticket);
            return Ok(());
        }
        let go_us = decision.at_us + decision.wait_ms * 1_000;
        if decision.verdict == Verdict::Wait {
            let late_us = go_us.checked_sub(decision.charged_at_us);
            prop_assert!(
                late_us.is_some_and(|us| us < 1_000),
                "{decision:?} is told to go at another time than its place"
            );
        }
        let go_us = go_us.max(decision.charged_at_us);
        self.full_us.push(decision.full_at_us);
        self.given.push(Given { at_us: decision.charged_at_us, permits: cost });
        self.gone.push(Given { at_us: go_us, permits: cost });
        Ok(())
    }

    /// Every limit's promise, over what was admitted so far.
    pub(crate) fn check(&self) -> Result<(), TestCaseError> {
        for (index, limit) in self.config.limits.iter().enumerate() {
            let found = broken(limit, self.window_us(index), &self.given);
            prop_assert!(found.is_none(), "{limit:?}: {} of {:?}", found.unwrap_or_default(), self.given);
        }
        Ok(())
    }
}
