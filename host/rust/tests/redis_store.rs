//! The Redis store on a real server: the suite of all stores, and what only Redis can hold.

use proptest::prelude::*;
use tidegate::store::redis::Redis;
use tidegate::store::{BoxFuture, Op, Outcome, Seen, Store};
use tidegate_test_support::redis_server::RedisServer;
use tidegate_test_support::store_suite::{
    self, Bench, Subject, advance, batches, follows_the_model, futures_in_step, get, put, retreat,
};

struct RedisSubject {
    store: Redis,
    server: RedisServer,
}

impl RedisSubject {
    async fn start() -> Self {
        let server = RedisServer::start().expect("redis-server starts");
        // A machine that builds and tests at once is slow now and then.
        let store = Redis::builder(&server.url()).timeout_ms(10_000).connect().await.expect("the store connects");
        Self { store, server }
    }

    fn key(bench: &Bench<'_>, cell: u32) -> String {
        bench.entity.redis_key("tidegate", cell)
    }

    /// Runs a command as a stranger.
    fn stranger(&self, args: &[&[u8]]) -> redis::Value {
        let mut client = self.server.client().expect("the server takes connections");
        let mut command = redis::Cmd::new();
        for arg in args {
            command.arg(*arg);
        }
        command.query(&mut client).expect("the server answers")
    }

    /// How often the script was called so far.
    fn script_calls(&self) -> u64 {
        let mut client = self.server.client().expect("the server takes connections");
        let statistics: String = redis::cmd("INFO").arg("commandstats").query(&mut client).expect("the server answers");
        let calls = statistics.split_once("cmdstat_evalsha:calls=").and_then(|(_, rest)| rest.split_once(','));
        calls.and_then(|(calls, _)| calls.parse().ok()).expect("it was called")
    }

    fn pttl(&self, bench: &Bench<'_>, cell: u32) -> i64 {
        match self.stranger(&[b"PTTL", Self::key(bench, cell).as_bytes()]) {
            redis::Value::Int(ttl) => ttl,
            other => panic!("no time to live: {other:?}"),
        }
    }
}

impl Subject for RedisSubject {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn pass_ms(&self, ms: u64) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let now_us = async || self.store.time_us().await.expect("the store tells its time");
            let end_us = now_us().await + ms * 1_000;
            // A real server's time passes by itself.
            while now_us().await <= end_us {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        })
    }
}

#[tokio::test]
async fn does_what_every_store_must_do() {
    store_suite::run(&RedisSubject::start().await).await;
}

#[test]
fn random_batches_give_what_the_model_gives() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let subject = runtime.block_on(RedisSubject::start());
    proptest!(|(batches in batches())| {
        runtime.block_on(follows_the_model(&Bench::new(&subject.store), &batches))?;
    });
}

#[test]
fn random_batches_that_go_out_together_give_what_the_model_gives() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let subject = runtime.block_on(RedisSubject::start());
    proptest!(|(entities in proptest::collection::vec(batches(), 12))| {
        runtime.block_on(async {
            let benches: Vec<_> = entities.iter().map(|_| Bench::new(&subject.store)).collect();
            let runs = benches.iter().zip(&entities).map(|(bench, batches)| follows_the_model(bench, batches));
            futures_in_step(runs.collect()).await.into_iter().collect::<Result<(), _>>()
        })?;
    });
}

#[tokio::test]
async fn commits_that_come_at_once_go_out_together_and_each_gets_its_own_answer() {
    let subject = RedisSubject::start().await;
    let benches: Vec<_> = (0..200).map(|_| Bench::new(&subject.store)).collect();
    let at_us = subject.store.time_us().await.expect("the store tells its time");
    let commits = benches.iter().enumerate().map(async |(index, bench)| match index % 3 {
        0 => bench.commit_at(at_us, vec![advance(0, index as u64, 0, 9_000, true)]).await.outcome,
        1 => bench.commit_at(at_us, vec![get(1, Some("else"))]).await.outcome,
        _ => bench.commit_at(at_us + 60_000_000, vec![advance(0, 1, 0, 9, true)]).await.outcome,
    });
    let before = subject.script_calls();
    let outcomes = futures_in_step(commits.collect()).await;
    let calls = subject.script_calls() - before;
    assert!(calls < 10, "{calls} calls of the script for 200 commits");
    for (index, (outcome, bench)) in outcomes.into_iter().zip(&benches).enumerate() {
        let (expected, value) = match index % 3 {
            0 if index > 0 => (Outcome::Applied(vec![Seen::Number(0)]), Some(index.to_string())),
            0 => (Outcome::Applied(vec![Seen::Number(0)]), None),
            1 => (Outcome::Refused(vec![None; 4]), None),
            _ => (Outcome::Untimely, None),
        };
        assert_eq!((outcome, bench.value(0).await), (expected, value), "{index}");
    }
}

#[tokio::test]
async fn every_key_expires() {
    let subject = RedisSubject::start().await;
    let bench = Bench::new(&subject.store);
    bench.apply(vec![put(0, Some("a")), advance(1, 1, 0, 1, true), advance(2, 2, 0, 2, true)]).await;
    bench.apply(vec![retreat(2, 1, 0)]).await;
    for cell in 0..3 {
        assert!((50_000..=60_000).contains(&subject.pttl(&bench, cell)), "cell {cell}");
    }
    bench.apply(vec![Op::Put { cell: 0, value: Some("a".into()), ttl_ms: u64::MAX }]).await;
    assert!(subject.pttl(&bench, 0) > 0);
}

#[tokio::test]
async fn values_are_readable_text_under_the_documented_key() {
    let subject = RedisSubject::start().await;
    let bench = Bench::new(&subject.store);
    bench.apply(vec![advance(3, 1_000_000_000_000_000, 0, 2_000_000_000_000_000, true)]).await;
    let key = format!("tidegate:{{{}}}:0.3", bench.entity.tag());
    let stored = subject.stranger(&[b"GET", key.as_bytes()]);
    assert_eq!(stored, redis::Value::BulkString(b"1000000000000000".to_vec()));
}

#[tokio::test]
async fn unreadable_values_read_as_none_and_are_counted() {
    let subject = RedisSubject::start().await;
    let broken: [&[u8]; 9] = [
        b"\xff",
        b"a\x80",
        b"\xc3",
        b"\xc0\x80",
        b"\xe0\x80\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\xc3\xa9\x82\xac",
        &vec![b'x'; 2 * 1024 * 1024],
    ];
    for value in broken {
        let bench = Bench::new(&subject.store);
        let key = RedisSubject::key(&bench, 0);
        subject.stranger(&[b"SET", key.as_bytes(), value, b"PX", b"60000"]);
        let shown = value[..value.len().min(8)].escape_ascii().to_string();

        let reply = bench.commit(vec![Op::Observe { cell: 0 }, Op::Observe { cell: 0 }]).await;
        assert_eq!(reply.outcome, Outcome::Applied(vec![Seen::Value(None); 2]), "{shown}");
        assert_eq!(reply.foreign, 1, "{shown}");
        let reply = bench.commit(vec![get(0, Some("a"))]).await;
        assert_eq!((reply.outcome, reply.foreign), (Outcome::Refused(vec![None; 4]), 1), "{shown}");
        let reply = bench.commit(vec![get(0, None), advance(0, 1, 0, 1, true)]).await;
        assert_eq!(
            (reply.outcome, reply.foreign),
            (Outcome::Applied(vec![Seen::Nothing, Seen::Number(0)]), 1),
            "{shown}"
        );
        assert_eq!(bench.value(0).await.as_deref(), Some("1"), "{shown}");
    }
}

#[tokio::test]
async fn a_value_of_another_type_reads_as_none_and_is_replaced() {
    let subject = RedisSubject::start().await;
    let bench = Bench::new(&subject.store);
    for cell in 0..4 {
        subject.stranger(&[b"RPUSH", RedisSubject::key(&bench, cell).as_bytes(), b"1"]);
    }
    let seen =
        bench.apply(vec![get(0, None), Op::Observe { cell: 1 }, advance(2, 1, 0, 1, true), retreat(3, 1, 7)]).await;
    assert_eq!(seen, [Seen::Nothing, Seen::Value(None), Seen::Number(0), Seen::Number(7)]);
    bench.apply(vec![put(0, Some("a")), put(1, None)]).await;
    assert_eq!(bench.value(0).await.as_deref(), Some("a"));
    assert_eq!(bench.value(2).await.as_deref(), Some("1"));
    assert_eq!(subject.stranger(&[b"EXISTS", RedisSubject::key(&bench, 1).as_bytes()]), redis::Value::Int(0));
}

#[tokio::test]
async fn a_number_that_never_expires_does_not_deny() {
    let subject = RedisSubject::start().await;
    let bench = Bench::new(&subject.store);
    let key = RedisSubject::key(&bench, 0);
    subject.stranger(&[b"SET", key.as_bytes(), b"9007199254740992"]);
    // A run that was told of it is refused, and learns that there is nothing.
    let reply = bench.commit(vec![advance(0, 1, 5, 10, false)]).await;
    assert_eq!((reply.outcome, reply.foreign), (Outcome::Refused(vec![None; 4]), 1));
    let reply = bench.commit(vec![advance(0, 1, 5, 10, true), advance(0, 1, 5, 10, true)]).await;
    assert_eq!((reply.outcome, reply.foreign), (Outcome::Applied(vec![Seen::Number(5), Seen::Number(6)]), 1));
    assert_eq!(bench.value(0).await.as_deref(), Some("7"));
    assert!(subject.pttl(&bench, 0) > 0);
}

#[tokio::test]
async fn a_number_put_over_one_that_never_expires_does_deny() {
    let subject = RedisSubject::start().await;
    let bench = Bench::new(&subject.store);
    let key = RedisSubject::key(&bench, 0);
    subject.stranger(&[b"SET", key.as_bytes(), b"100"]);
    let seen = bench.apply(vec![put(0, Some("10")), advance(0, 1, 5, 10, false)]).await;
    assert_eq!(seen, [Seen::Nothing, Seen::Number(10)]);
}

#[tokio::test]
async fn a_number_that_expires_does_deny() {
    let subject = RedisSubject::start().await;
    let bench = Bench::new(&subject.store);
    let key = RedisSubject::key(&bench, 0);
    subject.stranger(&[b"SET", key.as_bytes(), b"10", b"PX", b"60000"]);
    assert_eq!(bench.apply(vec![advance(0, 1, 5, 10, false)]).await, [Seen::Number(10)]);
}

#[tokio::test]
async fn a_forgotten_script_is_taught_again() {
    let subject = RedisSubject::start().await;
    let bench = Bench::new(&subject.store);
    subject.stranger(&[b"SCRIPT", b"FLUSH"]);
    assert_eq!(bench.apply(vec![advance(0, 1, 0, 9, true)]).await, [Seen::Number(0)]);
    assert_eq!(bench.apply(vec![advance(0, 1, 0, 9, true)]).await, [Seen::Number(1)]);
}

#[tokio::test]
async fn stores_of_two_prefixes_share_nothing() {
    let subject = RedisSubject::start().await;
    let other = Redis::builder(&subject.server.url()).prefix("shop:{eu}").timeout_ms(10_000).connect().await;
    let other = other.expect("the store connects");
    let bench = Bench::new(&subject.store);
    bench.apply(vec![put(0, Some("a"))]).await;
    let elsewhere = Bench { store: &other, entity: bench.entity.clone() };
    assert_eq!(elsewhere.value(0).await, None);
    elsewhere.apply(vec![put(0, Some("b"))]).await;
    let key = bench.entity.redis_key("shop:%7Beu%7D", 0);
    assert_eq!(subject.stranger(&[b"GET", key.as_bytes()]), redis::Value::BulkString(b"b".to_vec()));
}

#[tokio::test]
async fn many_callers_at_once_are_counted_exactly() {
    let subject = RedisSubject::start().await;
    let bench = Bench::new(&subject.store);
    let one = async || {
        // Half of all callers find the limit reached, whatever they were told.
        let reply = bench.commit(vec![advance(0, 1, 0, 32, true)]).await;
        u64::from(matches!(reply.outcome, Outcome::Applied(_)))
    };
    let calls: Vec<_> = (0..64).map(|_| one()).collect();
    let mut admitted = 0;
    for call in futures_in_step(calls).await {
        admitted += call;
    }
    assert_eq!(admitted, 32);
    assert_eq!(bench.value(0).await.as_deref(), Some("32"));
}
