//! What is answered without the store, as the configuration says.

use tidegate::WhenAway;
use tidegate_fleet_tests::endurance::Toll;

use crate::fixtures::{Fleet, loads_when_away, place_behind, proxy, server};

fn answered(when_away: WhenAway) -> (u64, u64) {
    let server = server();
    let mut proxy = proxy(&server);
    let mut fleet = Fleet::start_with(&place_behind(&proxy), loads_when_away(when_away));
    proxy.refuse();
    proxy.reset();
    fleet.degraded();
    proxy.accept().expect("the port is still ours");
    fleet.served();
    let aftermath = fleet.end();
    aftermath.failed_only_by(&[]);
    aftermath.kept_promises();
    let sum = |of: fn(&Toll) -> u64| aftermath.tolls().iter().map(|(_, toll)| of(toll)).sum();
    (sum(|toll| toll.degraded.len() as u64), sum(|toll| toll.degraded_denied))
}

#[test]
fn open_admits_every_call_while_the_store_is_away_and_no_other() {
    let (admitted, denied) = answered(WhenAway::Open);
    assert!(admitted > 0 && denied == 0, "{admitted} admitted, {denied} denied");
}

#[test]
fn closed_denies_every_call_while_the_store_is_away() {
    let (admitted, denied) = answered(WhenAway::Closed);
    assert!(admitted == 0 && denied > 0, "{admitted} admitted, {denied} denied");
}
