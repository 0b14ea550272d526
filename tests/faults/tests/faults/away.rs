//! What is answered without the store, as the configuration says, and what is charged for it
//! afterwards.

use tidegate::WhenAway;
use tidegate_fleet_tests::strategies::rate_limiter::promise::Promise;

use crate::fixtures::{
    Aftermath, BURST, Fleet, PERMITS, PROCESSES, bucket_of, cut_off, loads_when_away, place_behind, proxy, server,
    turn, window_of,
};

const SHARE: WhenAway = WhenAway::Share { hosts: 4 };

/// All processes lose the store twice, for a while, and get it back.
fn after_outages(when_away: WhenAway) -> Aftermath {
    let server = server();
    let mut proxy = proxy(&server);
    let mut fleet = Fleet::start_with(&place_behind(&proxy), loads_when_away(when_away));
    for _ in 0..2 {
        cut_off(&mut proxy);
        fleet.degraded(PROCESSES);
        // More than once: each load again.
        fleet.degraded(PROCESSES);
        proxy.accept().expect("the port is still ours");
        fleet.served();
    }
    let aftermath = fleet.end();
    aftermath.failed_only_by(&[]);
    aftermath.kept_promises();
    aftermath
}

/// How many calls were admitted and denied without the store.
fn degraded(aftermath: &Aftermath) -> (usize, u64) {
    let tolls = aftermath.tolls().iter().map(|(_, toll)| toll);
    tolls.fold((0, 0), |sum, toll| (sum.0 + toll.degraded.len(), sum.1 + toll.degraded_denied))
}

#[test]
fn open_admits_every_call_while_the_store_is_away_and_charges_it_afterwards() {
    let (admitted, denied) = degraded(&after_outages(WhenAway::Open));
    assert!(admitted > 0 && denied == 0, "{admitted} admitted, {denied} denied");
}

#[test]
fn closed_denies_every_call_while_the_store_is_away() {
    let (admitted, denied) = degraded(&after_outages(WhenAway::Closed));
    assert!(admitted == 0 && denied > 0, "{admitted} admitted, {denied} denied");
}

#[test]
fn shares_keep_all_hosts_together_to_the_limit_and_are_charged_afterwards() {
    let aftermath = after_outages(SHARE);
    let (admitted, denied) = degraded(&aftermath);
    assert!(admitted > 0 && denied > 0, "{admitted} admitted, {denied} denied");
    // Across the ends of an outage, what the store admitted and the shares meet in one window.
    let window = Promise::of(&window_of(PERMITS));
    aftermath.kept_alone_and_together("windowed", window, window.times(2));
    let bucket = Promise::of(&bucket_of(PERMITS, BURST));
    aftermath.kept_alone_and_together("bucketed", bucket, bucket.times(2));
}

#[test]
fn hosts_that_are_cut_off_keep_to_their_shares_while_the_others_go_on_by_the_store() {
    const CUT_OFF: usize = 2;
    let server = server();
    let (mut cut, whole) = (proxy(&server), proxy(&server));
    let places = [&cut, &cut, &whole, &whole].map(|proxy| place_behind(proxy).into());
    let mut fleet = Fleet::start_at(turn(), places, loads_when_away(SHARE));
    cut_off(&mut cut);
    for _ in 0..3 {
        fleet.degraded(CUT_OFF);
        fleet.served_after(CUT_OFF);
    }
    cut.accept().expect("the port is still ours");
    fleet.served();
    let aftermath = fleet.end();
    aftermath.failed_only_by(&[]);
    aftermath.kept_promises();
    // Two shares of four, and the limit on top.
    let window = [PERMITS / 2, PERMITS + PERMITS / 2].map(|permits| Promise::of(&window_of(permits)));
    aftermath.kept_alone_and_together("windowed", window[0], window[1]);
    let bucket = [(PERMITS / 2, BURST / 2), (PERMITS + PERMITS / 2, BURST + BURST / 2)];
    let bucket = bucket.map(|(permits, burst)| Promise::of(&bucket_of(permits, burst)));
    aftermath.kept_alone_and_together("bucketed", bucket[0], bucket[1]);
}
