//! A real Redis of little memory, and a host that knows few keys at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tidegate::store::redis::Redis;
use tidegate::{CircuitBreakerConfig, Limit, RateLimiter, RateLimiterConfig, Tidegate, WhenAway};
use tidegate_test_support::redis_server::RedisServer;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::{Growth, turn};

const CALLERS: usize = 256;
/// Less than a third of what a million keys take.
const MAX_MEMORY: &str = "64mb";
/// Far longer than any operation takes on a busy machine.
const LIMIT_MS: u64 = 30_000;
const MAX_KNOWN: usize = 4_096;

struct Scene {
    server: RedisServer,
    runtime: Runtime,
    gate: Tidegate,
}

impl Scene {
    fn start() -> Self {
        let server = RedisServer::start_with(&["--maxmemory", MAX_MEMORY]).expect("the server starts");
        let runtime = Runtime::new().expect("a runtime");
        let gate = runtime.block_on(async {
            let store = Redis::builder(&server.url()).timeout_ms(LIMIT_MS).connect().await.expect("it connects");
            Tidegate::builder().store(store).max_known(MAX_KNOWN).build().expect("the component loads")
        });
        Self { server, runtime, gate }
    }

    fn limiter(&self, name: &str, limit: Limit) -> RateLimiter {
        self.gate.rate_limiter(RateLimiterConfig::new(name, limit)).expect("it is valid")
    }

    /// Many callers at once do this many things between them. Returns when all is stored.
    fn share<F: Future<Output = ()> + Send>(&self, count: usize, one: impl Fn(usize) -> F + Clone + Send + 'static) {
        let next = Arc::new(AtomicUsize::new(0));
        self.runtime.block_on(async {
            let mut callers = JoinSet::new();
            for _ in 0..CALLERS {
                let (next, one) = (Arc::clone(&next), one.clone());
                callers.spawn(async move {
                    let mut number = next.fetch_add(1, Ordering::Relaxed);
                    while number < count {
                        one(number).await;
                        number = next.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            callers.join_all().await;
            self.gate.flush().await;
        });
    }

    /// What the server needs now, in bytes.
    fn server_memory(&self) -> u64 {
        let mut client = self.server.client().expect("the server takes connections");
        let info: String = redis::cmd("INFO").arg("memory").query(&mut client).expect("the server answers");
        let used = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
        used.and_then(|used| used.trim().parse().ok()).expect("it tells a number")
    }

    /// Returns once nothing is stored any more but the note of what the one limiter goes by.
    fn empties(&self) {
        let is_empty = |info: &str| !info.contains("db0") || info.contains("db0:keys=1,");
        self.server.wait_for(&["INFO", "keyspace"], is_empty).expect("all keys expire");
        let mut client = self.server.client().expect("the server takes connections");
        let left: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut client).expect("the server answers");
        assert!(left.iter().all(|key| key == "tidegate:{st:rl:many}:0.0"), "{left:?}");
    }
}

#[test]
fn a_million_keys_that_come_once_expire_and_no_host_remembers_them() {
    const KEYS: usize = 1_000_000;
    let turn = turn();
    let scene = Scene::start();
    let limiter = scene.limiter("many", Limit::per(2, Duration::from_millis(10)));
    let come = |first: usize| {
        let limiter = limiter.clone();
        move |number: usize| {
            let limiter = limiter.clone();
            async move {
                let key = format!("user {}", first + number);
                // Out of memory would be an error: nothing is evicted.
                assert!(limiter.try_acquire(&key).await.expect("there is room, since others have left").is_allowed());
            }
        }
    };
    // A tenth at a time: a fast machine makes more keys than there is room for before the first
    // expire.
    let a_tenth_comes = |first: usize| {
        scene.share(KEYS / 10, come(first));
        scene.empties();
    };
    a_tenth_comes(0);
    let growth = Growth::begin(turn);
    for tenth in 1..=10 {
        a_tenth_comes(tenth * KEYS / 10);
    }
    growth.end_flat();
    // The server's own tables shrink in the background.
    println!("the server has {} KiB left", scene.server_memory() / 1024);
}

#[test]
fn a_million_decisions_on_a_few_keys_leave_nothing_behind() {
    const DECISIONS: usize = 1_000_000;
    let turn = turn();
    let scene = Scene::start();
    let plenty = scene.limiter("plenty", Limit::per(1_000_000_000, Duration::from_millis(100)));
    let scarce = scene.limiter("scarce", Limit::per(100, Duration::from_millis(100)));
    let breaker = CircuitBreakerConfig::failure_rate("calls", 50.0);
    let breaker = scene.gate.circuit_breaker(breaker).expect("it is valid");
    let keys = ["amber", "birch", "fjord", "heath"];
    // Three of four are decisions of limiters; the fourth is a guarded call, of two.
    let one = move |number: usize| {
        let (plenty, scarce, breaker) = (plenty.clone(), scarce.clone(), breaker.clone());
        async move {
            let key = keys[number / 4 % keys.len()];
            match number % 4 {
                0 | 1 => drop(plenty.try_acquire(key).await.expect("the store answers")),
                2 => drop(scarce.try_acquire(key).await.expect("the store answers")),
                _ => {
                    let breaker = breaker.keyed(key);
                    let permit = breaker.admit().await.expect("the store answers").permit.expect("it is closed");
                    breaker.succeeded(permit, Duration::from_millis(1)).await.expect("the store answers");
                }
            }
        }
    };
    scene.share(DECISIONS / 10, one.clone());
    let (growth, before) = (Growth::begin(turn), scene.server_memory());
    scene.share(DECISIONS, one);
    growth.end_flat();
    let after = scene.server_memory();
    assert!(after < before + (1 << 20), "the server has grown from {before} to {after} bytes");
    assert_eq!(scene.gate.stats().lost, 0);
}

#[test]
fn a_million_keys_that_come_while_the_store_is_away_are_decided_by_few_that_are_remembered() {
    const KEYS: usize = 1_000_000;
    let turn = turn();
    let mut scene = Scene::start();
    let config = |name| RateLimiterConfig::new(name, Limit::per_hour(8));
    let share = config("share").when_away(WhenAway::Share { hosts: 4 });
    let share = scene.gate.rate_limiter(share).expect("it is valid");
    let open = scene.gate.rate_limiter(config("open").when_away(WhenAway::Open)).expect("it is valid");
    scene.server.kill().expect("it is killed");
    let come = |first: usize| {
        let (share, open) = (share.clone(), open.clone());
        move |number: usize| {
            let limiter = if number.is_multiple_of(2) { share.clone() } else { open.clone() };
            async move {
                let key = format!("user {}", first + number);
                assert!(limiter.try_acquire(&key).await.expect("it is answered all the same").degraded);
            }
        }
    };
    scene.share(KEYS / 10, come(0));
    let growth = Growth::begin(turn);
    scene.share(KEYS, come(KEYS / 10));
    growth.end_flat();
    scene.server.restart().expect("it starts again");
    let served = async {
        while share.try_acquire("user 0").await.is_ok_and(|decision| decision.degraded) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        scene.gate.flush().await;
    };
    scene.runtime.block_on(served);
    let stats = scene.gate.stats();
    assert!((1..=MAX_KNOWN as u64 + 64).contains(&stats.posted), "{stats:?}");
    assert!(stats.lost > 0, "more was owed than is remembered: {stats:?}");
}
