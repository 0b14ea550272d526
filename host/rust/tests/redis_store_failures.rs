//! The Redis store when the server is away, silent, forgetful or hostile.

use std::sync::Arc;
use std::time::Duration;

use tidegate::key::EntityKey;
use tidegate::store::redis::{ConnectError, Redis};
use tidegate::store::{Commit, Outcome, Seen, Store, StoreError};
use tidegate_test_support::redis_server::RedisServer;
use tidegate_test_support::store_suite::{Bench, advance, futures_in_step, put};

/// More than any test waits for what must come: only a broken store meets it.
const LONG: Duration = Duration::from_mins(1);

/// Asks until the store answers. That it will is not announced to anyone.
async fn answers_again(store: &dyn Store) -> u64 {
    let asking = async {
        loop {
            match store.time_us().await {
                Ok(time_us) => return time_us,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    tokio::time::timeout(LONG, asking).await.expect("the store answers again")
}

/// Asks until the store fails in this way.
async fn fails_with(store: &dyn Store, is_it: impl Fn(&StoreError) -> bool) {
    let asking = async {
        loop {
            if store.time_us().await.is_err_and(|error| is_it(&error)) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, asking).await.expect("the store fails in that way");
}

fn refused_by_server(result: Result<Redis, ConnectError>) -> String {
    match result {
        Err(ConnectError::Store(StoreError::Refused(text))) => text,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_server_that_is_away_from_the_start_is_an_error() {
    let mut server = RedisServer::start().expect("redis-server starts");
    server.kill().expect("it ends");
    let error = Redis::connect(&server.url()).await.expect_err("nobody is there");
    assert!(matches!(error, ConnectError::Store(StoreError::Away(_))), "{error:?}");
}

#[tokio::test]
async fn a_store_that_connects_in_the_background_comes_up_with_the_server() {
    let mut server = RedisServer::start().expect("redis-server starts");
    server.kill().expect("it ends");
    let store = Redis::builder(&server.url()).connect_in_background().expect("the settings are right");
    fails_with(&store, |error| matches!(error, StoreError::Away(_))).await;
    server.restart().expect("redis-server starts");
    answers_again(&store).await;
}

#[tokio::test]
async fn a_restarted_server_is_found_again_without_the_script() {
    let mut server = RedisServer::start().expect("redis-server starts");
    let store = Redis::builder(&server.url()).timeout_ms(10_000).connect().await.expect("the store connects");
    let bench = Bench::new(&store);
    bench.apply(vec![advance(0, 1, 0, 9, true)]).await;

    server.kill().expect("it ends");
    fails_with(&store, |error| matches!(error, StoreError::Away(_))).await;
    server.restart().expect("redis-server starts");
    answers_again(&store).await;
    assert_eq!(bench.apply(vec![advance(0, 1, 0, 9, true)]).await, [Seen::Number(0)]);
}

#[tokio::test]
async fn a_connection_closed_while_idle_costs_no_commit() {
    let server = RedisServer::start().expect("redis-server starts");
    let store = Redis::builder(&server.url()).timeout_ms(10_000).connect().await.expect("the store connects");
    let bench = Bench::new(&store);
    let mut client = server.client().expect("the server takes connections");
    let connections = |client: &mut redis::Connection| -> usize {
        let list: String = redis::cmd("CLIENT").arg("LIST").query(client).expect("the server answers");
        list.lines().count()
    };
    for _ in 0..5 {
        let _: () = redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("normal").query(&mut client).expect("answers");
        // The store notices by itself, and comes back before anyone asks it.
        let returned = async {
            while connections(&mut client) < 2 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(LONG, returned).await.expect("the store comes back");
        answers_again(&store).await;
        bench.apply(vec![advance(0, 1, 0, 9, true)]).await;
    }
    assert_eq!(bench.value(0).await.as_deref(), Some("5"));
}

#[tokio::test]
async fn a_silent_server_times_out_and_is_used_again_when_it_speaks() {
    let server = RedisServer::start().expect("redis-server starts");
    let store = Redis::builder(&server.url()).timeout_ms(50).connect().await.expect("the store connects");
    server.pause().expect("it stops");
    for _ in 0..3 {
        let started = std::time::Instant::now();
        let error = store.time_us().await.expect_err("nobody answers");
        assert!(matches!(error, StoreError::TimedOut { timeout_ms: 50 }), "{error:?}");
        assert!(started.elapsed() >= Duration::from_millis(50));
    }
    server.resume().expect("it goes on");
    answers_again(&store).await;
}

#[tokio::test]
async fn a_server_silent_for_long_is_connected_to_anew() {
    let server = RedisServer::start().expect("redis-server starts");
    let builder = Redis::builder(&server.url()).timeout_ms(20).connect_timeout_ms(300);
    let store = builder.connect().await.expect("the store connects");
    server.pause().expect("it stops");
    // Given up after a second of silence; the new connection is not answered either.
    fails_with(&store, |error| matches!(error, StoreError::Away(_))).await;
    server.resume().expect("it goes on");
    answers_again(&store).await;
}

#[tokio::test]
async fn what_a_silent_server_does_too_late_is_untimely() {
    let server = RedisServer::start().expect("redis-server starts");
    let store = Redis::builder(&server.url()).timeout_ms(1_200).connect().await.expect("the store connects");
    let bench = Bench::new(&store);
    let at_us = store.time_us().await.expect("the store tells its time");
    server.pause().expect("it stops");
    let commit = tidegate::store::Commit {
        at_us,
        entities: vec![bench.entity.clone()],
        cells: vec![(0, 0)],
        ops: vec![put(0, Some("late"))],
    };
    assert!(matches!(store.commit(&commit).await, Err(StoreError::TimedOut { timeout_ms: 1_200 })));
    server.resume().expect("it goes on");
    answers_again(&store).await;
    assert_eq!(bench.value(0).await, None);
}

#[tokio::test]
async fn a_wrong_password_is_refused_at_the_start() {
    let server = RedisServer::start_with(&["--requirepass", "right"]).expect("redis-server starts");
    let text = refused_by_server(Redis::connect(&server.url()).await);
    assert!(text.contains("NOAUTH") || text.contains("uthentication"), "{text}");
    let text = refused_by_server(Redis::connect(&server.url_of("", "wrong")).await);
    assert!(text.contains("WRONGPASS") || text.contains("uthentication"), "{text}");
    assert!(!text.contains("wrong"), "the password shows: {text}");
    let store = Redis::connect(&server.url_of("", "right")).await.expect("the store connects");
    answers_again(&store).await;
}

#[tokio::test]
async fn commits_that_come_at_once_are_refused_only_where_the_user_has_no_rights() {
    let server = RedisServer::start().expect("redis-server starts");
    let mut client = server.client().expect("the server takes connections");
    let rules = "on >secret +@all ~tidegate:{test:*".split(' ');
    redis::cmd("ACL").arg("SETUSER").arg("some").arg(rules.collect::<Vec<_>>()).exec(&mut client).expect("is made");
    let store =
        Redis::builder(&server.url_of("some", "secret")).timeout_ms(10_000).connect().await.expect("it connects");
    let at_us = store.time_us().await.expect("the store tells its time");
    let commit = |index: u32| {
        let kind = if index == 7 { "other" } else { "test" };
        let entities = vec![Arc::new(EntityKey::new(kind, "together", &index.to_string()))];
        Commit { at_us, entities, cells: vec![(0, 0)], ops: vec![advance(0, 1, 0, 9, true)] }
    };
    let commits: Vec<_> = (0..20).map(commit).collect();
    let calls = commits.iter().map(|commit| store.commit(commit));
    for (index, result) in futures_in_step(calls.collect()).await.into_iter().enumerate() {
        let is_applied = matches!(&result, Ok(reply) if reply.outcome == Outcome::Applied(vec![Seen::Number(0)]));
        let is_refused = matches!(&result, Err(StoreError::Refused(text)) if text.contains("NOPERM"));
        assert!(if index == 7 { is_refused } else { is_applied }, "{index}: {result:?}");
    }
}

#[tokio::test]
async fn a_server_out_of_memory_refuses_and_keeps_what_it_has() {
    let server = RedisServer::start().expect("redis-server starts");
    let store = Redis::builder(&server.url()).timeout_ms(10_000).connect().await.expect("the store connects");
    let bench = Bench::new(&store);
    bench.apply(vec![put(0, Some("a")), put(1, Some("b"))]).await;
    let mut client = server.client().expect("the server takes connections");
    let _: () = redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(1).query(&mut client).expect("answers");
    let at_us = store.time_us().await.expect("the store tells its time");
    let commit = tidegate::store::Commit {
        at_us,
        entities: vec![bench.entity.clone()],
        cells: vec![(0, 0), (0, 1)],
        ops: vec![put(0, Some("changed")), put(1, Some("changed"))],
    };
    let result = store.commit(&commit).await;
    assert!(matches!(&result, Err(StoreError::Refused(text)) if text.contains("OOM")), "{result:?}");
    assert_eq!(bench.value(0).await.as_deref(), Some("a"));
    assert_eq!(bench.value(1).await.as_deref(), Some("b"));
}

#[tokio::test]
async fn a_read_only_replica_refuses() {
    let server = RedisServer::start().expect("redis-server starts");
    let other = RedisServer::start().expect("redis-server starts");
    let store = Redis::builder(&server.url()).timeout_ms(10_000).connect().await.expect("the store connects");
    let bench = Bench::new(&store);
    let mut client = server.client().expect("the server takes connections");
    let mut replica_of = |host: &str, port: &str| {
        let _: () = redis::cmd("REPLICAOF").arg(host).arg(port).query(&mut client).expect("answers");
    };
    replica_of("127.0.0.1", &other.port().to_string());
    let write = async || {
        let at_us = answers_again(&store).await;
        let commit = tidegate::store::Commit {
            at_us,
            entities: vec![bench.entity.clone()],
            cells: vec![(0, 0)],
            ops: vec![put(0, Some("a"))],
        };
        store.commit(&commit).await
    };
    let result = write().await;
    assert!(matches!(&result, Err(StoreError::Refused(text)) if text.contains("READONLY")), "{result:?}");
    replica_of("no", "one");
    let result = write().await;
    assert!(matches!(&result, Ok(reply) if reply.outcome == Outcome::Applied(vec![Seen::Nothing])), "{result:?}");
}

#[tokio::test]
async fn wrong_settings_are_named() {
    let path_of = async |builder: tidegate::store::redis::RedisBuilder| match builder.connect().await {
        Err(error @ ConnectError::Settings { .. }) => {
            let shown = error.to_string();
            assert!(!shown.contains("secret"), "{shown}");
            let ConnectError::Settings { problems } = error else { unreachable!() };
            problems.iter().map(|problem| problem.path.clone()).collect::<Vec<_>>().join(" ")
        }
        other => panic!("not a wrong setting: {other:?}"),
    };
    assert_eq!(path_of(Redis::builder("http://user:secret@localhost")).await, "url");
    assert_eq!(path_of(Redis::builder("user:secret@localhost")).await, "url");
    assert_eq!(path_of(Redis::builder("redis+unix:///socket?user=me&pass=secret&pas=5")).await, "url");
    assert_eq!(path_of(Redis::builder("").timeout_ms(0)).await, "timeout_ms url");
    assert_eq!(path_of(Redis::builder("redis://localhost").node("nonsense")).await, "nodes[0]");
    assert_eq!(path_of(Redis::builder("redis://localhost").timeout_ms(0)).await, "timeout_ms");
    assert_eq!(path_of(Redis::builder("redis://localhost").connect_timeout_ms(60_001)).await, "connect_timeout_ms");
    assert_eq!(path_of(Redis::builder("redis://localhost").root_certificate("x")).await, "root_certificate");
}
