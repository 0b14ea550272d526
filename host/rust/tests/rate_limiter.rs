//! The rate limiter by its public face, on the memory store and a clock that moves when it is told
//! to.

mod rate_limiter {
    pub(crate) mod timers;
}

use std::time::Duration;

use rate_limiter::timers::Timers;
use tidegate::{
    Algorithm, Ask, Clock, Error, Limit, OnLimit, RateLimiter, RateLimiterConfig, Reason, Tidegate, Verdict,
};
use tokio::task::JoinHandle;

const SECOND: Duration = Duration::from_secs(1);

struct World {
    clock: Timers,
    gate: Tidegate,
}

/// What became of one who asked, and after how many microseconds.
type Arrival = (Result<(), Error>, u64);

impl World {
    fn new() -> Self {
        let clock = Timers::default();
        let gate = Tidegate::builder().clock(clock.clone()).build().expect("the component loads");
        Self { clock, gate }
    }

    fn limiter(&self, config: RateLimiterConfig) -> RateLimiter {
        self.gate.rate_limiter(config).expect("the configuration is valid")
    }

    /// A task that asks for a permit.
    fn asks(&self, limiter: &RateLimiter, priority: i32) -> JoinHandle<Arrival> {
        let (limiter, clock) = (limiter.clone(), self.clock.clone());
        let start_us = clock.now_us();
        tokio::spawn(async move {
            let result = limiter.acquire(Ask::of("k").priority(priority)).await.map(drop);
            (result, clock.now_us() - start_us)
        })
    }

    /// Fifteen ask at once.
    async fn fifteen_at_once(&self, limiter: &RateLimiter) -> Vec<Arrival> {
        let tasks = (0..15).map(|_| self.asks(limiter, 0)).collect();
        self.clock.run(tasks).await
    }

    async fn spend(&self, limiter: &RateLimiter, cost: u32) {
        assert!(limiter.try_acquire(Ask::of("k").cost(cost)).await.expect("it fits").is_allowed());
    }
}

/// After how many microseconds each was let go.
fn times_us(arrivals: &[Arrival]) -> Vec<u64> {
    let time_us = |(result, after_us): &Arrival| {
        result.as_ref().expect("all get a permit in the end");
        *after_us
    };
    arrivals.iter().map(time_us).collect()
}

fn algorithms() -> [Algorithm; 6] {
    [
        Algorithm::default(),
        Algorithm::Gcra { burst: None },
        Algorithm::TokenBucket { burst: None },
        Algorithm::FixedWindow,
        Algorithm::SlidingWindowCounter,
        Algorithm::SlidingLog,
    ]
}

fn ten_a_second(algorithm: Algorithm) -> RateLimiterConfig {
    RateLimiterConfig::new("api", Limit::per_second(10).by(algorithm))
}

fn ten_a_second_queued() -> RateLimiterConfig {
    ten_a_second(Algorithm::default()).on_limit(OnLimit::queue(20, 30 * SECOND))
}

fn one_a_second_queued() -> RateLimiterConfig {
    RateLimiterConfig::new("api", Limit::per_second(1)).on_limit(OnLimit::queue(20, 30 * SECOND))
}

#[tokio::test]
async fn of_fifteen_at_once_ten_pass_and_five_are_rejected() {
    for algorithm in algorithms() {
        let world = World::new();
        let arrivals = world.fifteen_at_once(&world.limiter(ten_a_second(algorithm))).await;
        for (number, (result, after_us)) in arrivals.into_iter().enumerate() {
            assert_eq!(after_us, 0, "{algorithm:?}");
            match result {
                Ok(()) => assert!(number < 10, "{algorithm:?}: {number}"),
                Err(error) => {
                    let decision = error.denied().expect("it was denied");
                    assert!(number >= 10, "{algorithm:?}: {number}");
                    assert_eq!((decision.reason, decision.remaining), (Reason::Limit, 0), "{algorithm:?}");
                    assert!(!decision.retry_after.is_zero(), "{algorithm:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn of_fifteen_at_once_ten_pass_and_five_wait_their_turn_when_delayed_or_queued() {
    for on_limit in [OnLimit::delay(30 * SECOND), OnLimit::queue(5, 30 * SECOND)] {
        for algorithm in algorithms() {
            let world = World::new();
            let limiter = world.limiter(ten_a_second(algorithm).on_limit(on_limit));
            let times_us = times_us(&world.fifteen_at_once(&limiter).await);
            assert!(times_us.is_sorted(), "{algorithm:?} {on_limit:?}: {times_us:?}");
            assert_eq!(times_us.iter().filter(|after_us| **after_us == 0).count(), 10, "{algorithm:?} {on_limit:?}");
            match algorithm {
                Algorithm::SlidingWindow { .. } | Algorithm::SlidingLog => assert!(times_us[10] >= 1_000_000),
                Algorithm::Gcra { .. } | Algorithm::TokenBucket { .. } => {
                    assert_eq!(times_us[10..], [100_000, 200_000, 300_000, 400_000, 500_000], "{on_limit:?}");
                }
                Algorithm::FixedWindow | Algorithm::SlidingWindowCounter => {}
            }
        }
    }
}

#[tokio::test]
async fn each_key_has_permits_of_its_own_and_each_name_too() {
    let world = World::new();
    let limiter = world.limiter(ten_a_second(Algorithm::default()));
    let other = world.limiter(RateLimiterConfig { name: "other".to_owned(), ..limiter.config().clone() });
    world.spend(&limiter, 10).await;
    assert!(!limiter.try_acquire("k").await.expect("it fits").is_allowed());
    assert_eq!(limiter.try_acquire("l").await.expect("it fits").remaining, 9);
    assert_eq!(other.try_acquire("k").await.expect("it fits").remaining, 9);
    let same = world.limiter(limiter.config().clone());
    assert!(!same.try_acquire("k").await.expect("it fits").is_allowed());
}

#[tokio::test]
async fn a_denied_call_is_let_through_at_its_retry_time_and_not_a_millisecond_before() {
    for algorithm in algorithms() {
        let world = World::new();
        let limiter = world.limiter(ten_a_second(algorithm));
        world.spend(&limiter, 10).await;
        let denied = limiter.try_acquire("k").await.expect("it fits");
        assert_eq!(denied.verdict, Verdict::Denied, "{algorithm:?}");
        world.clock.clock.advance(denied.retry_after.checked_sub(Duration::from_millis(1)).expect("it is not now"));
        assert!(!limiter.try_acquire("k").await.expect("it fits").is_allowed(), "{algorithm:?}");
        world.clock.clock.advance(Duration::from_millis(1));
        assert!(limiter.try_acquire("k").await.expect("it fits").is_allowed(), "{algorithm:?}");
    }
}

#[tokio::test]
async fn when_the_window_has_passed_all_permits_are_back() {
    for algorithm in algorithms() {
        let world = World::new();
        let limiter = world.limiter(ten_a_second(algorithm));
        let spent = limiter.try_acquire(Ask::of("k").cost(10)).await.expect("it fits");
        assert_eq!((spent.count, spent.remaining), (10, 0), "{algorithm:?}");
        world.clock.clock.advance(spent.reset_after);
        let after = limiter.peek("k").await.expect("it fits");
        assert_eq!((after.count, after.remaining), (0, 10), "{algorithm:?}");
        world.spend(&limiter, 10).await;
    }
}

#[tokio::test]
async fn what_was_used_is_charged_beyond_the_limit_and_later_calls_wait_for_it() {
    for algorithm in algorithms() {
        let world = World::new();
        let limiter = world.limiter(ten_a_second(algorithm));
        let charged = limiter.charge("k", 25).await.expect("it is never refused");
        assert_eq!((charged.verdict, charged.count, charged.remaining), (Verdict::Allowed, 25, 0), "{algorithm:?}");
        assert!(charged.retry_after >= SECOND, "{algorithm:?} {charged:?}");
        world.clock.clock.advance(charged.retry_after.saturating_sub(Duration::from_millis(1)));
        assert!(!limiter.try_acquire("k").await.expect("it fits").is_allowed(), "{algorithm:?}");
        world.clock.clock.advance(Duration::from_millis(1));
        assert!(limiter.try_acquire("k").await.expect("it fits").is_allowed(), "{algorithm:?}");
    }
}

/// Given back a second later: of a bucket that lacked 6,000 before, nothing of them has come back.
#[tokio::test]
async fn a_refund_of_a_bucket_goes_by_what_it_lacked_before() {
    let world = World::new();
    let limit = Limit::per_minute(60_000).by(Algorithm::Gcra { burst: None });
    let limiter = world.limiter(RateLimiterConfig::new("bucket", limit));
    world.spend(&limiter, 6_000).await;
    let decision = limiter.try_acquire(Ask::of("k").cost(600)).await.expect("it fits");
    assert_eq!(decision.full_at_us, Some(decision.at_us + 6_000_000));
    world.clock.clock.advance(SECOND);
    let after = limiter.refund(Ask::of("k").cost(600), &decision).await.expect("the store is there");
    assert_eq!(after.count, 5_000);
}

#[tokio::test]
async fn a_limit_of_nothing_denies_every_call() {
    let world = World::new();
    let limiter = world.limiter(RateLimiterConfig::new("none", Limit::per_second(0)));
    let denied = limiter.try_acquire(Ask::of("k").cost(7)).await.expect("it is no fault");
    assert_eq!((denied.reason, denied.limit, denied.retry_after), (Reason::Limit, 0, Duration::ZERO));
    assert!(limiter.acquire("k").await.is_err_and(|error| error.denied().is_some()));
}

#[tokio::test]
async fn a_cost_that_never_fits_tells_what_counts_now() {
    let world = World::new();
    let limiter = world.limiter(ten_a_second(Algorithm::default()).and(Limit::per_hour(12)));
    world.spend(&limiter, 4).await;
    let error = limiter.try_acquire(Ask::of("k").cost(11)).await.expect_err("it never fits");
    assert!(matches!(error, Error::CostNeverFits { cost: 11, limit: 10, count: 4, remaining: 6, .. }), "{error:?}");
    assert!(error.to_string().ends_with("which admits 10 at once; 4 count now"), "{error}");
}

#[tokio::test]
async fn several_limits_are_charged_all_or_none() {
    let world = World::new();
    let limiter = world.limiter(ten_a_second(Algorithm::default()).and(Limit::per_hour(12)));
    world.spend(&limiter, 10).await;
    world.clock.clock.advance(2 * SECOND);
    let denied = limiter.try_acquire(Ask::of("k").cost(3)).await.expect("it fits");
    assert_eq!((denied.verdict, denied.binding, denied.charged_at_us), (Verdict::Denied, 1, None));
    let allowed = limiter.try_acquire(Ask::of("k").cost(2)).await.expect("it fits");
    assert_eq!((allowed.verdict, allowed.binding, allowed.count), (Verdict::Allowed, 1, 12));
}

#[tokio::test]
async fn a_waiter_of_higher_priority_goes_first_and_then_who_came_first() {
    let world = World::new();
    let limiter = world.limiter(one_a_second_queued());
    world.spend(&limiter, 1).await;
    let mut tasks = Vec::new();
    for priority in [0, -1, 5, 0, 5] {
        tasks.push(world.asks(&limiter, priority));
        world.clock.asleep(tasks.len()).await;
    }
    let times_us = times_us(&world.clock.run(tasks).await);
    let mut order: Vec<usize> = (0..5).collect();
    order.sort_by_key(|number| times_us[*number]);
    assert_eq!(order, [2, 4, 0, 3, 1], "{times_us:?}");
    assert!(order.windows(2).all(|pair| times_us[pair[0]] + 1_000_000 <= times_us[pair[1]]), "{times_us:?}");
}

#[tokio::test]
async fn an_aborted_waiter_leaves_the_queue() {
    let world = World::new();
    let limiter = world.limiter(one_a_second_queued());
    world.spend(&limiter, 1).await;
    let mut tasks: Vec<_> = (0..3).map(|_| world.asks(&limiter, 0)).collect();
    world.clock.asleep(3).await;
    assert_eq!(limiter.peek("k").await.expect("it fits").waiting, 3);
    let aborted = tasks.remove(0);
    aborted.abort();
    assert!(aborted.await.expect_err("it was aborted").is_cancelled());
    assert_eq!(limiter.peek("k").await.expect("it fits").waiting, 2);
    let times_us = times_us(&world.clock.run(tasks).await);
    // The next keeps the time it was told, unless it asks again; none comes later than that.
    assert!(times_us.is_sorted() && times_us[1] <= 3_500_000, "{times_us:?}");
    assert_eq!(limiter.peek("k").await.expect("it fits").waiting, 0);
}

#[tokio::test]
async fn an_aborted_wait_gives_its_reserved_place_back() {
    let world = World::new();
    let limiter = world.limiter(ten_a_second(Algorithm::default()).on_limit(OnLimit::delay(30 * SECOND)));
    world.spend(&limiter, 10).await;
    let wait = async || limiter.decide(Ask::of("k").cost(10), None).await.expect("it fits").wait;
    let waiter = tokio::spawn({
        let limiter = limiter.clone();
        async move { limiter.acquire(Ask::of("k").cost(10)).await.map(drop) }
    });
    world.clock.asleep(1).await;
    waiter.abort();
    assert!(waiter.await.expect_err("it was aborted").is_cancelled());
    let second = wait().await;
    assert!(second < 2 * SECOND, "the place was given to {second:?} later");
    assert!(wait().await > second);
}

#[tokio::test]
async fn a_full_queue_and_a_wait_that_is_too_long_deny_and_say_why() {
    let world = World::new();
    let queued = world.limiter(ten_a_second(Algorithm::default()).on_limit(OnLimit::queue(1, 30 * SECOND)));
    world.spend(&queued, 10).await;
    let first = queued.decide("k", None).await.expect("it fits");
    assert_eq!((first.verdict, first.position, first.waiting), (Verdict::Wait, Some(1), 1));
    let error = queued.acquire("k").await.expect_err("the queue is full");
    assert_eq!(error.denied().map(|decision| decision.reason), Some(Reason::QueueFull), "{error}");

    let delayed = RateLimiterConfig::new("delayed", Limit::per_second(10)).on_limit(OnLimit::delay(SECOND / 2));
    let delayed = world.limiter(delayed);
    world.spend(&delayed, 10).await;
    let error = delayed.acquire("k").await.expect_err("the next place is a second away");
    assert_eq!(error.denied().map(|decision| decision.reason), Some(Reason::MaxWait), "{error}");
}

#[tokio::test]
async fn a_waiter_whose_time_is_over_is_denied() {
    let world = World::new();
    let limiter = world.limiter(ten_a_second(Algorithm::default()).on_limit(OnLimit::queue(5, SECOND / 4)));
    world.spend(&limiter, 10).await;
    let arrivals = world.clock.run(vec![world.asks(&limiter, 0)]).await;
    let (result, after_us) = &arrivals[0];
    let error = result.as_ref().expect_err("no place comes free in time");
    assert_eq!(error.denied().map(|decision| decision.reason), Some(Reason::QueueTimeout), "{error}");
    assert!(*after_us <= 250_000, "after {after_us} us");
    assert_eq!(limiter.peek("k").await.expect("it fits").waiting, 0);
}

#[tokio::test]
async fn a_ticket_can_be_cancelled_once() {
    let world = World::new();
    let limiter = world.limiter(ten_a_second_queued());
    world.spend(&limiter, 10).await;
    let ticket = limiter.decide("k", None).await.expect("it fits").ticket.expect("it waits");
    assert!(limiter.cancel("k", ticket).await.expect("there is an answer"));
    assert!(!limiter.cancel("k", ticket).await.expect("there is an answer"));
    assert!(!limiter.cancel("another", ticket).await.expect("there is an answer"));
}

#[tokio::test]
async fn a_peek_and_a_cost_of_nothing_charge_nothing() {
    for algorithm in algorithms() {
        let world = World::new();
        let limiter = world.limiter(ten_a_second(algorithm));
        world.spend(&limiter, 9).await;
        for _ in 0..3 {
            let peek = limiter.peek("k").await.expect("it fits");
            assert_eq!((peek.is_allowed(), peek.charged_at_us, peek.count), (true, None, 9), "{algorithm:?}");
            let free = limiter.acquire(Ask::of("k").cost(0)).await.expect("it fits").decision;
            assert_eq!((free.charged_at_us, free.count), (None, 9), "{algorithm:?}");
        }
    }
}

#[tokio::test]
async fn refunded_permits_can_be_had_again_and_never_more() {
    for algorithm in algorithms() {
        let world = World::new();
        let limiter = world.limiter(ten_a_second(algorithm));
        let ask = Ask::of("k").cost(6);
        let spent = limiter.try_acquire(ask).await.expect("it fits");
        world.spend(&limiter, 4).await;
        assert_eq!(limiter.refund(ask, &spent).await.expect("there is an answer").remaining, 6, "{algorithm:?}");
        let denied = limiter.try_acquire(Ask::of("k").cost(7)).await.expect("it fits");
        assert_eq!(limiter.refund(Ask::of("k").cost(7), &denied).await.expect("it is here").remaining, 6);
        world.spend(&limiter, 6).await;
        assert!(!limiter.try_acquire("k").await.expect("it fits").is_allowed(), "{algorithm:?}");
    }
}

#[tokio::test]
async fn a_reset_forgets_what_was_charged_to_one_key() {
    for algorithm in algorithms() {
        let world = World::new();
        let limiter = world.limiter(ten_a_second(algorithm));
        world.spend(&limiter, 10).await;
        limiter.try_acquire(Ask::of("l").cost(10)).await.expect("it fits");
        limiter.reset("k").await.expect("there is an answer");
        assert_eq!(limiter.peek("k").await.expect("it fits").remaining, 10, "{algorithm:?}");
        assert_eq!(limiter.peek("l").await.expect("it fits").remaining, 0, "{algorithm:?}");
    }
}

#[tokio::test]
async fn a_cost_that_never_fits_is_an_error_and_not_a_denial() {
    for on_limit in [OnLimit::Reject, OnLimit::delay(SECOND), OnLimit::queue(5, SECOND)] {
        let world = World::new();
        let limiter = world.limiter(ten_a_second(Algorithm::default()).on_limit(on_limit));
        let ask = Ask::of("k").cost(11);
        let errors = [
            limiter.try_acquire(ask).await.map(drop),
            limiter.acquire(ask).await.map(drop),
            limiter.peek(ask).await.map(drop),
            limiter.decide(ask.cost(u32::MAX), None).await.map(drop),
        ];
        for error in errors.map(|result| result.expect_err("it never fits")) {
            assert!(matches!(&error, Error::CostNeverFits { limiter, .. } if limiter == "api"), "{error}");
        }
        let after = limiter.peek("k").await.expect("it fits");
        assert_eq!((after.count, after.waiting), (0, 0));
    }
}

#[tokio::test]
async fn an_admission_says_how_long_it_waited() {
    let world = World::new();
    let limiter = world.limiter(ten_a_second_queued());
    world.spend(&limiter, 10).await;
    let asking = tokio::spawn({
        let limiter = limiter.clone();
        async move { limiter.acquire("k").await.expect("its turn comes").waited }
    });
    let start_us = world.clock.now_us();
    let waited = world.clock.run(vec![asking]).await[0];
    assert_eq!(waited, Duration::from_micros(world.clock.now_us() - start_us));
    assert!(waited >= SECOND, "{waited:?}");
}
