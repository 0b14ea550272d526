//! The service by real HTTP, and how it starts.

use std::time::Instant;

use axum_service::service;
use reqwest::StatusCode;

async fn serve() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let router = service().expect("the guards open");
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn a_caller_over_the_limit_is_told_when_to_come_back_and_others_are_served() {
    let url = serve().await;
    for _ in 0..3 {
        let reply = reqwest::get(format!("{url}/hello/ann")).await.expect("it answers");
        assert_eq!((reply.status(), reply.text().await.expect("it is text")), (StatusCode::OK, "hello, ann".to_owned()));
    }
    let reply = reqwest::get(format!("{url}/hello/ann")).await.expect("it answers");
    assert_eq!(reply.status(), StatusCode::TOO_MANY_REQUESTS);
    let seconds: u64 = reply.headers()["retry-after"].to_str().expect("it is text").parse().expect("it is a number");
    assert!((1..=60).contains(&seconds), "{seconds}");
    let other = reqwest::get(format!("{url}/hello/bob")).await.expect("it answers");
    assert_eq!(other.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_upstream_that_fails_is_left_alone() {
    let url = serve().await;
    let mut statuses = Vec::new();
    for amount in [5, 500, 500, 5] {
        statuses.push(reqwest::get(format!("{url}/pay/{amount}")).await.expect("it answers").status());
    }
    let (bad, refused) = (StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(statuses, [StatusCode::OK, bad, bad, refused]);
}

#[test]
fn opening_the_guards_compiles_nothing() {
    let started = Instant::now();
    let _service = service().expect("the guards open");
    // Told, not asserted: by a compiler that is not optimized itself it would be seconds.
    println!("the guards of the service opened in {:.1} ms, in a build without optimization", started.elapsed().as_secs_f64() * 1e3);
}
