//! A node of a Redis Cluster that is killed, and whose replica takes over.

use tidegate::key::EntityKey;
use tidegate::{Limit, RateLimiterConfig};
use tidegate_fault_tests::line::Line;
use tidegate_fleet_tests::protocol::Place;
use tidegate_fleet_tests::strategies::rate_limiter::load::Load;
use tidegate_test_support::redis_server::{RedisCluster, RedisServer};

use crate::fixtures::{Aftermath, Fleet, KEY, LIMIT_MS, bucketed, leased_loads, now_us, tally, turn, windowed};

const MASTERS: usize = 3;
const DAILY: u64 = 60;
const SEEN: u64 = 25;
const UNSEEN: u64 = 15;

fn daily() -> RateLimiterConfig {
    RateLimiterConfig::new("daily", Limit::per_day(60))
}

fn master_of(limiter: &str, key: &str) -> usize {
    RedisCluster::master_of(&EntityKey::new("rl", limiter, key))
}

/// The load, with a key that this master has.
fn on(master: usize, load: Load) -> Load {
    let mut keys = (0..).map(|number| format!("k{number}"));
    let key = keys.find(|key| master_of(&load.limiter.name, key) == master).expect("one of so many");
    Load { key, ..load }
}

fn place(cluster: &RedisCluster) -> Place {
    let urls = cluster.nodes()[..MASTERS].iter().map(RedisServer::url).collect();
    Place { urls, is_cluster: true, timeout_ms: Some(LIMIT_MS), ..Place::default() }
}

/// The replica is shut out by its master, so what it has is what it had.
fn stop_replication(master: &RedisServer, replica: &RedisServer) {
    replica.configure("masterauth", "a password that the master does not know").expect("it is set");
    let mut client = master.client().expect("the node takes connections");
    redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("replica").exec(&mut client).expect("the node answers");
}

/// Kills a node whose replica lags, under these loads on it and on others: a window, a bucket and
/// the tally.
fn replaced_by_its_replica([windowed, bucketed, tally]: [Load; 3]) -> Aftermath {
    let victim = master_of(&daily().name, KEY);
    let others = [(victim + 1) % MASTERS, (victim + 2) % MASTERS];
    // Before the cluster: its nodes watch each other, and a machine that is busy with another fleet
    // would stop their talk.
    let turn = turn();
    let mut cluster = RedisCluster::start_with_replicas().expect("the cluster starts");
    let undisturbed = [on(others[0], windowed.clone()), on(others[1], bucketed.clone())];
    let disturbed = [on(victim, windowed), on(victim, bucketed), on(victim, tally)];
    let mut fleet = Fleet::start_in(turn, &place(&cluster), [&undisturbed[..], &disturbed[..]].concat());

    let (seen, unheard) = fleet.spend(&daily(), SEEN);
    let seen_us = now_us();
    let (master, replica) = (&cluster.nodes()[victim], &cluster.nodes()[victim + MASTERS]);
    replica.wait_until_it_has_all_of(master).expect("the replica has it all");
    stop_replication(master, replica);
    let unseen = fleet.spend(&daily(), UNSEEN);
    fleet.served();

    cluster.nodes_mut()[victim].kill().expect("it is killed");
    let gone_us = now_us();
    fleet.failed("");
    fleet.served_among(&[0, 1]);
    // All of them: the replica has taken over.
    fleet.served();

    // Exactly what was not seen is given twice.
    let (after, unheard_after) = fleet.spend(&daily(), DAILY);
    assert_eq!((seen, unseen.0), (SEEN, UNSEEN));
    let unheard = unheard + unheard_after;
    assert!((DAILY - unheard..=DAILY).contains(&(seen + after)), "{seen} seen, {after} after, {unheard} unheard");
    let aftermath = fleet.end();
    aftermath.kept_promises_by(|load| {
        if master_of(&load.limiter.name, &load.key) == victim {
            vec![Line::until(gone_us), Line::until(seen_us).and_from(gone_us)]
        } else {
            vec![Line::whole()]
        }
    });
    aftermath
}

#[test]
fn a_node_whose_replica_lags_is_replaced_by_it_and_the_other_nodes_notice_nothing() {
    replaced_by_its_replica([windowed(), bucketed(), tally()]);
}

#[test]
fn leases_of_a_node_whose_replica_lags_let_go_no_more_than_it_and_its_replica_have_charged() {
    let [windowed, bucketed, _, tally] = leased_loads();
    replaced_by_its_replica([windowed, bucketed, tally]).leases_were_spent();
}
