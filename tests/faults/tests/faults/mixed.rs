//! One fleet of three languages, while the store it shares fails.

use tidegate::WhenAway;
use tidegate_fault_tests::line::Line;
use tidegate_fleet_tests::endurance::Loads;
use tidegate_fleet_tests::language::Language;
use tidegate_fleet_tests::protocol::Place;

use crate::crashes::killed_and_restarted_under;
use crate::fixtures::{
    Aftermath, Fleet, LATE, PROCESSES, bucketed, circuit, cut_off, leased_loads, lose, now_us, place, place_behind,
    proxy, server, windowed,
};

/// Node has a ledger and a store of its own, so the second of a language is in Node.
const LANGUAGES: [Language; PROCESSES] = [Language::Rust, Language::Node, Language::Python, Language::Node];

/// Limiters with leases and without, and a circuit.
fn loads(when_away: WhenAway) -> Loads {
    let [_, _, aligned, tally] = leased_loads();
    let Loads { circuits, .. } = circuit(when_away);
    let mut limiters = vec![windowed(), bucketed(), aligned, tally];
    for load in &mut limiters {
        load.limiter.when_away = when_away;
    }
    Loads { limiters, circuits }
}

fn start(place: &Place, when_away: WhenAway) -> Fleet {
    Fleet::start_in_languages(LANGUAGES, place, loads(when_away))
}

#[test]
fn three_languages_keep_the_promise_in_each_life_of_a_store_that_is_killed() {
    killed_and_restarted_under(LANGUAGES, loads(WhenAway::Error)).leases_were_spent();
}

#[test]
fn three_languages_find_a_store_that_stopped_as_they_left_it() {
    let server = server();
    let mut fleet = start(&place(&server.url()), WhenAway::Error);
    for _ in 0..2 {
        fleet.leased();
        fleet.turned();
        server.pause().expect("it stops");
        fleet.failed(LATE);
        server.resume().expect("it goes on");
        fleet.served();
    }
    fleet.turned();
    let aftermath = fleet.end();
    aftermath.kept_promises();
    aftermath.leases_were_spent();
}

#[test]
fn three_languages_charge_too_much_and_never_too_little_where_one_direction_is_lost() {
    let server = server();
    let proxy = proxy(&server);
    let mut fleet = start(&place_behind(&proxy), WhenAway::Error);
    fleet.leased();
    proxy.replies(lose());
    fleet.failed(LATE);
    proxy.heal();
    // Each language gives up connections that have fallen silent, and makes new ones.
    fleet.served();
    proxy.requests(lose());
    fleet.failed(LATE);
    proxy.heal();
    fleet.turned();
    fleet.served();
    assert!(proxy.lost_replies() > 0 && proxy.lost_requests() > 0);
    let aftermath = fleet.end();
    aftermath.kept_promises();
    aftermath.leases_were_spent();
}

/// All processes lose the store, answer without it, and get it back. Also the outage.
fn after_an_outage(when_away: WhenAway) -> (Aftermath, Line) {
    let server = server();
    let mut proxy = proxy(&server);
    let mut fleet = start(&place_behind(&proxy), when_away);
    let begin_us = now_us();
    cut_off(&mut proxy);
    fleet.degraded(PROCESSES);
    fleet.degraded(PROCESSES);
    let outage = Line::from(begin_us).up_to(now_us());
    proxy.accept().expect("the port is still ours");
    fleet.served();
    fleet.turned();
    let aftermath = fleet.end();
    aftermath.failed_only_by(&[]);
    aftermath.kept_promises();
    (aftermath, outage)
}

#[test]
fn three_languages_that_deny_while_the_store_is_away_let_nothing_go() {
    let (aftermath, _) = after_an_outage(WhenAway::Closed);
    for (load, toll) in aftermath.tolls() {
        assert!(toll.degraded.is_empty() && toll.degraded_denied > 0, "{}", load.limiter.name);
    }
    for toll in aftermath.circuits() {
        assert!(toll.refused_degraded > 0 && !toll.passages.iter().any(|passage| passage.permit.degraded));
    }
}

#[test]
fn three_languages_that_take_their_shares_while_the_store_is_away_are_charged_for_them() {
    let (aftermath, outage) = after_an_outage(WhenAway::Share { hosts: 4 });
    for (load, toll) in aftermath.tolls() {
        assert!(!toll.degraded.is_empty(), "{}", load.limiter.name);
    }
    aftermath.circuits_kept_promises_alone(&[outage]);
}
