//! Hosts whose clocks are wrong.

use tidegate::Algorithm;
use tidegate_fleet_tests::protocol::Place;

use crate::fixtures::{hammer_and_check, place, server, short_limit, start};

fn hosts_30_s_apart_keep(algorithm: Algorithm) {
    let server = server();
    let ahead = |clock_ahead_ms| start(&Place { clock_ahead_ms, ..place(&server) });
    let mut workers = [ahead(-15_000), ahead(15_000)];
    hammer_and_check(&mut workers, short_limit(algorithm), &["k"]);
}

#[test]
fn hosts_30_s_apart_keep_the_promise_of_a_sliding_window() {
    hosts_30_s_apart_keep(Algorithm::default());
}

#[test]
fn hosts_30_s_apart_keep_the_promise_of_gcra() {
    hosts_30_s_apart_keep(Algorithm::Gcra { burst: None });
}

#[test]
fn hosts_30_s_apart_keep_the_promise_of_a_sliding_log() {
    hosts_30_s_apart_keep(Algorithm::SlidingLog);
}
