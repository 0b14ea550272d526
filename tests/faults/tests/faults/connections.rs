//! Connections that are slow, lose one direction, hang, break or are refused, through the fault
//! proxy.

use tidegate_fault_tests::proxy::{Flow, Way};

use crate::fixtures::{Fleet, LATE, LIMIT_MS, lose, place_behind, proxy, server};

#[test]
fn a_slow_connection_is_waited_for_up_to_the_limit_and_its_late_replies_harm_nobody() {
    let server = server();
    let proxy = proxy(&server);
    let mut fleet = Fleet::start(&place_behind(&proxy));
    proxy.both(Way { delay_ms: 20, ..Way::default() });
    fleet.served();
    for way in [Way { delay_ms: 2 * LIMIT_MS, ..Way::default() }, Way { bytes_per_s: 100, ..Way::default() }] {
        proxy.replies(way);
        fleet.failed(LATE);
        proxy.heal();
        fleet.served();
        proxy.requests(way);
        fleet.failed(LATE);
        proxy.heal();
        fleet.served();
    }
    fleet.end().kept_promises();
}

#[test]
fn lost_replies_charge_too_much_and_never_too_little() {
    let server = server();
    let proxy = proxy(&server);
    let mut fleet = Fleet::start(&place_behind(&proxy));
    for _ in 0..2 {
        proxy.replies(lose());
        fleet.failed(LATE);
        proxy.heal();
        // The open connections are lost for good: new ones are made once they have been silent for
        // long.
        fleet.served();
    }
    assert!(proxy.lost_replies() > 0);
    let aftermath = fleet.end();
    aftermath.kept_promises();
    aftermath.failures_charged_something();
}

#[test]
fn lost_requests_end_in_time_and_the_connection_is_made_anew() {
    let server = server();
    let proxy = proxy(&server);
    let mut fleet = Fleet::start(&place_behind(&proxy));
    proxy.requests(lose());
    fleet.failed(LATE);
    proxy.heal();
    fleet.served();
    assert!(proxy.lost_requests() > 0);
    fleet.end().kept_promises();
}

#[test]
fn a_connection_that_hangs_is_left_and_what_it_held_arrives_too_late_to_matter() {
    let server = server();
    let proxy = proxy(&server);
    let mut fleet = Fleet::start(&place_behind(&proxy));
    proxy.both(Way { flow: Flow::Hold, ..Way::default() });
    // Those that are open hang, and then those that are made instead.
    fleet.failed("the store is away");
    proxy.heal();
    fleet.served();
    fleet.end().kept_promises();
}

#[test]
fn a_connection_that_is_reset_again_and_again_is_made_anew_each_time() {
    let server = server();
    let proxy = proxy(&server);
    let mut fleet = Fleet::start(&place_behind(&proxy));
    for _ in 0..10 {
        proxy.reset();
        fleet.served();
    }
    assert!(proxy.resets() >= 40, "{} resets", proxy.resets());
    fleet.end().kept_promises();
}

#[test]
fn a_refused_connection_fails_at_once_until_it_is_taken_again() {
    let server = server();
    let mut proxy = proxy(&server);
    let mut fleet = Fleet::start(&place_behind(&proxy));
    proxy.refuse();
    proxy.reset();
    fleet.failed("refused");
    proxy.accept().expect("the port is still ours");
    fleet.served();
    fleet.end().kept_promises();
}
