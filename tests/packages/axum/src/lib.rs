//! A service on axum whose callers are limited and whose upstream is behind a circuit.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::routing::get;
use tidegate::{CallError, CircuitBreaker, CircuitBreakerConfig, Error, Limit, RateLimiter, RateLimiterConfig, Tidegate};

/// What all requests share.
struct Guards {
    limiter: RateLimiter,
    payments: CircuitBreaker,
}

/// A reply without success.
type Refusal = (StatusCode, HeaderMap);

/// `/hello/{user}` says hello three times a minute, and `/pay/{amount}` asks an upstream that has
/// money for small amounts alone.
///
/// # Errors
/// Those of opening the guards.
pub fn service() -> Result<Router, Error> {
    let gate = Tidegate::builder().build()?;
    let guards = Guards {
        limiter: gate.rate_limiter(RateLimiterConfig::new("hello", Limit::per_minute(3)))?,
        payments: gate.circuit_breaker(CircuitBreakerConfig::consecutive("payments", 2))?,
    };
    let routes = Router::new().route("/hello/{user}", get(hello)).route("/pay/{amount}", get(pay));
    Ok(routes.with_state(Arc::new(guards)))
}

async fn hello(State(guards): State<Arc<Guards>>, Path(user): Path<String>) -> Result<String, Refusal> {
    match guards.limiter.acquire(user.as_str()).await {
        Ok(_) => Ok(format!("hello, {user}")),
        Err(error) => Err(refusal(StatusCode::TOO_MANY_REQUESTS, error.retry_after())),
    }
}

async fn pay(State(guards): State<Arc<Guards>>, Path(amount): Path<u32>) -> Result<String, Refusal> {
    match guards.payments.call(upstream(amount)).await {
        Ok(paid) => Ok(format!("paid {paid}")),
        Err(CallError::Failed(_)) => Err((StatusCode::BAD_GATEWAY, HeaderMap::new())),
        Err(error) => Err(refusal(StatusCode::SERVICE_UNAVAILABLE, error.retry_after())),
    }
}

async fn upstream(amount: u32) -> Result<u32, std::io::Error> {
    if amount < 100 { Ok(amount) } else { Err(std::io::Error::other("no money")) }
}

/// With the time to come back, in whole seconds, rounded up.
fn refusal(status: StatusCode, retry_after: Option<Duration>) -> Refusal {
    let seconds = retry_after.map(|time| HeaderValue::from(time.as_millis().div_ceil(1_000) as u64));
    (status, seconds.map(|seconds| (RETRY_AFTER, seconds)).into_iter().collect())
}
