//! The rules of `wit/kv.wit` for a policy: the same call on the same answers issues the same
//! operations, and numbers and observed values shape its reply only.

use proptest::prelude::*;
use proptest::sample::Index;
use tidegate_policy::fake::FakeWorld;
use tidegate_policy::kv::{Cell, Clock, Kv, MAX_NUMBER, Scope};
use tidegate_policy::rate_limiter::{Ask, Config, OnLimit, RateLimiter};

use crate::fleet::leasing;
use crate::history::{History, cases, config, steps};
use crate::support::shown;

/// What a store answers instead of the truth.
#[derive(Debug, Clone, Copy)]
enum Twist {
    None,
    /// Other numbers of `advance` and `retreat`, with the same verdicts.
    Numbers(fn(u64) -> u64),
    /// Other values of `observe`.
    Observed(Option<&'static str>),
}

/// A world that writes down what it is asked.
struct Recorder {
    world: FakeWorld,
    twist: Twist,
    operations: Vec<String>,
}

impl Recorder {
    /// A local cell has no other writer, so its numbers are never others.
    fn number(&self, at: Cell, number: u64) -> u64 {
        match self.twist {
            Twist::Numbers(other) if at.scope == Scope::Shared => other(number),
            _ => number,
        }
    }
}

impl Kv for Recorder {
    fn get(&mut self, at: Cell) -> Option<String> {
        self.operations.push(format!("get {at:?}"));
        self.world.get(at)
    }

    fn observe(&mut self, at: Cell) -> Option<String> {
        self.operations.push(format!("observe {at:?}"));
        let value = self.world.observe(at);
        if let Twist::Observed(other) = self.twist { other.map(str::to_string) } else { value }
    }

    fn put(&mut self, at: Cell, value: Option<&str>, ttl_ms: u64) {
        self.operations.push(format!("put {at:?} {value:?} {ttl_ms}"));
        self.world.put(at, value, ttl_ms);
    }

    fn advance(&mut self, at: Cell, step: u64, floor: u64, ceiling: u64, ttl_ms: u64) -> Result<u64, u64> {
        self.operations.push(format!("advance {at:?} {step} {floor} {ceiling} {ttl_ms}"));
        let reply = self.world.advance(at, step, floor, ceiling, ttl_ms);
        reply.map(|number| self.number(at, number)).map_err(|number| self.number(at, number))
    }

    fn retreat(&mut self, at: Cell, step: u64, floor: u64) -> u64 {
        self.operations.push(format!("retreat {at:?} {step} {floor}"));
        let number = self.world.retreat(at, step, floor);
        self.number(at, number)
    }

    fn raise(&mut self, at: Cell, to: u64, ttl_ms: u64) -> u64 {
        self.operations.push(format!("raise {at:?} {to} {ttl_ms}"));
        let number = self.world.raise(at, to, ttl_ms);
        self.number(at, number)
    }

    fn refused_ms(&mut self) -> u32 {
        self.world.refused_ms()
    }
}

impl Clock for Recorder {
    fn now_us(&mut self) -> u64 {
        self.world.now_us()
    }
}

/// A call of any kind, with a cost, a ticket and a time of charge that may be true ones.
#[derive(Debug, Clone, Copy)]
struct Call {
    kind: usize,
    cost: u32,
    ticket: u64,
    charged_us: u64,
    full_us: u64,
}

const KINDS: usize = 10;

impl Call {
    fn several(self) -> [Ask; 3] {
        [self.cost, 0, 1].map(|cost| Ask { entity: 0, cost })
    }

    /// The reply as text, and the operations.
    fn run(self, limiter: &RateLimiter, world: &FakeWorld, twist: Twist) -> (String, Vec<String>, FakeWorld) {
        let mut on = Recorder { world: world.clone(), twist, operations: Vec::new() };
        let reply = match self.kind {
            0 => format!("{:?}", limiter.acquire(&mut on, 0, self.cost, 1, self.ticket)),
            1 => format!("{:?}", limiter.try_acquire(&mut on, 0, self.cost)),
            2 => format!("{:?}", limiter.peek(&mut on, 0, self.cost)),
            3 => format!("{:?}", limiter.refund(&mut on, 0, self.cost, self.charged_us, self.full_us)),
            4 => format!("{:?}", limiter.cancel(&mut on, 0, self.ticket)),
            5 => format!("{:?}", limiter.release(&mut on, 0, self.cost.is_multiple_of(2))),
            6 => format!("{:?}", limiter.post(&mut on, 0, self.cost)),
            7 => format!("{:?}", limiter.try_acquire_many(&mut on, self.several()).collect::<Vec<_>>()),
            8 => format!("{:?}", limiter.charge(&mut on, 0, self.cost)),
            _ => {
                limiter.reset(&mut on, 0);
                String::new()
            }
        };
        (reply, on.operations, on.world)
    }
}

/// Also with a queue, on which half of the histories then wait, and also with a lease.
fn any_config() -> impl Strategy<Value = Config> {
    let queue = (1..=20_u32, 1..=5_000_u64).prop_map(|(max_size, timeout_ms)| OnLimit::Queue {
        max_size,
        timeout_ms,
        grace_ms: 1 + timeout_ms / 10,
    });
    let waiting = (config(1..=3), prop_oneof![Just(None), queue.prop_map(Some)])
        .prop_map(|(config, queue)| Config { on_limit: queue.unwrap_or(config.on_limit), ..config });
    prop_oneof![2 => waiting, 1 => leasing(1..=3)]
}

const TWISTS: [Twist; 9] = [
    Twist::Numbers(|number| number + 1),
    Twist::Numbers(|number| number.saturating_sub(1)),
    Twist::Numbers(|_| 0),
    Twist::Numbers(|_| MAX_NUMBER),
    Twist::Observed(None),
    Twist::Observed(Some("garbage")),
    Twist::Observed(Some("0")),
    Twist::Observed(Some("1000000")),
    Twist::Observed(Some("9007199254740992")),
];

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn same_call_on_same_answers_issues_same_operations(
        config in any_config(),
        start_us in 0..100_000_000_u64,
        steps in steps(30),
        size in 0..=100_u32,
        which in any::<Index>(),
    ) {
        let mut history = History::new(&config, start_us);
        history.run(&steps)?;
        let pick = |list: &[u64]| if list.is_empty() { 0 } else { *which.get(list) };
        let charged: Vec<u64> = history.given.iter().map(|given| given.at_us).collect();
        let (ticket, charged_us) = (pick(&history.tickets), pick(&charged));
        let (limiter, world) = (&history.key.limiter, &history.key.world);
        for kind in 0..KINDS {
            for ticket in [0, ticket] {
                let call = Call { kind, cost: history.cost(size), ticket, charged_us, full_us: charged_us + 3_000 };
                let (reply, operations, after) = call.run(limiter, world, Twist::None);
                let (again, same, _) = call.run(limiter, world, Twist::None);
                prop_assert_eq!((&again, &same), (&reply, &operations));
                for (index, twist) in TWISTS.into_iter().enumerate() {
                    let (_, twisted, twisted_after) = call.run(limiter, world, twist);
                    prop_assert_eq!(&twisted, &operations, "twist {} steers {:?}", index, call);
                    prop_assert_eq!(shown(&twisted_after), shown(&after));
                }
            }
        }
    }

    /// Any number of hosts can run a peek at once: it writes nothing, and asks for no validated
    /// value but for that by which limit a bucket is counted, which changes with the limit.
    #[test]
    fn peek_only_observes(config in any_config(), start_us in 0..100_000_000_u64, steps in steps(30), size in 0..=100_u32) {
        let mut history = History::new(&config, start_us);
        history.run(&steps)?;
        let call = Call { kind: 2, cost: history.cost(size), ticket: 0, charged_us: 0, full_us: 0 };
        let (_, operations, _) = call.run(&history.key.limiter, &history.key.world, Twist::None);
        let harmless = |operation: &String| {
            operation.starts_with("observe ") || operation.contains("scope: Local") || reads_a_rate(operation)
        };
        prop_assert!(operations.iter().all(harmless), "{operations:?}");
    }
}

/// Whether it reads by which limit a bucket is counted: the low byte of its field says what a cell
/// is for.
fn reads_a_rate(operation: &str) -> bool {
    let field =
        operation.strip_prefix("get ").and_then(|at| at.split("field: ").nth(1)?.split(',').next()?.parse().ok());
    field.is_some_and(|field: u32| field % 256 == 11)
}

mod hot_key {
    use super::*;
    use crate::support::{ALGORITHMS, GCRA, Key, LOG, STRICT, is_bucket, open, per_ms, per_second};
    use tidegate_policy::rate_limiter::Verdict;

    /// Hosts that share a key conflict only on validated reads that another has changed: in the
    /// open window or group a charge and a refusal put nothing, and of a bucket they read only by
    /// which limit it is counted. (A strict limit below 256 is kept as a log is.)
    #[test]
    fn is_charged_and_refused_without_a_put() {
        for algorithm in ALGORITHMS.into_iter().filter(|algorithm| *algorithm != LOG) {
            let mut key = Key::new(&[per_second(1_000, algorithm)], OnLimit::Reject);
            assert_eq!(key.acquire(5).verdict, Verdict::Allowed);
            for cost in [995, 996] {
                key.pass_us(1);
                let call = Call { kind: 0, cost, ticket: 0, charged_us: 0, full_us: 0 };
                let (_, operations, _) = call.run(&key.limiter, &key.world, Twist::None);
                assert!(!operations.iter().any(|operation| operation.starts_with("put")), "{operations:?}");
                let reads = operations.iter().any(|operation| operation.starts_with("get"));
                let reads_a_rate =
                    operations.iter().all(|operation| !operation.starts_with("get") || reads_a_rate(operation));
                assert!(reads && (reads_a_rate || !is_bucket(algorithm)), "{operations:?}");
            }
        }
    }

    /// Hosts of two limits replace a bucket's values twice a second at most, there and back,
    /// however often they take turns.
    #[test]
    fn of_hosts_that_do_not_agree_is_moved_twice_a_second() {
        let [slow, fast] = [50, 100].map(|limit| open(&[per_ms(limit, 60_000, GCRA)], OnLimit::Reject));
        let mut key = Key::new(&[per_ms(50, 60_000, GCRA)], OnLimit::Reject);
        key.acquire(1);
        let mut puts = Vec::new();
        for turn in 0..40 {
            key.pass_ms(100);
            for limiter in [&fast, &slow] {
                let call = Call { kind: 1, cost: 1, ticket: 0, charged_us: 0, full_us: 0 };
                let (_, operations, world) = call.run(limiter, &key.world, Twist::None);
                key.world = world;
                puts.extend(operations.iter().any(|operation| operation.starts_with("put")).then_some(turn));
            }
        }
        assert!((6..=10).contains(&puts.len()), "{puts:?}");
    }

    /// Who is refused under overload reads the groups that leave next, and not the many behind
    /// them.
    #[test]
    fn is_refused_without_a_look_at_the_middle() {
        for limit in [100, 1_000] {
            let mut key = Key::new(&[per_second(limit, STRICT)], OnLimit::Reject);
            for _ in 0..limit {
                key.pass_us(900_000 / u64::from(limit));
                key.acquire(1);
            }
            assert!(shown(&key.world).iter().any(|cell| cell.contains("=m2 ")), "{limit}: it has a middle");
            for cost in [1, limit] {
                let call = Call { kind: 1, cost, ticket: 0, charged_us: 0, full_us: 0 };
                let (reply, operations, _) = call.run(&key.limiter, &key.world, Twist::None);
                assert!(reply.contains("Denied"), "{reply}");
                let looks = operations.iter().any(|operation| operation.starts_with("observe") && is_middle(operation));
                assert_eq!(looks, cost > 1, "{operations:?}");
            }
        }
    }

    /// Whether an operation is on the cell of the middle groups: the low byte of its field says
    /// what a cell is for.
    fn is_middle(operation: &str) -> bool {
        let field = operation.split("field: ").nth(1).and_then(|rest| rest.split(',').next()?.parse::<u32>().ok());
        field.is_some_and(|field| field % 256 == 13)
    }

    /// A strict limit changes its head some 200 times a window at most, whatever the limit and
    /// however many permits that is.
    #[test]
    fn ends_a_strict_limits_groups_a_bounded_number_of_times() {
        for limit in [256, 1_000, 100_000] {
            let mut key = Key::new(&[per_second(limit, STRICT)], OnLimit::Reject);
            let (mut heads, mut last) = (0, String::new());
            for _ in 0..20_000 {
                key.pass_us(150);
                key.acquire(1 + limit / 3_000);
                let head = shown(&key.world).into_iter().find(|cell| cell.contains("=w2 ")).expect("it has a head");
                heads += usize::from(head != last);
                last = head;
            }
            assert!(heads <= 3 * 192 + 1, "{limit}: {heads} in three windows");
        }
    }
}
