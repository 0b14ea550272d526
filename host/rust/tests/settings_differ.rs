//! Hosts of different settings under one name, on a real Redis: said by the one that finds the
//! other's.

use std::time::Duration;

use tidegate::{Algorithm, Limit, RateLimiter, RateLimiterConfig, Redis, SettingsDiffer, Tidegate};
use tidegate_test_support::redis_server::RedisServer;
use tokio::sync::mpsc;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process of its own, as far as the store can tell.
struct Host {
    gate: Tidegate,
    told: mpsc::UnboundedReceiver<SettingsDiffer>,
}

impl Host {
    async fn on(server: &RedisServer) -> Self {
        let store = Redis::builder(&server.url()).timeout_ms(10_000).connect().await.expect("the store connects");
        let (tell, told) = mpsc::unbounded_channel();
        let builder = Tidegate::builder().store(store).on_settings_differ(move |differ| drop(tell.send(differ)));
        Self { gate: builder.build().expect("the component loads"), told }
    }

    fn limiter(&self, limit: Limit) -> RateLimiter {
        self.gate.rate_limiter(RateLimiterConfig::new("api", limit)).expect("the configuration is valid")
    }
}

/// Waits until a host has left its note, which is to be this text.
async fn noted(server: &RedisServer, expected: &str) {
    let mut client = server.client().expect("the server takes connections");
    let looking = async {
        loop {
            let note: Option<String> =
                redis::cmd("GET").arg("tidegate:{st:rl:api}:0.0").query(&mut client).expect("the server answers");
            if note.as_deref() == Some(expected) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("the note is left");
    let pttl: i64 = redis::cmd("PTTL").arg("tidegate:{st:rl:api}:0.0").query(&mut client).expect("the server answers");
    assert!((29 * 86_400_000..=30 * 86_400_000).contains(&pttl), "{pttl}");
}

#[tokio::test]
async fn a_host_whose_limiter_has_another_window_than_others_of_its_name_says_so() {
    let server = RedisServer::start().expect("redis-server starts");
    for limit in [5, 50] {
        let mut host = Host::on(&server).await;
        host.limiter(Limit::per_minute(limit)).try_acquire("k").await.expect("the store answers");
        noted(&server, "sliding-window of 60000 ms").await;
        assert!(host.told.try_recv().is_err(), "another limit goes on from the same counts");
    }
    let mut host = Host::on(&server).await;
    let changed = Limit::per_hour(5).by(Algorithm::Gcra { burst: None });
    host.limiter(changed).try_acquire("k").await.expect("the store answers");
    let differ = tokio::time::timeout(PATIENCE, host.told.recv()).await.expect("it is told").expect("the host lives");
    let expected = SettingsDiffer {
        name: "api".to_owned(),
        here: "bucket of 3600000 ms".to_owned(),
        there: "sliding-window of 60000 ms".to_owned(),
    };
    assert_eq!(differ, expected);
    noted(&server, "bucket of 3600000 ms").await;
}

#[tokio::test]
async fn one_process_that_opens_a_name_with_two_windows_says_so_at_once() {
    let server = RedisServer::start().expect("redis-server starts");
    let mut host = Host::on(&server).await;
    for limit in [Limit::per_minute(5), Limit::per_minute(7), Limit::per_second(5)] {
        host.limiter(limit);
    }
    assert_eq!(host.told.try_recv().expect("it is told").there, "sliding-window of 60000 ms");
    assert!(host.told.try_recv().is_err());
}
