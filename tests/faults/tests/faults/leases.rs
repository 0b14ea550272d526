//! Hosts that hold permits in leases while the store fails, or that are killed with some in hand.

use std::path::Path;
use std::time::Duration;

use tidegate::{Lease, Limit, RateLimiterConfig};
use tidegate_fleet_tests::language::Language;
use tidegate_fleet_tests::protocol::Place;
use tidegate_fleet_tests::strategies::rate_limiter::protocol::{Decide, Decided};
use tidegate_fleet_tests::worker::Worker;

use crate::crashes::killed_and_restarted;
use crate::fixtures::{
    Fleet, KEY, LATE, PROCESSES, Seat, leased_loads, lose, place, place_behind, proxy, server, turn,
};

#[test]
fn a_store_that_forgot_what_is_leased_keeps_the_promise_in_each_of_its_lives() {
    killed_and_restarted(leased_loads()).leases_were_spent();
}

#[test]
fn a_store_that_stops_lets_go_no_more_than_what_was_leased_before() {
    let server = server();
    let mut fleet = Fleet::start_with(&place(&server.url()), leased_loads());
    for _ in 0..3 {
        fleet.leased();
        server.pause().expect("it stops");
        fleet.failed(LATE);
        server.resume().expect("it goes on");
        fleet.served();
    }
    let aftermath = fleet.end();
    aftermath.kept_promises();
    aftermath.leases_were_spent();
}

#[test]
fn leases_whose_replies_are_lost_are_charged_and_never_spent() {
    let server = server();
    let proxy = proxy(&server);
    let mut fleet = Fleet::start_with(&place_behind(&proxy), leased_loads());
    for _ in 0..2 {
        fleet.leased();
        proxy.replies(lose());
        fleet.failed(LATE);
        proxy.heal();
        fleet.served();
    }
    assert!(proxy.lost_replies() > 0);
    let aftermath = fleet.end();
    aftermath.kept_promises();
    aftermath.leases_were_spent();
    aftermath.failures_charged_something();
}

/// A process that writes down what it is admitted to, for the test to know of it when it was
/// killed.
fn seat_with_journal(url: &str, process: usize) -> Seat {
    let file = format!("journal-{}-{process}", std::process::id());
    let journal = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join(file));
    Seat { language: Language::Rust, place: Place { journal, ..place(url) } }
}

#[test]
fn processes_that_are_killed_under_load_strand_no_more_than_they_had_in_hand() {
    let server = server();
    let seats: Vec<Seat> = (0..PROCESSES).map(|process| seat_with_journal(&server.url(), process)).collect();
    let mut fleet = Fleet::start_at(turn(), seats.clone(), leased_loads());
    for process in 0..PROCESSES {
        fleet.leased();
        fleet.replace(process);
        fleet.served();
    }
    let aftermath = fleet.end();
    aftermath.failed_only_by(&[LATE]);
    aftermath.kept_promises();
    aftermath.leases_were_spent();
    for journal in seats.iter().filter_map(|seat| seat.place.journal.as_ref()) {
        std::fs::remove_file(journal).expect("it is there");
    }
}

const PERMITS: u32 = 60;
const WINDOW_MS: u64 = 1_000;
/// So long that a busy machine does not give back what is in hand before the process is killed.
const LIFE_MS: u64 = 3_000;
const MAX_PERMITS: u32 = 10;

fn leasing() -> RateLimiterConfig {
    RateLimiterConfig::new("leasing", Limit::per(PERMITS, Duration::from_millis(WINDOW_MS)))
        .lease(Lease { max_permits: MAX_PERMITS, life_ms: LIFE_MS })
}

fn ask(cost: u32) -> Decide {
    let (limiter, key) = (leasing(), KEY.to_owned());
    Decide { limiter, key, cost, priority: 0, ticket: None, wait_ms: 0 }
}

/// Asks until a lease is taken that was doubled a few times; what each call was told.
fn take_a_lease(worker: &mut Worker) -> Vec<Decided> {
    let mut decisions = Vec::new();
    while decisions.len() < 1_000 {
        let decided = worker.decide(ask(1)).expect("the limiter answers");
        let has_taken = decided.release_after_ms > 0 && decided.remaining > MAX_PERMITS / 2;
        decisions.push(decided);
        if has_taken {
            return decisions;
        }
    }
    panic!("no lease is taken: {decisions:?}");
}

/// Asks for all permits at once, each time when told, until they are given.
fn take_all(worker: &mut Worker) -> Vec<Decided> {
    let (mut next, mut decisions) = (ask(PERMITS), Vec::new());
    for _ in 0..100 {
        let decided = worker.decide(next.clone()).expect("the limiter answers");
        next.wait_ms = decided.retry_after_ms;
        let is_allowed = decided.is_allowed();
        decisions.push(decided);
        if is_allowed {
            return decisions;
        }
    }
    panic!("they do not come back: {decisions:?}");
}

#[test]
fn a_killed_process_strands_its_lease_for_no_longer_than_its_permits_count() {
    let (_turn, server) = (turn(), server());
    let start = || Seat::from(place(&server.url())).start();
    let (mut dying, mut other) = (start(), start());
    let told = take_a_lease(&mut dying);
    dying.kill().expect("it is killed");

    let given = told.iter().filter(|decided| decided.is_allowed()).count();
    let counted = other.peek(ask(1)).expect("the limiter answers").count as usize;
    assert_eq!(given, told.len(), "{told:?}");
    let stranded = counted.checked_sub(given).expect("what was given is charged");
    assert!((1..=MAX_PERMITS as usize).contains(&stranded), "{stranded} stranded: {counted} counted, {given} given");

    let decisions = take_all(&mut other);
    // Each permit counts for the window and the life of a lease, and until the sub-window it was
    // charged in has left as a whole.
    let charged_us = told.last().expect("there are some").at_us;
    let counts_us = (WINDOW_MS + LIFE_MS) * 1_000;
    let free_us = charged_us + counts_us + counts_us / 10 + 1;
    for decided in &decisions {
        assert!(decided.is_allowed() || decided.at_us < free_us, "denied at {decided:?}, free from {free_us}");
    }
    let all_us = decisions.last().expect("there are some").at_us;
    assert!(all_us >= charged_us + counts_us, "given at {all_us} what was charged at {charged_us}");
}
