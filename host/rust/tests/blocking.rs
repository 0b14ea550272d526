//! The blocking face, on the memory store.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use tidegate::blocking::Tidegate;
use tidegate::store::BoxFuture;
use tidegate::{
    Ask, CallError, CircuitBreakerConfig, Clock, Effect, Error, Failure, HalfOpen, Limit, ManualClock, Mode, OnLimit,
    RateLimiterConfig, Reason, State, Verdict,
};

const SECOND: Duration = Duration::from_secs(1);

/// A clock that tells when a thread begins to wait, and for how long.
#[derive(Debug)]
struct Told {
    clock: ManualClock,
    waits: Mutex<Sender<Duration>>,
}

impl Clock for Told {
    fn now_us(&self) -> u64 {
        self.clock.now_us()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        self.clock.sleep(time)
    }

    fn block(&self, time: Duration) {
        // The clock may move between the two; the time to wait until must not.
        let until_us = self.clock.now_us() + u64::try_from(time.as_micros()).expect("a test's time is short");
        self.waits.lock().send(time).expect("the test listens");
        let left_us = until_us.saturating_sub(self.clock.now_us());
        self.clock.block(Duration::from_micros(left_us));
    }
}

struct World {
    clock: ManualClock,
    gate: Tidegate,
    waits: Receiver<Duration>,
}

impl World {
    fn new() -> Self {
        let clock = ManualClock::new();
        let (sender, waits) = channel();
        let told = Told { clock: clock.clone(), waits: Mutex::new(sender) };
        let gate = Tidegate::builder().clock(told).build().expect("the component loads");
        Self { clock, gate, waits }
    }

    /// A circuit that one failure has opened, and whose time is over.
    fn half_open(&self) -> tidegate::blocking::CircuitBreaker {
        let config = CircuitBreakerConfig::consecutive("c", 1).open_for(SECOND).half_open(HalfOpen::default());
        let breaker = self.gate.circuit_breaker(config).expect("the configuration is valid");
        breaker.call(|| Err::<(), _>(std::fmt::Error)).expect_err("the operation fails");
        self.clock.advance(SECOND);
        breaker
    }
}

fn one_a_second() -> RateLimiterConfig {
    RateLimiterConfig::new("api", Limit::per_second(1))
}

#[test]
fn acquire_blocks_its_thread_until_its_time_comes() {
    for on_limit in [OnLimit::delay(10 * SECOND), OnLimit::queue(5, 10 * SECOND)] {
        let world = World::new();
        let limiter = world.gate.rate_limiter(one_a_second().on_limit(on_limit)).expect("the configuration is valid");
        assert_eq!(limiter.acquire("k").expect("it is the first").waited, Duration::ZERO);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| limiter.acquire("k").expect("its turn comes"));
            let wait = world.waits.recv().expect("it waits");
            world.clock.advance(wait.checked_sub(Duration::from_millis(1)).expect("it does not wait for nothing"));
            assert!(!waiter.is_finished(), "{on_limit:?}");
            world.clock.advance(Duration::from_millis(1));
            let admission = waiter.join().expect("it does not panic");
            assert_eq!(admission.waited, wait, "{on_limit:?}");
            assert!(wait >= SECOND, "{on_limit:?}: {wait:?}");
        });
    }
}

#[test]
fn acquire_over_a_rejecting_limit_is_denied_at_once() {
    let world = World::new();
    let limiter = world.gate.rate_limiter(one_a_second()).expect("the configuration is valid");
    limiter.acquire("k").expect("it is the first");
    let error = limiter.acquire("k").expect_err("it is over the limit");
    assert_eq!(error.denied().map(|decision| decision.reason), Some(Reason::Limit), "{error}");
    let error = limiter.acquire(Ask::of("k").cost(2)).expect_err("it never fits");
    assert!(matches!(error, Error::CostNeverFits { cost: 2, limit: 1, count: 1, .. }), "{error}");
    let charged = limiter.charge("other", 3).expect("it is never refused");
    assert_eq!((charged.is_allowed(), charged.count), (true, 3));
    assert!(world.waits.try_recv().is_err());
}

#[test]
fn permits_are_refunded_peeked_at_and_reset() {
    let world = World::new();
    let limiter = world.gate.rate_limiter(one_a_second()).expect("the configuration is valid");
    let spent = limiter.try_acquire("k").expect("it fits");
    assert!(!limiter.peek("k").expect("it fits").is_allowed());
    assert!(limiter.refund("k", &spent).expect("there is an answer").is_allowed());
    assert!(limiter.try_acquire("k").expect("it fits").is_allowed());
    limiter.reset("k").expect("there is an answer");
    assert_eq!(limiter.peek("k").expect("it fits").count, 0);
}

#[test]
fn a_waiter_decides_step_by_step_and_cancels() {
    let world = World::new();
    let config = one_a_second().on_limit(OnLimit::queue(5, 10 * SECOND));
    let limiter = world.gate.rate_limiter(config).expect("the configuration is valid");
    limiter.acquire("k").expect("it is the first");
    let waiting = limiter.decide("k", None).expect("it fits");
    assert_eq!((waiting.verdict, waiting.position), (Verdict::Wait, Some(1)));
    let cancelled = limiter.decide("k", None).expect("it fits").ticket.expect("it waits");
    assert!(limiter.cancel("k", cancelled).expect("there is an answer"));
    assert!(!limiter.cancel("k", cancelled).expect("there is an answer"));
    world.clock.advance(waiting.wait);
    assert!(limiter.decide("k", waiting.ticket).expect("it fits").is_allowed());
}

#[test]
fn calls_go_through_the_circuit_until_it_opens() {
    let world = World::new();
    let breaker = world.gate.circuit_breaker(CircuitBreakerConfig::consecutive("c", 2)).expect("it is valid");
    assert_eq!(breaker.call(|| Ok::<_, std::fmt::Error>(7)).expect("it is admitted"), 7);
    for _ in 0..2 {
        let error = breaker.call(|| Err::<(), _>(std::fmt::Error)).expect_err("the operation fails");
        assert!(matches!(error, CallError::Failed(std::fmt::Error)), "{error}");
    }
    let refused = breaker.call(|| -> Result<(), std::fmt::Error> { panic!("a refused call is not made") });
    assert!(matches!(refused, Err(CallError::Refused { report, .. }) if report.state == State::Open));
    assert!(breaker.keyed("other").admit().expect("there is an answer").is_admitted());
    breaker.reset().expect("there is an answer");
    assert_eq!(breaker.status().expect("there is an answer").state, State::Closed);
    breaker.set_mode(Mode::ForcedOpen).expect("there is an answer");
    assert_eq!(breaker.admit().expect("there is an answer").effect, Effect::RefusedForced);
}

#[test]
fn a_panic_in_the_operation_gives_the_permit_back() {
    let world = World::new();
    let breaker = world.half_open();
    let call = || breaker.call(|| -> Result<(), std::fmt::Error> { panic!("of the operation") });
    catch_unwind(AssertUnwindSafe(call)).expect_err("the panic goes on to the caller");
    let report = breaker.status().expect("there is an answer");
    assert_eq!((report.state, report.probes), (State::HalfOpen, 0));
    breaker.call(|| Ok::<_, std::fmt::Error>(())).expect("the probe is free");
    assert_eq!(breaker.status().expect("there is an answer").state, State::Closed);
}

#[test]
fn outcomes_are_handed_in_by_permit() {
    let world = World::new();
    let breaker = world.half_open();
    let permit = breaker.admit().expect("there is an answer").permit.expect("it is the first probe");
    assert_eq!(breaker.admit().expect("there is an answer").effect, Effect::RefusedProbes);
    assert_eq!(breaker.cancelled(permit, Duration::ZERO).expect("there is an answer").effect, Effect::Ignored);
    let permit = breaker.admit().expect("there is an answer").permit.expect("the probe is free");
    let failed = breaker.failed(permit, SECOND, Failure::default()).expect("there is an answer");
    assert_eq!((failed.effect, failed.state), (Effect::CountedFailure, State::Open));
    world.clock.advance(SECOND);
    let permit = breaker.admit().expect("there is an answer").permit.expect("its time is over");
    let succeeded = breaker.succeeded(permit, SECOND).expect("there is an answer");
    assert_eq!((succeeded.effect, succeeded.state), (Effect::CountedSuccess, State::Closed));
}
