//! The same promises on a Redis Cluster of three nodes, with keys on all of them.

use std::collections::HashSet;
use std::time::Duration;

use tidegate::key::EntityKey;
use tidegate::{Algorithm, CircuitBreakerConfig, Limit, RateLimiterConfig};
use tidegate_fleet_tests::strategies::rate_limiter::protocol::{Decide, Hammer, Until};
use tidegate_fleet_tests::worker::hammer;
use tidegate_test_support::redis_server::RedisCluster;

use crate::fixtures::{
    PROCESSES, TASKS, admit, ask, fail, hammer_and_check, merged, permits, place_of_cluster, short_limit, start,
    start_many,
};

const KEYS: [&str; 6] = ["amber", "birch", "fjord", "heath", "isle", "jetty"];

fn cluster() -> RedisCluster {
    RedisCluster::start().expect("the cluster starts")
}

fn assert_on_all_nodes(kind: &str, name: &str) {
    let nodes: HashSet<usize> =
        KEYS.iter().map(|key| RedisCluster::master_of(&EntityKey::new(kind, name, key))).collect();
    assert_eq!(nodes.len(), 3, "the keys are not on all nodes");
}

fn four_processes_keep(algorithm: Algorithm) {
    assert_on_all_nodes("rl", "hammered");
    let cluster = cluster();
    let mut workers = start_many(PROCESSES, &place_of_cluster(&cluster));
    hammer_and_check(&mut workers, short_limit(algorithm), &KEYS);
}

#[test]
fn four_processes_keep_the_promise_of_a_sliding_window_on_all_nodes() {
    four_processes_keep(Algorithm::default());
}

#[test]
fn four_processes_keep_the_promise_of_gcra_on_all_nodes() {
    four_processes_keep(Algorithm::Gcra { burst: None });
}

#[test]
fn the_sum_of_what_four_processes_were_given_is_what_each_node_says() {
    assert_on_all_nodes("rl", "daily");
    let cluster = cluster();
    let mut workers = start_many(PROCESSES, &place_of_cluster(&cluster));
    let limiter = RateLimiterConfig::new("daily", Limit::per_day(30));
    let keys = KEYS.map(str::to_owned).to_vec();
    let order =
        Hammer { limiter: limiter.clone(), keys, costs: vec![1], tasks: TASKS, waits: false, until: Until::Calls(20) };
    let admitted = merged(hammer(&mut workers, &order).expect("all workers answer"));
    assert_eq!(permits(&admitted), 30 * 6);
    for key in KEYS {
        let asked = Decide { key: key.to_owned(), ..ask(&limiter) };
        assert_eq!(workers[0].peek(asked).expect("the store answers").count, 30, "{key}");
    }
}

#[test]
fn a_circuit_tripped_by_one_process_is_open_in_another_whatever_its_node() {
    assert_on_all_nodes("cb", "payments");
    let cluster = cluster();
    let place = place_of_cluster(&cluster);
    let (mut one, mut other) = (start(&place), start(&place));
    let breaker = CircuitBreakerConfig::consecutive("payments", 2).open_for(Duration::from_mins(10));
    for key in KEYS {
        assert_eq!(admit(&mut other, &breaker, key).effect, "admitted");
        fail(&mut one, &breaker, key);
        assert_eq!(admit(&mut other, &breaker, key).effect, "admitted");
        assert_eq!(fail(&mut one, &breaker, key).cause.as_deref(), Some("consecutive"));
        assert_eq!(admit(&mut other, &breaker, key).effect, "refused-open");
    }
}
