//! The Redis store over TLS.

use redis::TlsCertificates;
use tidegate::store::StoreError;
use tidegate::store::redis::{ConnectError, Redis};
use tidegate_test_support::redis_server::RedisServer;
use tidegate_test_support::sentinels::Watched;
use tidegate_test_support::store_suite::{Bench, put};
use tidegate_test_support::tls::Authority;

#[tokio::test]
async fn a_private_authority_is_trusted_when_told() {
    let authority = Authority::new().expect("an authority is made");
    let server = RedisServer::start_tls(&authority).expect("redis-server starts");
    let builder = Redis::builder(&server.url()).timeout_ms(10_000).root_certificate(authority.certificate_pem());
    let store = builder.connect().await.expect("the store connects");
    let bench = Bench::new(&store);
    bench.apply(vec![put(0, Some("a"))]).await;
    assert_eq!(bench.value(0).await.as_deref(), Some("a"));
}

#[tokio::test]
async fn a_connection_has_a_name_here_too() {
    let authority = Authority::new().expect("an authority is made");
    let server = RedisServer::start_tls(&authority).expect("redis-server starts");
    let builder = Redis::builder(&server.url()).root_certificate(authority.certificate_pem());
    let _store = builder.timeout_ms(10_000).client_name("over-tls").connect().await.expect("the store connects");
    let trusting = TlsCertificates { client_tls: None, root_cert: Some(authority.certificate_pem().into_bytes()) };
    let client = redis::Client::build_with_tls(server.url(), trusting).expect("it is a URL");
    let mut connection = client.get_connection().expect("it takes connections");
    let list: String = redis::cmd("CLIENT").arg("LIST").query(&mut connection).expect("it answers");
    assert!(list.contains(" name=over-tls "), "{list}");
}

#[tokio::test]
async fn sentinels_and_the_master_that_they_name_are_trusted_when_told() {
    let authority = Authority::new().expect("an authority is made");
    let watched = Watched::start_tls(&authority).expect("they start");
    let builder = Redis::builder(&watched.url()).timeout_ms(10_000);
    let store = builder.clone().root_certificate(authority.certificate_pem()).connect().await.expect("it connects");
    let bench = Bench::new(&store);
    bench.apply(vec![put(0, Some("a"))]).await;
    assert_eq!(bench.value(0).await.as_deref(), Some("a"));
    let error = builder.connect().await.expect_err("nobody vouches for the Sentinel");
    assert!(error.to_string().contains("certificate"), "{error}");
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_is_refused() {
    let (authority, other) = (Authority::new().expect("made"), Authority::new().expect("made"));
    let server = RedisServer::start_tls(&authority).expect("redis-server starts");
    for builder in
        [Redis::builder(&server.url()), Redis::builder(&server.url()).root_certificate(other.certificate_pem())]
    {
        let error = builder.connect().await.expect_err("nobody vouches for the server");
        assert!(
            matches!(&error, ConnectError::Store(StoreError::Away(text)) if text.contains("certificate")),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_certificate_that_is_none_is_a_wrong_setting() {
    let builder = Redis::builder("rediss://localhost").client_certificate("no", "key");
    let error = builder.connect().await.expect_err("that is no certificate");
    assert!(matches!(error, ConnectError::Settings { .. }), "{error:?}");
}
