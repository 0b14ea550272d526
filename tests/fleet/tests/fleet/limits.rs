//! One key of one limiter, hammered by several processes.

use tidegate::{Algorithm, Limit, RateLimiterConfig};
use tidegate_fleet_tests::strategies::rate_limiter::protocol::{Hammer, Until};
use tidegate_fleet_tests::worker::hammer;

use crate::fixtures::{
    PROCESSES, TASKS, ask, hammer_and_check, merged, permits, place, server, short_limit, start_many,
};

fn four_processes_keep(algorithm: Algorithm) {
    let server = server();
    let mut workers = start_many(PROCESSES, &place(&server));
    hammer_and_check(&mut workers, short_limit(algorithm), &["k"]);
}

#[test]
fn four_processes_keep_the_promise_of_a_sliding_window() {
    four_processes_keep(Algorithm::default());
}

#[test]
fn four_processes_keep_the_promise_of_gcra() {
    four_processes_keep(Algorithm::Gcra { burst: Some(7) });
}

#[test]
fn four_processes_keep_the_promise_of_a_token_bucket() {
    four_processes_keep(Algorithm::TokenBucket { burst: None });
}

#[test]
fn four_processes_keep_the_promise_of_a_sliding_log() {
    four_processes_keep(Algorithm::SlidingLog);
}

#[test]
fn the_sum_of_what_four_processes_were_given_is_what_the_store_says() {
    let server = server();
    let mut workers = start_many(PROCESSES, &place(&server));
    let algorithms = [
        Algorithm::default(),
        Algorithm::Gcra { burst: None },
        Algorithm::TokenBucket { burst: None },
        Algorithm::SlidingLog,
    ];
    for (number, algorithm) in algorithms.into_iter().enumerate() {
        // At a hundred a day, no permit comes back while the test runs.
        let limit = Limit::per_day(100).by(algorithm);
        let limiter = RateLimiterConfig::new(format!("daily {number}"), limit);
        let keys = vec!["k".to_owned()];
        let order = Hammer {
            limiter: limiter.clone(),
            keys,
            costs: vec![1, 2],
            tasks: TASKS,
            waits: false,
            until: Until::Calls(20),
        };
        let admitted = merged(hammer(&mut workers, &order).expect("all workers answer"));
        let told: Vec<u32> =
            workers.iter_mut().map(|worker| worker.peek(ask(&limiter)).expect("the store answers").count).collect();
        assert_eq!(permits(&admitted), 100, "{algorithm:?}");
        assert_eq!(told, [100; PROCESSES], "{algorithm:?}");
    }
}
