//! A circuit that four processes share, while the store fails. It opens and closes all the time,
//! since what it protects is up and down in turns.

use tidegate::WhenAway;
use tidegate_fault_tests::line::Line;
use tidegate_fleet_tests::strategies::circuit_breaker::load::CircuitToll;

use crate::fixtures::{
    Aftermath, Fleet, LATE, PROCESSES, circuit, cut_off, lose, now_us, place, place_behind, proxy, server,
};

#[test]
fn a_circuit_whose_store_is_killed_is_closed_in_its_next_life_and_keeps_its_promise_in_each() {
    let mut server = server();
    let mut fleet = Fleet::start_with(&place(&server.url()), circuit(WhenAway::Error));
    let mut lines = vec![Line::from(0)];
    for _ in 0..3 {
        // An empty store's circuit is closed: it is to open, and to close again.
        fleet.turned();
        fleet.turned();
        server.kill().expect("it is killed");
        let dead_us = now_us();
        fleet.failed("away");
        let before = lines.pop().expect("there is one");
        lines.extend([before.up_to(now_us()), Line::from(dead_us)]);
        server.restart().expect("it starts again");
    }
    fleet.turned();
    fleet.end().kept_promises_in(&lines);
}

#[test]
fn a_circuit_whose_store_stops_is_as_it_was_when_that_goes_on() {
    let server = server();
    let mut fleet = Fleet::start_with(&place(&server.url()), circuit(WhenAway::Error));
    for _ in 0..3 {
        fleet.turned();
        server.pause().expect("it stops");
        fleet.failed(LATE);
        server.resume().expect("it goes on");
    }
    fleet.turned();
    fleet.end().kept_promises();
}

#[test]
fn a_circuit_keeps_its_promise_though_nobody_hears_what_it_was_told() {
    let server = server();
    let proxy = proxy(&server);
    let mut fleet = Fleet::start_with(&place_behind(&proxy), circuit(WhenAway::Error));
    for _ in 0..2 {
        fleet.turned();
        proxy.replies(lose());
        fleet.failed(LATE);
        proxy.heal();
        fleet.turned();
        proxy.requests(lose());
        fleet.failed(LATE);
        proxy.heal();
    }
    fleet.turned();
    assert!(proxy.lost_replies() > 0 && proxy.lost_requests() > 0);
    fleet.end().kept_promises();
}

/// All processes lose the store twice, until they have seen what `meanwhile` waits for, and get it
/// back. Also the outages: whether a host remembers its own circuit from one to the next is not
/// promised.
fn after_outages(when_away: WhenAway, meanwhile: impl Fn(&mut Fleet)) -> (Aftermath, Vec<Line>) {
    let server = server();
    let mut proxy = proxy(&server);
    let mut fleet = Fleet::start_with(&place_behind(&proxy), circuit(when_away));
    let mut outages = Vec::new();
    for _ in 0..2 {
        fleet.turned();
        let begin_us = now_us();
        cut_off(&mut proxy);
        fleet.degraded(PROCESSES);
        meanwhile(&mut fleet);
        outages.push(Line::from(begin_us).up_to(now_us()));
        proxy.accept().expect("the port is still ours");
    }
    fleet.turned();
    let aftermath = fleet.end();
    aftermath.failed_only_by(&[]);
    aftermath.kept_promises();
    (aftermath, outages)
}

/// How many calls each process admitted and refused without the store.
fn degraded(aftermath: &Aftermath) -> Vec<(usize, u64)> {
    let admitted = |toll: &CircuitToll| toll.passages.iter().filter(|passage| passage.permit.degraded).count();
    aftermath.circuits().map(|toll| (admitted(toll), toll.refused_degraded)).collect()
}

#[test]
fn an_open_one_admits_every_call_while_the_store_is_away_and_counts_no_outcome() {
    let (aftermath, _) = after_outages(WhenAway::Open, |_| {});
    for (admitted, refused) in degraded(&aftermath) {
        assert!(admitted > 0 && refused == 0, "{admitted} admitted, {refused} refused");
    }
    let all = aftermath.circuits().flat_map(|toll| &toll.passages).filter(|passage| passage.permit.degraded);
    let effects = all.filter_map(|passage| passage.told.as_ref().map(|told| told.effect.as_str()));
    assert!({ effects }.all(|effect| effect == "ignored"), "an outcome counted");
}

#[test]
fn a_closed_one_refuses_every_call_while_the_store_is_away() {
    let (aftermath, _) = after_outages(WhenAway::Closed, |_| {});
    for (admitted, refused) in degraded(&aftermath) {
        assert!(admitted == 0 && refused > 0, "{admitted} admitted, {refused} refused");
    }
}

#[test]
fn by_shares_each_host_has_a_circuit_of_its_own_that_keeps_the_promise_while_the_store_is_away() {
    // Alone it is closed at first: it is to open, and to close again.
    let turned_twice = |fleet: &mut Fleet| (0..2).for_each(|_| fleet.turned_alone());
    let (aftermath, outages) = after_outages(WhenAway::Share { hosts: 4 }, turned_twice);
    for (admitted, refused) in degraded(&aftermath) {
        assert!(admitted > 0 && refused > 0, "{admitted} admitted, {refused} refused");
    }
    aftermath.circuits_kept_promises_alone(&outages);
}
