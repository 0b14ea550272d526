//! The Redis store over TLS.

use tidegate::store::StoreError;
use tidegate::store::redis::{ConnectError, Redis};
use tidegate_test_support::redis_server::RedisServer;
use tidegate_test_support::store_suite::{Bench, put};
use tidegate_test_support::tls::Authority;

#[tokio::test]
async fn a_private_authority_is_trusted_when_told() {
    let authority = Authority::new().expect("an authority is made");
    let server = RedisServer::start_tls(&authority).expect("redis-server starts");
    let builder = Redis::builder(&server.url()).limit_ms(10_000).root_certificate(authority.certificate_pem());
    let store = builder.connect().await.expect("the store connects");
    let bench = Bench::new(&store);
    bench.apply(vec![put(0, Some("a"))]).await;
    assert_eq!(bench.value(0).await.as_deref(), Some("a"));
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
