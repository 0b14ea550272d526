//! Many callers of many processes on one hot key: nobody starves, and no commit is refused for
//! long.

use std::time::Duration;

use tidegate::{Algorithm, Limit, OnLimit, RateLimiterConfig};
use tidegate_fleet_tests::strategies::rate_limiter::protocol::{Hammer, Hammered, Until};
use tidegate_fleet_tests::worker::hammer;

use crate::fixtures::{merged, permits, place, server, start_many};

const PROCESSES: usize = 8;
const TASKS: usize = 32;

/// How much longer than the mean the unluckiest caller may wait, over all its calls.
const MAX_OF_MEAN: u64 = 4;

/// Lets this many callers of each process make as many calls each, and returns what came of it.
fn crowd(limiter: RateLimiterConfig, tasks: usize, calls: u32, waits: bool) -> Vec<Hammered> {
    let server = server();
    let mut workers = start_many(PROCESSES, &place(&server));
    let order =
        Hammer { limiter, keys: vec!["hot".to_owned()], costs: vec![1], tasks, waits, until: Until::Calls(calls) };
    hammer(&mut workers, &order).expect("all workers answer")
}

/// All calls were answered and admitted, no caller waited much longer than the others, and no batch
/// was committed more than `most_attempts` times.
fn check_fairness(all: &[Hammered], tasks: usize, calls: u32, most_attempts: u64) {
    let errors: Vec<&String> = all.iter().flat_map(|one| &one.errors).collect();
    assert_eq!(errors, Vec::<&String>::new());
    let admitted: Vec<_> = all.iter().flat_map(|one| one.admitted.clone()).collect();
    assert_eq!(permits(&admitted), (PROCESSES * tasks) as u64 * u64::from(calls));
    let waits_us: Vec<u64> = all.iter().flat_map(|one| one.waits_us.clone()).collect();
    assert_eq!(waits_us.len(), PROCESSES * tasks);
    let mean_us = waits_us.iter().sum::<u64>() / waits_us.len() as u64;
    let longest_us = waits_us.iter().max().copied().unwrap_or(0);
    assert!(longest_us <= MAX_OF_MEAN * mean_us, "one waited {longest_us} us, the mean is {mean_us} us");
    let attempts = all.iter().map(|one| one.most_attempts).max().unwrap_or(0);
    assert!(attempts <= most_attempts, "a batch was committed {attempts} times");
    println!("longest wait {longest_us} us, mean {mean_us} us, most attempts {attempts}");
}

fn roomy(algorithm: Algorithm) -> RateLimiterConfig {
    RateLimiterConfig::new("hot", Limit::per_second(500_000).by(algorithm))
}

#[test]
fn nobody_starves_on_a_hot_bucket_and_no_commit_is_refused_twice() {
    check_fairness(&crowd(roomy(Algorithm::Gcra { burst: None }), TASKS, 100, false), TASKS, 100, 2);
}

#[test]
fn nobody_starves_on_a_hot_window_and_commits_conflict_only_where_a_sub_window_ends() {
    check_fairness(&crowd(roomy(Algorithm::default()), TASKS, 100, false), TASKS, 100, 8);
}

/// Where a bucket is empty, each host that thinks that a permit has come back finds it taken, and
/// knows better at once: it has only counted, so there is nobody to give way to.
#[test]
fn nobody_starves_on_an_empty_bucket_and_no_commit_is_refused_again_and_again() {
    let limiter = RateLimiterConfig::new("empty", Limit::per_second(600).by(Algorithm::Gcra { burst: Some(20) }));
    let server = server();
    let mut workers = start_many(4, &place(&server));
    let keys = vec!["hot".to_owned()];
    let order = Hammer { limiter, keys, costs: vec![1, 1, 2], tasks: 4, waits: false, until: Until::PassedMs(4_000) };
    let all = hammer(&mut workers, &order).expect("all workers answer");
    let attempts = all.iter().map(|one| one.most_attempts).max().unwrap_or(0);
    let shares: Vec<u64> = all.iter().map(|one| permits(&one.admitted)).collect();
    println!("shares {shares:?}, most attempts {attempts}");
    merged(all);
    assert!(attempts <= 32, "a batch was committed {attempts} times");
    let even = shares.iter().sum::<u64>() / shares.len() as u64;
    assert!(
        shares.iter().all(|share| share * 4 >= even),
        "a process has less than a quarter of an even share: {shares:?}"
    );
}

/// A queue is one list that every caller changes, so here commits of hosts do conflict, and give
/// way to each other. Each costs as much as many wait, so fewer callers make a crowd.
#[test]
fn nobody_starves_in_a_crowded_queue() {
    let limit = Limit::per_second(1_000).by(Algorithm::Gcra { burst: Some(1) });
    let queue = OnLimit::queue(1_000, Duration::from_mins(10));
    check_fairness(&crowd(RateLimiterConfig::new("hot", limit).on_limit(queue), 4, 5, true), 4, 5, 64);
}
