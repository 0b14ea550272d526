//! A store that asks Sentinels where the master is.

use std::time::{Duration, Instant};

use tidegate::store::redis::{ConnectError, Redis, RedisBuilder};
use tidegate::store::{Commit, Reply, Store as _, StoreError};
use tidegate_test_support::redis_server::RedisServer;
use tidegate_test_support::sentinels::{DOWN_AFTER, FAILOVER_TIMEOUT, MASTER, Watched};
use tidegate_test_support::store_suite::{Bench, put};

/// The longest pause before an attempt to connect, and how long the attempt itself may take.
const OUR_OWN: Duration = Duration::from_secs(3 + 2);

/// How long a failover may take to be noticed, to be made, twice more if the first came to nothing,
/// and to be found out by a host.
const BOUND: Duration = DOWN_AFTER.saturating_add(FAILOVER_TIMEOUT.saturating_mul(6)).saturating_add(OUR_OWN);

async fn connected(builder: RedisBuilder) -> Redis {
    builder.timeout_ms(10_000).connect().await.expect("the store connects")
}

async fn away(builder: RedisBuilder) -> String {
    match builder.connect().await {
        Err(ConnectError::Store(StoreError::Away(text))) => text,
        other => panic!("not away: {other:?}"),
    }
}

/// Writes and reads what was written.
async fn serves(store: &Redis) {
    let bench = Bench::new(store);
    bench.apply(vec![put(0, Some("a"))]).await;
    assert_eq!(bench.value(0).await.as_deref(), Some("a"));
}

async fn write(store: &Redis) -> Result<Reply, StoreError> {
    let (at_us, entities) = (store.time_us().await?, vec![Bench::new(store).entity]);
    store.commit(&Commit { at_us, entities, cells: vec![(0, 0)], ops: vec![put(0, Some("a"))] }).await
}

/// Returns when the store answers.
async fn answers_again(store: &Redis, since: Instant) {
    while let Err(error) = store.time_us().await {
        assert!(since.elapsed() < BOUND, "after {:?} still: {error}", since.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn has_keys(server: &RedisServer) -> bool {
    let mut client = server.client().expect("it takes connections");
    redis::cmd("DBSIZE").query::<u64>(&mut client).expect("it answers") > 0
}

#[tokio::test]
async fn the_master_is_found_by_its_name_in_either_form() {
    let mut watched = Watched::start(1, 3).expect("they start");
    let store = connected(Redis::builder(&watched.url())).await;
    serves(&store).await;
    // The first is away: another is asked.
    watched.sentinels_mut()[0].kill().expect("it is killed");
    let named = Redis::builder(&format!("redis://{MASTER}/0"));
    let named = watched.sentinels().iter().fold(named, |named, sentinel| named.sentinel(&sentinel.url()));
    serves(&connected(named).await).await;
}

#[tokio::test]
async fn a_store_goes_on_with_the_successor_of_a_master_that_was_killed() {
    let mut watched = Watched::start(2, 3).expect("they start");
    let store = connected(Redis::builder(&watched.url())).await;
    serves(&store).await;
    watched.servers_mut()[0].kill().expect("it is killed");
    answers_again(&store, Instant::now()).await;
    serves(&store).await;
    assert!(watched.servers()[1..].iter().all(has_keys), "the successor writes, and the other hears of it");
}

#[tokio::test]
async fn a_store_goes_on_with_the_successor_of_a_master_that_is_well() {
    let watched = Watched::start(1, 1).expect("they start");
    let store = connected(Redis::builder(&watched.url())).await;
    serves(&store).await;
    let since = Instant::now();
    watched.fail_over().expect("there is a replica");
    let successor = &watched.servers()[1];
    let address = format!("address=127.0.0.1:{}", successor.port());
    watched.sentinels()[0].wait_for(&["INFO", "sentinel"], |info| info.contains(&address)).expect("it is the master");
    redis::cmd("FLUSHALL").exec(&mut successor.client().expect("it takes connections")).expect("it answers");
    while !has_keys(successor) {
        assert!(since.elapsed() < BOUND, "the store still writes elsewhere");
        let _ = write(&store).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_store_whose_sentinels_are_all_away_names_the_master_and_them() {
    let mut watched = Watched::start(0, 2).expect("they start");
    let url = watched.url();
    watched.sentinels_mut().iter_mut().try_for_each(RedisServer::kill).expect("they are killed");
    let text = away(Redis::builder(&url)).await;
    for sentinel in watched.sentinels() {
        assert!(text.contains(&format!("127.0.0.1:{}", sentinel.port())), "{text}");
    }
    assert!(text.contains(&format!("the master {MASTER:?} of the Sentinels")), "{text}");
}

#[tokio::test]
async fn a_name_that_no_sentinel_knows_is_said() {
    let watched = Watched::start(0, 1).expect("they start");
    let url = watched.url().replace(MASTER, "orders");
    let text = away(Redis::builder(&url)).await;
    let said =
        format!("the Sentinels 127.0.0.1:{} know no master \"orders\" that is up", watched.sentinels()[0].port());
    assert!(text.contains(&said), "{text}");
}

#[tokio::test]
async fn sentinels_and_servers_may_know_us_by_different_passwords() {
    let watched = Watched::start(0, 1).expect("they start");
    watched.servers()[0].set_user("host", "on >of-servers ~tidegate:* +@all").expect("the user is made");
    watched.sentinels()[0].set_user("asker", "on >of-sentinels +@all").expect("the user is made");
    watched.sentinels()[0].set_user("default", "off").expect("nobody else is known");
    let (_, place) =
        watched.url().split_once("://").map(|(scheme, place)| (scheme.len(), place.to_owned())).expect("a URL");
    let url = format!("redis+sentinel://host:of-servers@{place}?sentinel_user=asker&sentinel_password=of-sentinels");
    serves(&connected(Redis::builder(&url)).await).await;

    let wrong = Redis::builder(&url.replace("of-sentinels", "nonsense")).connect().await.expect_err("it is wrong");
    let text = wrong.to_string();
    assert!(text.contains("of the Sentinels") && !text.contains("nonsense"), "{text}");
    let wrong = Redis::builder(&url.replace("of-servers", "nonsense")).connect().await.expect_err("it is wrong");
    assert!(!wrong.to_string().contains("nonsense"), "{wrong}");
}

#[tokio::test]
async fn wrong_settings_of_sentinels_are_named() {
    let of = async |builder: RedisBuilder| match builder.connect().await {
        Err(ConnectError::Settings { problems }) => {
            problems.iter().map(|problem| problem.path.clone()).collect::<Vec<_>>().join(" ")
        }
        other => panic!("not a wrong setting: {other:?}"),
    };
    assert_eq!(of(Redis::builder("redis+sentinel://localhost")).await, "url");
    assert_eq!(of(Redis::builder("redis+sentinel://localhost/")).await, "url");
    assert_eq!(of(Redis::builder("redis+sentinel://localhost/m/x")).await, "url");
    assert_eq!(of(Redis::builder("redis+sentinel://localhost/m").cluster()).await, "cluster");
    assert_eq!(of(Redis::builder("redis+sentinel://localhost/m").node("redis://localhost")).await, "nodes");
    assert_eq!(of(Redis::builder("redis+sentinel://localhost/m").root_certificate("x")).await, "root_certificate");
    assert_eq!(of(Redis::builder("redis://m:6379").sentinel("redis://localhost")).await, "url");
    assert_eq!(of(Redis::builder("redis://m").sentinel("nonsense")).await, "sentinels[0]");
    let others = Redis::builder("redis://m").sentinel("redis://a").sentinel("redis://:secret@b");
    assert_eq!(of(others).await, "sentinels[1]");
}
