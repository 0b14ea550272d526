//! Errors that a server answers with, which are hard to bring about in a real one.

use tidegate::store::StoreError;
use tidegate::store::redis::Redis;

use super::mimic::Mimic;
use super::scene::{Scene, refusals};

/// The first error of a gate on a server that answers like this, and whether it was connected to
/// anew.
async fn error_of(answer: &str) -> (StoreError, bool) {
    let mimic = Mimic::start(&format!("{answer}\r\n"));
    let scene = Scene::connect(&mimic.url()).await;
    let errors = scene.fails().await;
    (errors[0].clone(), mimic.connections() > 1)
}

#[tokio::test]
async fn errors_of_a_server_that_will_answer_later_keep_the_connection() {
    for answer in [
        "-LOADING Redis is loading the dataset in memory",
        "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        "-OOM command not allowed when used memory > 'maxmemory'.",
        "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
        "-NOREPLICAS Not enough good replicas to write.",
        "-NOPERM this user has no permissions to run the 'evalsha' command",
        "-CLUSTERDOWN The cluster is down",
        "-TRYAGAIN Multiple keys request during rehashing of slot",
        "-ERR anything else",
    ] {
        let (error, anew) = error_of(answer).await;
        let words = &answer[1..answer.find(' ').unwrap_or(answer.len())];
        assert_eq!(refusals(std::slice::from_ref(&error)).len(), 1, "{answer}: {error:?}");
        assert!(error.to_string().contains(words), "{answer}: {error}");
        assert!(!anew, "{answer}");
    }
}

#[tokio::test]
async fn errors_of_a_server_that_is_no_longer_the_one_make_the_store_connect_anew() {
    for answer in [
        "-READONLY You can't write against a read only replica.",
        "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "-MOVED 3999 127.0.0.1:6381",
        "-NOAUTH Authentication required.",
    ] {
        let (error, anew) = error_of(answer).await;
        assert!(matches!(error, StoreError::Refused(_)), "{answer}: {error:?}");
        assert!(anew, "{answer}");
    }
}

#[tokio::test]
async fn a_reply_that_makes_no_sense_is_no_reply() {
    let (error, _) = error_of("+PONG").await;
    assert!(matches!(&error, StoreError::Away(text) if text.contains("malformed")), "{error:?}");
}

#[tokio::test]
async fn a_server_that_forgets_every_script_at_once_fails_without_end_of_asking() {
    let (error, anew) = error_of("-NOSCRIPT No matching script. Please use EVAL.").await;
    assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
    assert!(!anew);
}

#[tokio::test]
async fn a_part_of_a_cluster_is_a_row_of_256_slots_and_a_single_server_has_one_part() {
    use tidegate::key::EntityKey;
    use tidegate::store::Store as _;
    let mimic = Mimic::start("-ERR never asked\r\n");
    let single = Redis::builder(&mimic.url()).connect_in_background().expect("the settings are right");
    let cluster = Redis::builder(&mimic.url()).cluster().connect_in_background().expect("the settings are right");
    let keys: Vec<EntityKey> = (0..2_000).map(|user| EntityKey::new("rl", "api", &user.to_string())).collect();
    assert!(keys.iter().all(|key| single.shard(key) == 0));
    let shards: std::collections::BTreeSet<u32> = keys.iter().map(|key| cluster.shard(key)).collect();
    assert_eq!(shards, (0..64).collect());
}
