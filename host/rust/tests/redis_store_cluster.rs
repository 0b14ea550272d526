//! The Redis store on a cluster of three nodes.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redis::cluster_routing::Slot;
use tidegate::key::EntityKey;
use tidegate::store::redis::Redis;
use tidegate::store::{BoxFuture, Commit, Op, Outcome, Seen, Store, StoreError};
use tidegate_test_support::redis_server::RedisCluster;
use tidegate_test_support::store_suite::{self, Bench, Subject, advance, new_entity, put};

struct ClusterSubject {
    store: Redis,
    cluster: RedisCluster,
}

impl ClusterSubject {
    async fn start() -> Self {
        let cluster = RedisCluster::start().expect("the cluster starts");
        let builder = Redis::builder(&cluster.nodes()[0].url()).node(&cluster.nodes()[1].url());
        let store = builder.timeout_ms(10_000).connect().await.expect("the store connects");
        Self { store, cluster }
    }
}

impl Subject for ClusterSubject {
    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn pass_ms(&self, ms: u64) -> BoxFuture<'_, ()> {
        // The nodes share this machine's clock.
        Box::pin(tokio::time::sleep(Duration::from_millis(ms + 1)))
    }
}

/// Which third of the slots, and so which node, an entity is on.
fn node_of(bench: &Bench<'_>) -> usize {
    let key = bench.entity.redis_key("tidegate", 0);
    let slot = (0..16384).find(|slot| is_in(&key, *slot)).expect("every key has a slot");
    [5460, 10922, 16383].iter().position(|last| slot <= *last).expect("every slot has a node")
}

fn is_in(key: &str, slot: u16) -> bool {
    Slot::new(slot) == Some(Slot::for_key(key))
}

/// Commits an operation on the entity's first cell, and on nothing else.
async fn commit_one(bench: &Bench<'_>, op: Op) -> Result<Outcome, StoreError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    // The nodes share this machine's clock. A little behind it, nothing is untimely.
    let at_us = u64::try_from(now.as_micros()).expect("before the year 500,000") - 1_000;
    let entities = vec![Arc::clone(&bench.entity)];
    let commit = Commit { at_us, entities, cells: vec![(0, 0)], ops: vec![op] };
    bench.store.commit(&commit).await.map(|reply| reply.outcome)
}

#[tokio::test]
async fn does_what_every_store_must_do() {
    store_suite::run(&ClusterSubject::start().await).await;
}

#[tokio::test]
async fn all_cells_of_an_entity_share_a_slot_and_entities_spread() {
    let subject = ClusterSubject::start().await;
    let mut slots = HashSet::new();
    for _ in 0..50 {
        let bench = Bench::new(&subject.store);
        let slot_of = |field| format!("{:?}", Slot::for_key(bench.entity.redis_key("tidegate", field)));
        assert_eq!(slot_of(0), slot_of(u32::MAX));
        bench.apply(vec![put(0, Some("a")), advance(1, 1, 0, 9, true), put(2, Some("c"))]).await;
        slots.insert(slot_of(0));
    }
    assert!(slots.len() > 10, "{slots:?}");
}

#[tokio::test]
async fn keys_of_any_text_share_a_slot_by_entity_and_never_collide() {
    let subject = ClusterSubject::start().await;
    let long = "x".repeat(10 * 1024 * 1024);
    let longer = format!("{long}x");
    let texts = ["", ":", "{", "}", "{}", "{a}", "}{", "%7B", "\0", "🌊", "a:b", "a b\r\n", "~", &long, &longer];
    let benches: Vec<_> = texts
        .iter()
        .flat_map(|text| [EntityKey::new("rl", "n", text), EntityKey::new("rl", text, "n")])
        .map(|entity| Bench { store: &subject.store, entity: Arc::new(entity) })
        .collect();
    for (number, bench) in benches.iter().enumerate() {
        // Were the cells of an entity in different slots, the cluster would refuse this.
        bench.apply(vec![put(0, Some(&number.to_string())), put(1, Some("a")), put(2, Some("b"))]).await;
    }
    for (number, bench) in benches.iter().enumerate() {
        assert_eq!(bench.value(0).await, Some(number.to_string()), "{}", bench.entity);
    }
}

#[tokio::test]
async fn entities_of_several_slots_are_refused_in_so_many_words() {
    let subject = ClusterSubject::start().await;
    let entities: Vec<_> = (0..8).map(|_| new_entity()).collect();
    let at_us = subject.store.time_us().await.expect("the store tells its time");
    assert!(!subject.store.is_atomic_over(&entities));
    assert!(subject.store.is_atomic_over(&[Arc::clone(&entities[0]), Arc::clone(&entities[0])]));
    let cells = (0..8).map(|entity| (entity, 0)).collect();
    let commit = Commit { at_us, entities, cells, ops: vec![put(0, Some("a"))] };
    let result = subject.store.commit(&commit).await;
    assert!(matches!(&result, Err(StoreError::Refused(text)) if text.contains("slots")), "{result:?}");
}

#[tokio::test]
async fn a_slot_that_moves_is_followed() {
    let subject = ClusterSubject::start().await;
    let bench = Bench::new(&subject.store);
    let slot: u16 = (0..16384).find(|slot| is_in(&bench.entity.redis_key("tidegate", 0), *slot)).expect("a slot");
    let from = node_of(&bench);
    let to = (from + 1) % 3;
    let mut clients: Vec<_> =
        subject.cluster.nodes().iter().map(|node| node.client().expect("the node takes connections")).collect();
    let ids: Vec<String> = clients
        .iter_mut()
        .map(|client| redis::cmd("CLUSTER").arg("MYID").query(client).expect("the node answers"))
        .collect();
    let set_slot = |clients: &mut Vec<redis::Connection>, node: usize, state: &str, id: &str| {
        let mut command = redis::cmd("CLUSTER");
        command.arg("SETSLOT").arg(slot).arg(state).arg(id);
        command.exec(&mut clients[node]).expect("the slot is set");
    };
    // On its way, keys that are not there yet are asked for at the new node.
    set_slot(&mut clients, to, "IMPORTING", &ids[from]);
    set_slot(&mut clients, from, "MIGRATING", &ids[to]);
    let outcome = commit_one(&bench, advance(0, 1, 0, 9, true)).await.expect("the store answers");
    assert_eq!(outcome, Outcome::Applied(vec![Seen::Number(0)]));
    for node in [to, from] {
        set_slot(&mut clients, node, "NODE", &ids[to]);
    }
    let outcome = commit_one(&bench, advance(0, 1, 0, 9, true)).await.expect("the store answers");
    assert_eq!(outcome, Outcome::Applied(vec![Seen::Number(1)]));
}

#[tokio::test]
async fn a_node_that_died_fails_its_own_entities_only() {
    let mut subject = ClusterSubject::start().await;
    let benches: Vec<_> = (0..64).map(|_| new_entity()).collect();
    // The others go on without the dead node's slots.
    for node in subject.cluster.nodes() {
        let mut client = node.client().expect("the node takes connections");
        let mut command = redis::cmd("CONFIG");
        command.arg("SET").arg("cluster-require-full-coverage").arg("no");
        command.exec(&mut client).expect("the node answers");
    }
    subject.cluster.nodes_mut()[2].kill().expect("the node ends");
    let store = &subject.store;
    let mut lost = 0;
    for entity in benches {
        let bench = Bench { store, entity };
        let result = commit_one(&bench, put(0, Some("a"))).await;
        if node_of(&bench) == 2 {
            lost += 1;
            let is_away = matches!(result, Err(StoreError::Away(_) | StoreError::TimedOut { .. }));
            // Until the others have noticed, they may tell that the cluster is down.
            let is_down = matches!(&result, Err(StoreError::Refused(text)) if text.contains("CLUSTERDOWN"));
            assert!(is_away || is_down, "{result:?}");
        } else {
            assert_eq!(result.ok(), Some(Outcome::Applied(vec![Seen::Nothing])));
        }
    }
    assert!(lost > 0);
}
