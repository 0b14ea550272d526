//! Answers that are given again without a run: the same as by a run each time.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use tidegate::blocking::{RateLimiter, Tidegate};
use tidegate::{Algorithm, Ask, Decision, Limit, ManualClock, OnLimit, RateLimiterConfig, WindowUnit};

/// A gate in memory, its clock, and two limiters on the same keys.
struct World {
    clock: ManualClock,
    limiters: [RateLimiter; 2],
    given: Option<Decision>,
}

#[derive(Debug, Clone, Copy)]
enum Op {
    TryAcquire(u32),
    Acquire(u32),
    Many,
    Peek,
    Charge(u32),
    Refund,
    Reset,
}

#[derive(Debug, Clone, Copy)]
struct Step {
    gap_us: u64,
    key: u8,
    limiter: usize,
    op: Op,
}

impl World {
    /// The second limiter has the same settings as the first, or another burst or limit.
    fn new(limits: [Limit; 2], stands: bool) -> Self {
        let clock = ManualClock::at_us(1_795_000_000_000_000);
        let builder = Tidegate::builder().clock(clock.clone());
        let builder = if stands { builder } else { builder.no_standing_answers() };
        let gate = builder.build().expect("the component loads");
        let limiter = |limit| gate.rate_limiter(RateLimiterConfig::new("api", limit)).expect("it is valid");
        Self { clock, limiters: limits.map(limiter), given: None }
    }

    fn make(&mut self, step: Step) -> String {
        self.clock.set_us(tidegate::Clock::now_us(&self.clock) + step.gap_us);
        let (limiter, key) = (&self.limiters[step.limiter], step.key.to_string());
        match step.op {
            Op::TryAcquire(cost) => {
                let answer = limiter.try_acquire(Ask::of(&key).cost(cost));
                self.given = answer.as_ref().ok().filter(|it| it.is_allowed()).cloned().or(self.given.take());
                format!("{answer:?}")
            }
            Op::Acquire(cost) => format!("{:?}", limiter.decide(Ask::of(&key).cost(cost), None)),
            Op::Many => format!("{:?}", limiter.try_acquire_many(["0", "1", "0"])),
            Op::Peek => format!("{:?}", limiter.peek(&key)),
            Op::Charge(cost) => format!("{:?}", limiter.charge(&key, cost)),
            Op::Refund => match self.given.take() {
                Some(given) => format!("{:?}", limiter.refund(&key, &given)),
                None => String::new(),
            },
            Op::Reset => format!("{:?}", limiter.reset(&key)),
        }
    }
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        40 => (1..=3_u32).prop_map(Op::TryAcquire),
        5 => (1..=2_u32).prop_map(Op::Acquire),
        1 => Just(Op::Many),
        2 => Just(Op::Peek),
        1 => (1..=5_u32).prop_map(Op::Charge),
        1 => Just(Op::Refund),
        1 => Just(Op::Reset),
    ]
}

fn steps(window_us: u64) -> impl Strategy<Value = Vec<Step>> {
    let gap = prop_oneof![6 => 0..=window_us / 300, 2 => 0..=window_us / 20, 1 => 0..=2 * window_us];
    // Nearly all on one key, by one limiter.
    let key = prop_oneof![9 => Just(0_u8), 1 => Just(1_u8)];
    let limiter = prop_oneof![19 => Just(0_usize), 1 => Just(1_usize)];
    vec((gap, key, limiter, op()).prop_map(|(gap_us, key, limiter, op)| Step { gap_us, key, limiter, op }), 1..150)
}

fn limits() -> impl Strategy<Value = [Limit; 2]> {
    let algorithm = prop_oneof![
        2 => (1..=30_u32).prop_map(|burst| Algorithm::Gcra { burst: Some(burst) }),
        1 => Just(Algorithm::TokenBucket { burst: None }),
        1 => Just(Algorithm::FixedWindow),
        1 => Just(Algorithm::SlidingWindowCounter),
        3 => Just(Algorithm::default()),
        1 => Just(Algorithm::SlidingLog),
    ];
    let limit = prop_oneof![3..=40_u32, 250..=3_000_u32];
    (limit, 200..=3_000_u64, algorithm, 0..=1_u32).prop_map(|(limit, window_ms, algorithm, more)| {
        [limit, limit + more].map(|limit| Limit::new(limit, WindowUnit::Millisecond, window_ms).by(algorithm))
    })
}

fn answers_are_the_same(limits: [Limit; 2], steps: &[Step]) -> TestCaseResult {
    let (mut standing, mut plain) = (World::new(limits, true), World::new(limits, false));
    for step in steps {
        prop_assert_eq!(standing.make(*step), plain.make(*step), "{:?}", step);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_stands_is_answered_as_by_a_run(
        (limits, steps) in limits().prop_flat_map(|limits| (Just(limits), steps(limits[0].window_count * 1_000)))
    ) {
        answers_are_the_same(limits, &steps)?;
    }
}

#[test]
fn a_limiter_that_queues_or_delays_goes_on_to_do_so() {
    for on_limit in
        [OnLimit::Delay { max_wait_ms: 500 }, OnLimit::Queue { max_size: 5, timeout_ms: 500, grace_ms: None }]
    {
        let clock = ManualClock::at_us(1_795_000_000_000_000);
        let gate = Tidegate::builder().clock(clock).build().expect("the component loads");
        let config = RateLimiterConfig::new("api", Limit::per_second(10)).on_limit(on_limit);
        let limiter = gate.rate_limiter(config).expect("it is valid");
        let waits = (0..13).filter(|_| !limiter.decide("k", None).expect("it is decided").is_allowed()).count();
        assert_eq!(waits, 3, "{on_limit:?}");
    }
}
