//! A store that has lost trust in its hosts, or that they cannot trust.

use tidegate::store::redis::{ConnectError, Redis};
use tidegate::store::{Commit, Store as _, StoreError};
use tidegate_fault_tests::line::Line;
use tidegate_fleet_tests::protocol::Place;
use tidegate_test_support::redis_server::RedisServer;
use tidegate_test_support::store_suite::{Bench, put};
use tidegate_test_support::tls::{Authority, ServerFiles};

use crate::fixtures::{Fleet, LIMIT_MS, now_us, place, server};

/// As the documentation of the Redis store has it.
const RIGHTS: &str = "on >secret +evalsha +eval +script|load +time +mget +set +del +pttl ~tidegate:*";

/// In the words of the server, which differ by what is missing and by its version.
const REFUSED: &str = "the store refused the commit";

#[test]
fn rights_that_are_lost_while_running_refuse_calls_and_charge_nothing_until_they_are_back() {
    let server = server();
    server.set_user("host", RIGHTS).expect("the user is made");
    let mut fleet = Fleet::start(&place(&server.url_of("host", "secret")));
    for lost in ["-evalsha", "-set", "resetkeys"] {
        server.set_user("host", lost).expect("the user is changed");
        fleet.failed(REFUSED);
        server.set_user("host", RIGHTS).expect("the user is changed");
        fleet.served();
    }
    let aftermath = fleet.end();
    aftermath.failed_only_by(&[REFUSED, "did not answer within"]);
    aftermath.kept_promises();
}

#[test]
fn a_user_who_is_removed_while_running_is_refused_until_there_is_one_again() {
    let server = server();
    server.set_user("host", RIGHTS).expect("the user is made");
    let mut fleet = Fleet::start(&place(&server.url_of("host", "secret")));
    let mut client = server.client().expect("the server takes connections");
    redis::cmd("ACL").arg("DELUSER").arg("host").exec(&mut client).expect("the server answers");
    fleet.failed("WRONGPASS");
    server.set_user("host", RIGHTS).expect("the user is made again");
    fleet.served();
    let aftermath = fleet.end();
    assert!(aftermath.failures().keys().all(|text| !text.contains("secret")), "a password shows");
    aftermath.kept_promises();
}

#[test]
fn a_user_without_rights_is_refused_at_the_start_in_one_error() {
    let server = server();
    server.set_user("host", "on >secret +ping ~*").expect("the user is made");
    let error = connect(&place(&server.url_of("host", "secret"))).expect_err("it may not");
    assert!(matches!(&error, ConnectError::Store(StoreError::Refused(text)) if text.contains("NOPERM")), "{error:?}");
}

#[test]
fn a_commit_that_may_not_write_all_it_wants_writes_nothing() {
    let server = server();
    server.set_user("host", RIGHTS).expect("the user is made");
    let runtime = runtime();
    let store = runtime.block_on(Redis::connect(&server.url_of("host", "secret"))).expect("it connects");
    let bench = Bench::new(&store);
    runtime.block_on(bench.apply(vec![put(0, Some("old")), put(1, Some("old"))]));
    server.set_user("host", "-set").expect("the user is changed");
    let at_us = now_us() - 1_000;
    let (entities, cells) = (vec![bench.entity.clone()], vec![(0, 0), (0, 1), (0, 2)]);
    let ops = vec![put(0, None), put(1, Some("new")), put(2, None)];
    let result = runtime.block_on(store.commit(&Commit { at_us, entities, cells, ops }));
    assert!(matches!(result, Err(StoreError::Refused(_))), "{result:?}");
    server.set_user("host", RIGHTS).expect("the user is changed");
    for cell in [0, 1] {
        assert_eq!(runtime.block_on(bench.value(cell)).as_deref(), Some("old"), "cell {cell}");
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Connects as a worker does.
fn connect(place: &Place) -> Result<Redis, ConnectError> {
    let mut builder = Redis::builder(&place.urls[0]).timeout_ms(LIMIT_MS);
    if let Some(pem) = &place.root_certificate {
        builder = builder.root_certificate(pem.as_bytes());
    }
    runtime().block_on(builder.connect())
}

fn trusting(server: &RedisServer, authority: &Authority) -> Place {
    Place { root_certificate: Some(authority.certificate_pem()), ..place(&server.url()) }
}

#[test]
fn a_wrong_certificate_is_one_error_that_says_what_is_wrong_with_it() {
    let (authority, other) = (Authority::new().expect("made"), Authority::new().expect("made"));
    let cases: [(ServerFiles, &str); 3] = [
        (other.server_files().expect("issued"), "invalid peer certificate"),
        (authority.files_of_another().expect("issued"), "elsewhere.example"),
        (authority.expired_files().expect("issued"), "xpired"),
    ];
    for (files, wrong) in cases {
        let server = RedisServer::start_tls_with(&files).expect("the server starts");
        let error = connect(&trusting(&server, &authority)).expect_err("nobody vouches for the server");
        let ConnectError::Store(StoreError::Away(text)) = &error else { panic!("{error:?}") };
        assert!(text.contains("certificate") && text.contains(wrong), "{wrong}: {text}");
    }
}

#[test]
fn a_certificate_that_turns_wrong_is_not_trusted_until_it_is_right_again() {
    let (authority, other) = (Authority::new().expect("made"), Authority::new().expect("made"));
    let files = authority.server_files().expect("issued");
    let right = std::fs::read(&files.certificate).expect("it is there");
    let key = std::fs::read(&files.key).expect("it is there");
    let wrong = other.server_files().expect("issued");
    let mut server = RedisServer::start_tls_with(&files).expect("the server starts");
    let mut fleet = Fleet::start(&trusting(&server, &authority));

    std::fs::copy(&wrong.certificate, &files.certificate).expect("it is replaced");
    std::fs::copy(&wrong.key, &files.key).expect("it is replaced");
    server.restart().expect("it starts again");
    fleet.failed("certificate");

    std::fs::write(&files.certificate, right).expect("it is replaced");
    std::fs::write(&files.key, key).expect("it is replaced");
    let back_us = now_us();
    server.restart().expect("it starts again");
    fleet.served();
    fleet.end().kept_promises_in(&[Line::until(back_us), Line::from(back_us)]);
}
