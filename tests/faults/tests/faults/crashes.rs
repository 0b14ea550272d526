//! A store that is killed, restarted or stopped.

use std::time::Duration;

use tidegate_fault_tests::line::Line;
use tidegate_fleet_tests::endurance::Loads;
use tidegate_fleet_tests::language::Language;

use crate::fixtures::{Aftermath, Fleet, PROCESSES, loads, now_us, place, queued, server, tally};

/// Kills the store three times under these loads of four processes, and restarts it empty.
pub(crate) fn killed_and_restarted(loads: impl Into<Loads>) -> Aftermath {
    killed_and_restarted_under([Language::Rust; PROCESSES], loads)
}

pub(crate) fn killed_and_restarted_under(languages: [Language; PROCESSES], loads: impl Into<Loads>) -> Aftermath {
    let mut server = server();
    let mut fleet = Fleet::start_in_languages(languages, &place(&server.url()), loads);
    let mut lines = vec![Line::from(0)];
    for _ in 0..3 {
        server.kill().expect("it is killed");
        let dead_us = now_us();
        fleet.failed("away");
        let before = lines.pop().expect("there is one");
        lines.extend([before.up_to(now_us()), Line::from(dead_us)]);
        server.restart().expect("it starts again");
        fleet.served();
    }
    let aftermath = fleet.end();
    aftermath.kept_promises_in(&lines);
    aftermath
}

#[test]
fn a_killed_store_comes_back_empty_and_the_promise_holds_in_each_of_its_lives() {
    killed_and_restarted(loads());
}

#[test]
fn those_who_wait_in_a_queue_that_is_lost_with_its_store_end_and_line_up_anew() {
    let aftermath = killed_and_restarted(vec![queued(), tally()]);
    let longest_us = aftermath.tolls()[0].1.longest_us;
    assert!(longest_us > 100_000, "nobody has waited: {longest_us} us");
}

#[test]
fn a_store_that_stops_for_a_moment_loses_nothing() {
    let server = server();
    let mut fleet = Fleet::start(&place(&server.url()));
    for _ in 0..3 {
        server.pause().expect("it stops");
        fleet.failed("did not answer within");
        server.resume().expect("it goes on");
        fleet.served();
    }
    fleet.end().kept_promises();
}

#[test]
fn a_store_that_stops_for_long_is_given_up_and_found_again() {
    let server = server();
    let mut fleet = Fleet::start(&place(&server.url()));
    server.pause().expect("it stops");
    // The connection is given up, and a new one is taken by the machine and answered by nobody.
    fleet.failed("the store is away");
    server.resume().expect("it goes on");
    fleet.served();
    let aftermath = fleet.end();
    aftermath.failed_only_by(&["did not answer within", "away"]);
    aftermath.kept_promises();
}

#[test]
fn a_script_that_is_forgotten_under_load_is_taught_again_unnoticed() {
    let server = server();
    let mut client = server.client().expect("the server takes connections");
    let mut place = place(&server.url());
    // No call is to fail, however busy the machine is.
    place.timeout_ms = Some(u64::try_from(Duration::from_secs(5).as_millis()).expect("a number"));
    let mut fleet = Fleet::start(&place);
    for _ in 0..20 {
        redis::cmd("SCRIPT").arg("FLUSH").arg("SYNC").exec(&mut client).expect("the server answers");
        fleet.served();
    }
    let aftermath = fleet.end();
    aftermath.failed_only_by(&[]);
    aftermath.kept_promises();
    aftermath.failures_charged_nothing();
}
