//! Failures that a real server is made to have.

use redis::{Commands as _, Connection};
use tidegate::store::StoreError;
use tidegate::{StoreState, WhenAway};
use tidegate_test_support::redis_server::RedisServer;

use super::scene::{LIMIT_MS, Scene, refusals, timed};

fn start() -> (RedisServer, Connection) {
    let server = RedisServer::start().expect("redis-server starts");
    let client = server.client().expect("the server takes connections");
    (server, client)
}

/// Gives an order, in words.
fn order(client: &mut Connection, words: &str) {
    let mut words = words.split(' ');
    let mut command = redis::cmd(words.next().expect("an order has a word"));
    for word in words {
        command.arg(word);
    }
    command.exec(client).expect("the server obeys");
}

#[tokio::test]
async fn a_server_that_was_killed_comes_back_empty_and_is_charged_what_went_meanwhile() {
    let (mut server, _) = start();
    let mut scene = Scene::connect(&server.url()).await;
    let limiter = scene.limiter(WhenAway::Open);
    for _ in 0..5 {
        limiter.try_acquire("k").await.expect("the store answers");
    }
    server.kill().expect("it ends");
    let errors = scene.fails().await;
    assert!(errors.iter().all(|error| matches!(error, StoreError::Away(_))), "{errors:?}");
    for _ in 0..7 {
        let decision = limiter.try_acquire("k").await.expect("the settings say");
        assert!(decision.is_allowed() && decision.degraded);
    }
    scene.stays_away().await;
    server.restart().expect("redis-server starts");
    scene.is_back().await;
    scene.gate.flush().await;
    let peek = limiter.peek("k").await.expect("the store answers");
    assert_eq!((peek.count, peek.degraded), (7, false));
}

#[tokio::test]
async fn a_server_that_is_paused_is_waited_for_by_few_and_then_by_nobody() {
    let (server, _) = start();
    let mut scene = Scene::connect(&server.url()).await;
    let limiter = scene.limiter(WhenAway::Closed);
    server.pause().expect("it stops");
    let errors = scene.fails().await;
    assert!(matches!(errors[0], StoreError::TimedOut { timeout_ms: LIMIT_MS }), "{errors:?}");
    let (decision, _) = timed(limiter.try_acquire("k")).await;
    assert!(!decision.expect("the settings say").is_allowed());
    server.resume().expect("it goes on");
    scene.is_back().await;
}

#[tokio::test]
async fn calls_that_line_up_behind_one_on_a_paused_server_go_together_in_the_next_round() {
    let (server, _) = start();
    let scene = Scene::connect(&server.url()).await;
    let limiter = scene.limiter(WhenAway::Error);
    limiter.try_acquire("k").await.expect("the store answers");
    let before = scene.gate.stats().commits;
    server.pause().expect("it stops");
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let limiter = limiter.clone();
        calls.spawn(async move { limiter.try_acquire("k").await });
    }
    for result in calls.join_all().await {
        assert!(result.expect_err("the store is away").is_store_away());
    }
    assert_eq!(scene.gate.stats().commits - before, 2);
    assert_eq!(scene.gate.store_state(), StoreState::Available, "two rounds are no outage");
    server.resume().expect("it goes on");
    limiter.try_acquire("k").await.expect("the store answers");
}

#[tokio::test]
async fn a_server_that_forgot_the_script_is_taught_it_and_nobody_notices() {
    let (server, mut client) = start();
    let scene = Scene::connect(&server.url()).await;
    let limiter = scene.limiter(WhenAway::Error);
    for _ in 0..3 {
        order(&mut client, "SCRIPT FLUSH");
        limiter.try_acquire("k").await.expect("the store answers");
    }
    assert_eq!(limiter.peek("k").await.expect("the store answers").count, 3);
}

#[tokio::test]
async fn a_server_that_lost_all_keys_starts_anew() {
    let (server, mut client) = start();
    let scene = Scene::connect(&server.url()).await;
    let limiter = scene.limiter(WhenAway::Error);
    limiter.try_acquire(tidegate::Ask::of("k").cost(1_000)).await.expect("the store answers");
    order(&mut client, "FLUSHALL");
    assert_eq!(limiter.peek("k").await.expect("the store answers").count, 0);
}

#[tokio::test]
async fn a_server_that_was_made_a_replica_is_away_until_it_is_one_no_more() {
    let (server, mut client) = start();
    let (master, _) = start();
    let mut scene = Scene::connect(&server.url()).await;
    order(&mut client, &format!("REPLICAOF 127.0.0.1 {}", master.port()));
    let errors = scene.fails().await;
    assert!(refusals(&errors).iter().any(|text| text.contains("READONLY")), "{errors:?}");
    // A replica reads and tells the time, and is away all the same.
    scene.stays_away().await;
    order(&mut client, "REPLICAOF NO ONE");
    scene.is_back().await;
}

#[tokio::test]
async fn a_replica_without_its_master_is_away() {
    let (server, mut client) = start();
    let (mut master, _) = start();
    master.kill().expect("it ends");
    let mut scene = Scene::connect(&server.url()).await;
    order(&mut client, "CONFIG SET replica-serve-stale-data no");
    order(&mut client, &format!("REPLICAOF 127.0.0.1 {}", master.port()));
    let errors = scene.fails().await;
    assert!(refusals(&errors).iter().any(|text| text.contains("MASTERDOWN")), "{errors:?}");
    scene.stays_away().await;
    order(&mut client, "REPLICAOF NO ONE");
    scene.is_back().await;
}

#[tokio::test]
async fn a_server_out_of_memory_is_away_until_it_has_some() {
    let (server, mut client) = start();
    let mut scene = Scene::connect(&server.url()).await;
    order(&mut client, "CONFIG SET maxmemory 1");
    let errors = scene.fails().await;
    assert!(refusals(&errors).iter().any(|text| text.contains("OOM")), "{errors:?}");
    scene.stays_away().await;
    order(&mut client, "CONFIG SET maxmemory 0");
    scene.is_back().await;
}

#[tokio::test]
async fn a_user_who_loses_its_rights_has_no_store_until_it_gets_them_back() {
    let (server, mut client) = start();
    order(&mut client, "ACL SETUSER gate on >secret ~tidegate:* +@all");
    let mut scene = Scene::connect(&server.url_of("gate", "secret")).await;
    order(&mut client, "ACL SETUSER gate resetkeys ~other:*");
    let errors = scene.fails().await;
    let words = refusals(&errors);
    assert!(words.iter().any(|text| text.contains("NOPERM") || text.contains("No permissions")), "{errors:?}");
    scene.stays_away().await;
    order(&mut client, "ACL SETUSER gate ~tidegate:*");
    scene.is_back().await;
}

#[tokio::test]
async fn a_password_that_is_no_longer_right_is_told_and_tried_again() {
    let (server, mut client) = start();
    order(&mut client, "ACL SETUSER gate on >secret ~tidegate:* +@all");
    let mut scene = Scene::connect(&server.url_of("gate", "secret")).await;
    order(&mut client, "ACL SETUSER gate resetpass >another");
    order(&mut client, "CLIENT KILL USER gate");
    let errors = scene.fails().await;
    assert!(errors.iter().all(|error| !error.to_string().contains("secret")), "{errors:?}");
    scene.stays_away().await;
    order(&mut client, "ACL SETUSER gate resetpass >secret");
    scene.is_back().await;
}

#[tokio::test]
async fn a_server_that_takes_no_more_connections_is_away_until_it_does() {
    let (server, mut client) = start();
    let mut scene = Scene::connect(&server.url()).await;
    order(&mut client, "CONFIG SET maxclients 1");
    order(&mut client, "CLIENT KILL TYPE normal SKIPME yes");
    scene.fails().await;
    scene.stays_away().await;
    order(&mut client, "CONFIG SET maxclients 100");
    scene.is_back().await;
}

#[tokio::test]
async fn a_server_busy_with_a_script_is_away_until_that_is_over() {
    let (server, mut client) = start();
    let mut scene = Scene::connect(&server.url()).await;
    order(&mut client, "CONFIG SET busy-reply-threshold 1");
    let mut other = server.client().expect("the server takes connections");
    let busy = std::thread::spawn(move || redis::cmd("EVAL").arg("while true do end").arg(0).exec(&mut other));
    let errors = scene.fails().await;
    assert!(refusals(&errors).iter().any(|text| text.contains("BUSY")), "{errors:?}");
    scene.stays_away().await;
    order(&mut client, "SCRIPT KILL");
    busy.join().expect("it does not panic").expect_err("it was killed");
    scene.is_back().await;
}

#[tokio::test]
async fn a_server_that_drops_every_connection_is_away_until_it_is_served_again() {
    let (mut server, _) = start();
    let mut scene = Scene::connect(&server.url()).await;
    let limiter = scene.limiter(WhenAway::Share { hosts: 500 });
    server.kill().expect("it ends");
    scene.fails().await;
    for allowed in [true, true, false] {
        let decision = limiter.try_acquire("k").await.expect("the settings say");
        assert_eq!((decision.is_allowed(), decision.degraded), (allowed, true));
    }
    server.restart().expect("redis-server starts");
    scene.is_back().await;
    scene.gate.flush().await;
    assert_eq!(limiter.peek("k").await.expect("the store answers").count, 2);
    let mut client = server.client().expect("the server takes connections");
    let keys: Vec<String> = client.keys("*").expect("the server answers");
    assert!(keys.iter().all(|key| key.starts_with("tidegate:{")), "{keys:?}");
}
