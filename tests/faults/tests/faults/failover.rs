//! A store behind a name that leads to another server from some time on.

use tidegate::{Limit, RateLimiterConfig};
use tidegate_fault_tests::line::Line;
use tidegate_fault_tests::proxy::{Flow, Proxy, Way};
use tidegate_test_support::redis_server::RedisServer;
use tidegate_test_support::sentinels::Watched;

use crate::fixtures::{Fleet, address, now_us, place, place_behind, proxy, server};

const DAILY: u64 = 60;
const SEEN: u64 = 25;
const UNSEEN: u64 = 15;

fn daily() -> RateLimiterConfig {
    RateLimiterConfig::new("daily", Limit::per_day(60))
}

/// A replica that hears its master through a proxy.
fn replica_of(master: &RedisServer) -> (RedisServer, Proxy) {
    let (replica, replication) = (server(), proxy(master));
    replica.replicate(replication.address().port()).expect("it replicates");
    (replica, replication)
}

#[test]
fn a_failover_to_a_replica_that_lags_forgets_what_it_had_not_seen_and_nothing_else() {
    let mut master = server();
    let (replica, replication) = replica_of(&master);
    let name = proxy(&master);
    let mut fleet = Fleet::start(&place_behind(&name));

    let (seen, unheard) = fleet.spend(&daily(), SEEN);
    let seen_us = now_us();
    replica.wait_until_it_has_all_of(&master).expect("the replica has it all");
    replication.replies(Way { flow: Flow::Lose, ..Way::default() });
    let unseen = fleet.spend(&daily(), UNSEEN);
    fleet.served();

    master.kill().expect("it is killed");
    let gone_us = now_us();
    name.lead_to(address(&replica));
    // Until it is promoted, it takes no writes.
    fleet.failed("READONLY");
    let switched_us = now_us();
    replica.promote().expect("it is promoted");
    fleet.served();

    // Exactly what was not seen is given twice.
    let (after, unheard_after) = fleet.spend(&daily(), DAILY);
    assert_eq!((seen, unseen.0), (SEEN, UNSEEN));
    let unheard = unheard + unheard_after;
    assert!((DAILY - unheard..=DAILY).contains(&(seen + after)), "{seen} seen, {after} after, {unheard} unheard");
    fleet.end().kept_promises_in(&[Line::until(switched_us), Line::until(seen_us).and_from(gone_us)]);
}

#[test]
fn a_master_that_was_made_a_replica_is_left_for_the_one_that_the_name_leads_to_now() {
    let master = server();
    let (successor, _replication) = replica_of(&master);
    let name = proxy(&master);
    let mut fleet = Fleet::start(&place_behind(&name));
    let seen_us = now_us();
    successor.wait_until_it_has_all_of(&master).expect("the replica has it all");

    name.lead_to(address(&successor));
    successor.promote().expect("it is promoted");
    // Its connections stay open: only what it answers tells that it is no master any more. From
    // then on the successor is asked, which may be before the two have come together.
    let last_us = now_us();
    master.replicate(successor.port()).expect("it replicates");
    let demoted_us = now_us();
    fleet.served();

    let aftermath = fleet.end();
    aftermath.failed_only_by(&["READONLY", "away", "did not answer within"]);
    aftermath.kept_promises_in(&[Line::until(last_us), Line::until(seen_us).and_from(demoted_us)]);
}

#[test]
fn sentinels_lead_hosts_to_a_successor_who_charges_nothing_twice_and_forgets_nothing_that_it_had_seen() {
    let mut watched = Watched::start(1, 1).expect("they start");
    let mut fleet = Fleet::start(&place(&watched.url()));
    let (seen, unheard) = fleet.spend(&daily(), SEEN);
    let seen_us = now_us();
    let [master, successor] = watched.servers() else { panic!("there are two") };
    successor.wait_until_it_has_all_of(master).expect("the successor has it all");

    watched.servers_mut()[0].kill().expect("it is killed");
    let gone_us = now_us();
    fleet.served();

    let (after, unheard_after) = fleet.spend(&daily(), DAILY);
    assert_eq!(seen, SEEN);
    let unheard = unheard + unheard_after;
    assert!((DAILY - unheard..=DAILY).contains(&(seen + after)), "{seen} seen, {after} after, {unheard} unheard");
    fleet.end().kept_promises_in(&[Line::until(gone_us), Line::until(seen_us).and_from(gone_us)]);
}
