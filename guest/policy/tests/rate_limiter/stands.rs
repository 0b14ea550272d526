//! A host that answers what stands by itself answers exactly as one that runs the policy each time,
//! and leaves the same cells.

use proptest::collection::vec;
use proptest::prelude::*;
use tidegate_policy::fake::FakeWorld;
use tidegate_policy::kv::{Cell, Kv};
use tidegate_policy::rate_limiter::{Algorithm, Config, Decision, LeaseConfig, Limit, OnLimit, Stand, Verdict};

use crate::history::cases;
use crate::support::{
    BUCKET, COUNTER, FIXED, GCRA, Key, LOG, QUEUE, STRICT, T0_US, open_config, per_ms, per_second, shown,
};

/// A host that keeps what stands after an answer, by the rules of the contract.
struct Host {
    key: Key,
    stand: Option<(Stand, Decision)>,
    /// How often it answered by itself.
    by_itself: u32,
}

impl Host {
    fn new(key: Key) -> Self {
        Self { key, stand: None, by_itself: 0 }
    }

    fn try_acquire(&mut self, cost: u32) -> Decision {
        if let Some(decision) = self.standing(cost) {
            self.by_itself += 1;
            return decision;
        }
        let decision = self.key.try_acquire(cost);
        let stand = self.key.limiter.stands(&mut self.key.world, 0);
        self.stand = stand.filter(|_| decision.verdict == Verdict::Allowed).map(|stand| (stand, decision));
        decision
    }

    /// Any other call ends what stands.
    fn other<R>(&mut self, call: impl FnOnce(&mut Key) -> R) -> R {
        self.stand = None;
        call(&mut self.key)
    }

    fn standing(&mut self, cost: u32) -> Option<Decision> {
        let (stand, before) = self.stand.as_ref()?;
        let now_us = self.key.world.time_us();
        let [one] = stand.moves[..] else { panic!("one limit, one move") };
        if cost == 0 || now_us < stand.at_us || now_us >= stand.until_us {
            return None;
        }
        let risen = (one.carry + (now_us - stand.at_us) * one.rise) / one.over;
        let (at, step) = (Cell::shared(0, one.field), one.step * u64::from(cost));
        let (floor, ceiling) = (one.floor + risen, one.ceiling + risen);
        let world = &mut self.key.world;
        let ttl_ms = one.ttl_ms.max(one.lives_until_us.saturating_sub(now_us).div_ceil(1_000));
        let number = world.advance(at, step, floor, ceiling, ttl_ms).ok()?;
        if let Some(last) = one.last.filter(|_| now_us > one.after_us) {
            world.raise(Cell::shared(0, last), now_us, ttl_ms);
        }
        let remaining = u32::try_from((one.full + risen - number) / one.step).expect("it fits");
        let reached = |number: u64| {
            let ahead = i128::from(number - one.floor) * i128::from(one.over) - i128::from(one.carry);
            (ahead, i128::from(one.rise))
        };
        let (full_at_us, resets_us) = if one.rise > 0 {
            let (before, rise) = reached(number - step);
            let (after, _) = reached(number);
            (at_plus(stand.at_us, before.div_euclid(rise)), at_plus(stand.at_us, -(-after).div_euclid(rise)))
        } else {
            (0, stand.resets_at_us.max(now_us + stand.resets_in_us))
        };
        Some(Decision {
            at_us: now_us,
            charged_at_us: now_us,
            full_at_us,
            count: one.limit - remaining,
            remaining,
            reset_after_ms: resets_us.saturating_sub(now_us).div_ceil(1_000),
            ..*before
        })
    }
}

fn at_plus(at_us: u64, us: i128) -> u64 {
    u64::try_from(i128::from(at_us) + us).expect("it is a time")
}

#[derive(Debug, Clone, Copy)]
enum Op {
    TryAcquire(u32),
    Peek(u32),
    Charge(u32),
    Post(u32),
    Refund,
    Reset,
}

/// Most calls are such that may be answered by what stands.
fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        30 => (0..=3_u32).prop_map(Op::TryAcquire),
        1 => (1..=3_u32).prop_map(Op::Peek),
        1 => (1..=9_u32).prop_map(Op::Charge),
        1 => (1..=3_u32).prop_map(Op::Post),
        1 => Just(Op::Refund),
        1 => Just(Op::Reset),
    ]
}

/// Short beside the window, or about as long, or to the microsecond.
fn gap_us(window_us: u64) -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..=window_us / 200, 2 => 0..=window_us / 20, 1 => 0..=2 * window_us, 1 => Just(window_us), 1 => 0..=1_u64]
}

fn algorithm() -> impl Strategy<Value = Algorithm> {
    let burst = || prop_oneof![Just(None), (1..=20_u32).prop_map(Some)];
    prop_oneof![
        2 => burst().prop_map(|burst| Algorithm::Gcra { burst }),
        1 => burst().prop_map(|burst| Algorithm::TokenBucket { burst }),
        1 => Just(FIXED),
        1 => Just(COUNTER),
        3 => (1..=100_u32).prop_map(|sub_windows| Algorithm::SlidingWindow { sub_windows }),
    ]
}

fn limit() -> impl Strategy<Value = Limit> {
    // Groups of more than one permit take a limit of 256 or more.
    let limits = prop_oneof![1..=20_u32, 250..=2_000_u32, Just(100_000)];
    (limits, 200..=5_000_u64, algorithm()).prop_map(|(limit, window_ms, algorithm)| per_ms(limit, window_ms, algorithm))
}

fn history() -> impl Strategy<Value = (Limit, Vec<(u64, Op)>)> {
    limit().prop_flat_map(|limit| {
        let window_us = limit.window.count * 1_000;
        (Just(limit), vec((gap_us(window_us), op()), 1..120))
    })
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn what_stands_is_what_a_run_answers((limit, steps) in history()) {
        let key = Key::new(&[limit], OnLimit::Reject);
        let (mut plain, mut host) = (key.clone(), Host::new(key));
        let mut given: Option<Decision> = None;
        for (gap_us, op) in steps {
            let now_us = plain.world.time_us() + gap_us;
            plain.world.set_us(now_us);
            host.key.world.set_us(now_us);
            let (expected, answered) = match op {
                Op::TryAcquire(cost) if cost > crate::support::capacity(&limit) => continue,
                Op::TryAcquire(cost) => (plain.try_acquire(cost), host.try_acquire(cost)),
                Op::Peek(cost) if cost > crate::support::capacity(&limit) => continue,
                Op::Peek(cost) => (plain.peek(cost), host.other(|key| key.peek(cost))),
                Op::Charge(cost) => {
                    let charge = |key: &mut Key| key.limiter.charge(&mut key.world, 0, cost);
                    (charge(&mut plain), host.other(charge))
                }
                Op::Post(cost) => {
                    let post = |key: &mut Key| key.limiter.post(&mut key.world, 0, cost);
                    (post(&mut plain), host.other(post))
                }
                Op::Refund => {
                    let Some(Decision { charged_at_us, full_at_us, .. }) = given.take() else { continue };
                    let refund = |key: &mut Key| key.limiter.refund(&mut key.world, 0, 1, charged_at_us, full_at_us);
                    (refund(&mut plain), host.other(refund))
                }
                Op::Reset => {
                    plain.limiter.reset(&mut plain.world, 0);
                    host.other(|key| key.limiter.reset(&mut key.world, 0));
                    continue;
                }
            };
            prop_assert_eq!(expected, answered, "{:?} at {}, {:?}", op, now_us, host.stand);
            prop_assert_eq!(shown(&plain.world), shown(&host.key.world), "{:?} at {}", op, now_us);
            if matches!(op, Op::TryAcquire(_)) && expected.charged_at_us != 0 {
                given = Some(expected);
            }
        }
    }
}

/// Calls that the host answers by itself, of this many that come 10 us after each other.
fn by_itself(limit: Limit, calls: u32) -> u32 {
    let mut host = Host::new(Key::new(&[limit], OnLimit::Reject));
    for _ in 0..calls {
        host.try_acquire(1);
        let now_us = host.key.world.time_us();
        host.key.world.set_us(now_us + 10);
    }
    host.by_itself
}

#[test]
fn a_hot_key_is_answered_without_a_run_by_all_algorithms_but_the_log() {
    for algorithm in [GCRA, BUCKET, FIXED, COUNTER] {
        assert_eq!(by_itself(per_second(10_000, algorithm), 1_000), 999, "{algorithm:?}");
    }
    // A group takes a 128th of the limit.
    assert_eq!(by_itself(per_second(12_800, STRICT), 1_000), 990);
    assert_eq!(by_itself(per_second(10_000, LOG), 1_000), 0);
    assert_eq!(by_itself(per_second(100, STRICT), 100), 0, "each group is one permit");
}

#[test]
fn what_waits_is_leased_or_has_several_limits_is_left_to_runs() {
    let limit = per_second(10_000, GCRA);
    let lease = Some(LeaseConfig { max_permits: 10, life_ms: 100 });
    let configs = [
        Config { limits: vec![limit], on_limit: QUEUE, lease: None },
        Config { limits: vec![limit], on_limit: OnLimit::Delay { max_wait_ms: 100 }, lease: None },
        Config { limits: vec![limit], on_limit: OnLimit::Reject, lease },
        Config { limits: vec![limit, per_second(10, FIXED)], on_limit: OnLimit::Reject, lease: None },
        Config { limits: vec![per_second(0, GCRA)], on_limit: OnLimit::Reject, lease: None },
    ];
    for config in configs {
        let (limiter, mut world) = (open_config(&config), FakeWorld::at_us(T0_US));
        for _ in 0..3 {
            let _ = limiter.try_acquire(&mut world, 0, 1);
            assert_eq!(limiter.stands(&mut world, 0), None, "{config:?}");
        }
    }
}

#[test]
fn nothing_stands_on_what_was_not_ours() {
    for algorithm in [GCRA, FIXED, STRICT] {
        let mut key = Key::new(&[per_second(10_000, algorithm)], OnLimit::Reject);
        key.try_acquire(1);
        key.world.corrupt("not ours");
        assert_eq!(key.limiter.stands(&mut key.world, 0), None, "{algorithm:?}");
    }
}

#[test]
fn nothing_stands_while_a_debt_is_ahead_or_time_is_behind() {
    for (limit, algorithm) in [(10, FIXED), (10, COUNTER), (1_000, STRICT)] {
        let mut key = Key::new(&[per_second(limit, algorithm)], OnLimit::Reject);
        let first = key.try_acquire(2);
        assert!(key.limiter.stands(&mut key.world, 0).is_some(), "{algorithm:?}");
        key.world.set_us(T0_US - 2_000_000);
        assert_eq!(key.limiter.stands(&mut key.world, 0), None, "{algorithm:?} behind");
        key.world.set_us(T0_US);
        key.charge(limit);
        key.refund_of(2, &first);
        assert_eq!(key.limiter.stands(&mut key.world, 0), None, "{algorithm:?} with a debt");
    }
}
