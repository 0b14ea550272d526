//! What the tests share.

use std::time::Duration;

use tidegate::{Algorithm, CircuitBreakerConfig, Limit, RateLimiterConfig};
use tidegate_fleet_tests::protocol::Place;
use tidegate_fleet_tests::strategies::circuit_breaker::protocol::{Circuit, CircuitRequest, Reported};
use tidegate_fleet_tests::strategies::rate_limiter::promise::Promise;
use tidegate_fleet_tests::strategies::rate_limiter::protocol::{Admitted, Decide, Hammer, Hammered, Until};
use tidegate_fleet_tests::worker::{Worker, hammer};
use tidegate_test_support::redis_server::{RedisCluster, RedisServer};

pub(crate) const PROCESSES: usize = 4;
pub(crate) const TASKS: usize = 16;

/// How many permits a hammered limit has in a window of this length. Several windows pass in a run.
pub(crate) const LIMIT: u32 = 40;
const WINDOW: Duration = Duration::from_millis(400);
const RUN_MS: u64 = 2_000;
const MAX_RUNS: usize = 20;

pub(crate) fn server() -> RedisServer {
    RedisServer::start().expect("the server starts")
}

pub(crate) fn place(server: &RedisServer) -> Place {
    Place { urls: vec![server.url()], ..Place::default() }
}

pub(crate) fn place_of_cluster(cluster: &RedisCluster) -> Place {
    let urls = cluster.nodes().iter().map(RedisServer::url).collect();
    Place { urls, is_cluster: true, ..Place::default() }
}

pub(crate) fn start(place: &Place) -> Worker {
    Worker::start(env!("CARGO_BIN_EXE_fleet-worker"), place).expect("the worker starts")
}

pub(crate) fn start_many(count: usize, place: &Place) -> Vec<Worker> {
    (0..count).map(|_| start(place)).collect()
}

/// The limit that is hammered, counted by `algorithm`.
pub(crate) fn short_limit(algorithm: Algorithm) -> Limit {
    Limit::per(LIMIT, WINDOW).by(algorithm)
}

/// Hammers a limit for a few windows on each key, and checks that no call failed and that each key
/// kept the promise. A machine that had little time for it is given more.
pub(crate) fn hammer_and_check(workers: &mut [Worker], limit: Limit, keys: &[&str]) {
    let order = Hammer {
        limiter: RateLimiterConfig::new("hammered", limit),
        keys: keys.iter().map(ToString::to_string).collect(),
        costs: vec![1, 1, 3],
        tasks: TASKS,
        waits: false,
        until: Until::PassedMs(RUN_MS),
    };
    let mut admitted = Vec::new();
    for _ in 0..MAX_RUNS {
        admitted.extend(merged(hammer(workers, &order).expect("all workers answer")));
        if keys.iter().all(|key| has_come_back(&of_key(&admitted, key), limit)) {
            break;
        }
    }
    for key in keys {
        check_key(&of_key(&admitted, key), key, limit);
    }
}

fn of_key(admitted: &[Admitted], key: &str) -> Vec<Admitted> {
    admitted.iter().filter(|call| call.key == key).cloned().collect()
}

fn has_come_back(admitted: &[Admitted], limit: Limit) -> bool {
    permits(admitted) >= 2 * u64::from(limit.limit)
}

fn check_key(admitted: &[Admitted], key: &str, limit: Limit) {
    let promise = Promise::of(&limit);
    promise.check_decisions(admitted).expect("the decisions keep the promise");
    promise.check_calls(admitted).expect("the calls keep the promise");
    assert!(has_come_back(admitted, limit), "only {} permits for {key:?}: nothing came back", permits(admitted));
}

/// What all processes were admitted to; no call of any of them may have failed.
pub(crate) fn merged(all: Vec<Hammered>) -> Vec<Admitted> {
    for one in &all {
        assert_eq!(one.errors, Vec::<String>::new());
        assert_eq!((one.diverged, one.foreign), (0, 0));
        assert!(one.calls > 0);
    }
    all.into_iter().flat_map(|one| one.admitted).collect()
}

pub(crate) fn permits(admitted: &[Admitted]) -> u64 {
    admitted.iter().map(|call| call.cost).sum()
}

/// One permit for the key `k`, at once.
pub(crate) fn ask(limiter: &RateLimiterConfig) -> Decide {
    let (limiter, key) = (limiter.clone(), "k".to_owned());
    Decide { limiter, key, cost: 1, priority: 0, ticket: None, wait_ms: 0 }
}

pub(crate) fn circuit(breaker: &CircuitBreakerConfig, key: &str, request: CircuitRequest) -> Circuit {
    Circuit { breaker: breaker.clone(), key: key.to_owned(), request, wait_ms: 0 }
}

/// Asks to make a call through a circuit.
pub(crate) fn admit(worker: &mut Worker, breaker: &CircuitBreakerConfig, key: &str) -> Reported {
    worker.circuit(circuit(breaker, key, CircuitRequest::Admit)).expect("the circuit answers")
}

/// Makes a call through a circuit that fails.
pub(crate) fn fail(worker: &mut Worker, breaker: &CircuitBreakerConfig, key: &str) -> Reported {
    let permit = admit(worker, breaker, key).permit.expect("the call is admitted");
    worker.circuit(circuit(breaker, key, CircuitRequest::Failed(permit))).expect("the circuit answers")
}
