//! What is no outage: short pauses, bursts, a process that is busy, a connection that is slow to
//! open.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tidegate::store::redis::Redis;
use tidegate::{Error, Limit, RateLimiter, RateLimiterConfig, StoreState, Tidegate};
use tidegate_test_support::redis_server::RedisServer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// More than any test waits for what must come.
const LONG_MS: u64 = 30_000;

/// A gate as it is by default, but for how long a call may take.
fn gate(url: &str, timeout_ms: Option<u64>) -> Tidegate {
    let builder = Redis::builder(url);
    let builder = timeout_ms.into_iter().fold(builder, tidegate::store::redis::RedisBuilder::timeout_ms);
    let store = builder.connect_in_background().expect("the settings are right");
    Tidegate::builder().store(store).build().expect("the component loads")
}

fn limiter(gate: &Tidegate) -> RateLimiter {
    gate.rate_limiter(RateLimiterConfig::new("api", Limit::per_hour(1_000_000))).expect("it is valid")
}

/// This many calls at once, each on a key of its own: those that fail.
async fn burst(gate: &Tidegate, keys: usize) -> Vec<Error> {
    let (limiter, mut calls) = (limiter(gate), JoinSet::new());
    for key in 0..keys {
        let limiter = limiter.clone();
        calls.spawn(async move { limiter.try_acquire(&*key.to_string()).await });
    }
    calls.join_all().await.into_iter().filter_map(Result::err).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_shorter_than_the_time_limit_fails_nobody() {
    let server = RedisServer::start().expect("redis-server starts");
    let gate = gate(&server.url(), None);
    gate.ready(Duration::from_millis(LONG_MS)).await.expect("the store answers");
    let mut client = server.client().expect("the server takes connections");
    let (over, seen) = watch::channel(false);
    let mut users = JoinSet::new();
    for user in 0..20 {
        let (limiter, seen) = (limiter(&gate), seen.clone());
        users.spawn(async move {
            let mut failed = 0;
            while !*seen.borrow() {
                failed += usize::from(limiter.try_acquire(&*format!("user {}", user % 10)).await.is_err());
            }
            failed
        });
    }
    for _ in 0..5 {
        // It holds up whoever asks, this client too.
        redis::cmd("CLIENT").arg("PAUSE").arg(60).exec(&mut client).expect("the server obeys");
        let mut client = server.client().expect("the server takes connections");
        tokio::task::spawn_blocking(move || redis::cmd("PING").exec(&mut client))
            .await
            .expect("it ends")
            .expect("PONG");
    }
    over.send_replace(true);
    assert_eq!(users.join_all().await.iter().sum::<usize>(), 0);
    assert_eq!(gate.store_state(), StoreState::Available);
}

#[tokio::test]
async fn a_pause_of_one_time_limit_is_one_failure_however_many_calls_run_into_it() {
    let server = RedisServer::start().expect("redis-server starts");
    let gate = gate(&server.url(), None);
    gate.ready(Duration::from_millis(LONG_MS)).await.expect("the store answers");
    for _ in 0..2 {
        server.pause().expect("it stops");
        let failed = burst(&gate, 100).await;
        assert_eq!(failed.len(), 100);
        assert!(failed.iter().all(|error| error.to_string().contains("within 250 ms")), "{failed:?}");
        assert_eq!(gate.store_state(), StoreState::Available);
        server.resume().expect("it goes on");
        assert!(burst(&gate, 100).await.is_empty());
    }
}

#[tokio::test]
async fn what_ran_into_the_limit_is_taken_back_when_the_pause_is_over() {
    let server = RedisServer::start().expect("redis-server starts");
    let gate = gate(&server.url(), None);
    let limiter = limiter(&gate);
    limiter.try_acquire("k").await.expect("the store answers");
    server.pause().expect("it stops");
    limiter.try_acquire("k").await.expect_err("nobody answers");
    server.resume().expect("it goes on");
    while limiter.peek("k").await.expect("the store answers").count != 1 {
        gate.flush().await;
    }
}

#[tokio::test]
async fn a_burst_of_a_hundred_thousand_keys_goes_through() {
    let server = RedisServer::start().expect("redis-server starts");
    let gate = gate(&server.url(), None);
    assert_eq!(burst(&gate, 100_000).await.first().map(ToString::to_string), None);
    assert_eq!((gate.store_state(), gate.stats().watch_refused), (StoreState::Available, 0));
}

#[tokio::test]
async fn one_call_with_a_hundred_thousand_keys_goes_through() {
    let server = RedisServer::start().expect("redis-server starts");
    let gate = gate(&server.url(), None);
    let keys: Vec<String> = (0..100_000).map(|key| key.to_string()).collect();
    let answers = limiter(&gate).try_acquire_many(keys.iter().map(String::as_str)).await;
    assert_eq!(answers.len(), keys.len());
    let failed: Vec<String> = answers.into_iter().filter_map(Result::err).map(|error| error.to_string()).collect();
    assert!(failed.is_empty(), "{} failed, at first with {}", failed.len(), failed[0]);
}

#[tokio::test]
async fn an_answer_that_came_while_the_process_was_busy_counts() {
    let server = RedisServer::start().expect("redis-server starts");
    let gate = gate(&server.url(), None);
    gate.ready(Duration::from_millis(LONG_MS)).await.expect("the store answers");
    for busy_ms in [100, 249, 260, 500] {
        let (gate, limiter) = (gate.clone(), limiter(&gate));
        let calls = tokio::spawn(async move { burst(&gate, 50).await });
        let one = tokio::spawn(async move { limiter.try_acquire("k").await });
        // They set out, and then nobody has a turn for a while.
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        let since = Instant::now();
        while since.elapsed() < Duration::from_millis(busy_ms) {
            std::hint::spin_loop();
        }
        let failed = calls.await.expect("it does not panic");
        assert!(failed.is_empty(), "busy for {busy_ms} ms: {failed:?}");
        one.await.expect("it does not panic").expect("the store has answered");
    }
}

/// A way to a server that drops this many connections first, and lets none through before it is
/// told to.
struct Gateway {
    port: u16,
    opened: watch::Sender<bool>,
    taken: Arc<AtomicUsize>,
}

impl Gateway {
    async fn start(server: &RedisServer, drops: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("it has an address").port();
        let (opened, is_open) = watch::channel(false);
        let (taken, to) = (Arc::new(AtomicUsize::new(0)), server.port());
        let count = Arc::clone(&taken);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                if count.fetch_add(1, Ordering::Relaxed) < drops {
                    continue;
                }
                let mut is_open = is_open.clone();
                tokio::spawn(async move {
                    is_open.wait_for(|is_open| *is_open).await.expect("the test goes on");
                    let mut server = TcpStream::connect(("127.0.0.1", to)).await.expect("the server is there");
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
                });
            }
        });
        Self { port, opened, taken }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Returns when this many connections were taken.
    async fn takes(&self, connections: usize) {
        while self.taken.load(Ordering::Relaxed) < connections {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn the_first_call_waits_for_a_connection_that_is_slow_to_open() {
    let server = RedisServer::start().expect("redis-server starts");
    let gateway = Gateway::start(&server, 0).await;
    let gate = gate(&gateway.url(), Some(LONG_MS));
    let (asks, waits) = (gate.clone(), gate.clone());
    let calls = tokio::spawn(async move { burst(&asks, 10).await });
    let ready = tokio::spawn(async move { waits.ready(Duration::from_millis(LONG_MS)).await });
    gateway.takes(1).await;
    assert_eq!(gate.store_state(), StoreState::Unknown);
    gateway.opened.send_replace(true);
    assert!(calls.await.expect("it does not panic").is_empty());
    ready.await.expect("it does not panic").expect("the store answers");
    assert_eq!(gate.store_state(), StoreState::Available);
}

#[tokio::test]
async fn two_attempts_to_connect_that_come_to_nothing_fail_nobody() {
    let server = RedisServer::start().expect("redis-server starts");
    let gateway = Gateway::start(&server, 2).await;
    gateway.opened.send_replace(true);
    let gate = gate(&gateway.url(), Some(LONG_MS));
    assert!(burst(&gate, 10).await.is_empty());
}

#[tokio::test]
async fn three_attempts_to_connect_that_come_to_nothing_make_the_server_away_at_once() {
    let server = RedisServer::start().expect("redis-server starts");
    let gateway = Gateway::start(&server, usize::MAX).await;
    let gate = gate(&gateway.url(), Some(LONG_MS));
    assert_eq!(burst(&gate, 10).await.len(), 10);
    assert_eq!(gate.store_state(), StoreState::Away);
    gateway.takes(3).await;
}

#[tokio::test]
async fn a_server_that_nobody_serves_is_away_after_the_first_call_and_not_ready() {
    let mut server = RedisServer::start().expect("redis-server starts");
    server.kill().expect("it ends");
    let gate = gate(&server.url(), Some(LONG_MS));
    limiter(&gate).try_acquire("k").await.expect_err("nobody is there");
    assert_eq!(gate.store_state(), StoreState::Away);
    let error = gate.ready(Duration::from_millis(100)).await.expect_err("nobody is there");
    assert!(error.is_store_away(), "{error:?}");
}
