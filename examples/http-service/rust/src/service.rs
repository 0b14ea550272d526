//! The service: a limit for each tenant, and a circuit round the upstream.

use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode, header};
use serde_json::{Value, json};
use tidegate::{
    CallError, CircuitBreaker, CircuitBreakerConfig, Error, RateLimiter, RateLimiterConfig, Tidegate, http_failure,
};

use crate::settings::Settings;

pub(crate) struct Service {
    gate: Tidegate,
    limiter: RateLimiter,
    circuit: CircuitBreaker,
    upstream: reqwest::Client,
    settings: Settings,
}

/// What a request is answered.
pub(crate) struct Answer {
    status: StatusCode,
    body: Value,
    retry_after: Option<Duration>,
}

impl Service {
    pub(crate) fn new(gate: &Tidegate, settings: Settings) -> Result<Self, Error> {
        let limits = RateLimiterConfig::new("requests", settings.limit);
        let limiter = gate.rate_limiter(limits.when_away(settings.when_away))?;
        let circuit = CircuitBreakerConfig::consecutive("upstream", 5).open_for(settings.open);
        let circuit = gate.circuit_breaker(circuit)?;
        Ok(Self { gate: gate.clone(), limiter, circuit, upstream: reqwest::Client::new(), settings })
    }

    /// Answers a request.
    pub(crate) async fn answer(&self, request: &Request<Incoming>) -> Answer {
        let tenant = request.headers().get("x-tenant").and_then(|tenant| tenant.to_str().ok());
        match (request.uri().path(), tenant) {
            ("/health", _) => self.health().await,
            ("/work", Some(tenant)) if !tenant.is_empty() => self.work(tenant).await,
            ("/work", _) => error(StatusCode::BAD_REQUEST, "x-tenant is missing"),
            _ => error(StatusCode::NOT_FOUND, "there is only /work and /health"),
        }
    }

    /// Calls the upstream through the circuit: its status and its text.
    async fn call_upstream(&self) -> Result<(u16, String), CallError<reqwest::Error>> {
        let call = async {
            let reply = self.upstream.get(&self.settings.upstream_url).send().await?;
            Ok((reply.status().as_u16(), reply.text().await?))
        };
        let guard = self.circuit.guard().timeout(self.settings.upstream_timeout);
        guard.failure_if(|(status, _): &(u16, String)| http_failure(*status)).call(call).await
    }

    async fn work(&self, tenant: &str) -> Answer {
        match self.limiter.try_acquire(tenant).await {
            Ok(decision) if decision.is_allowed() => {}
            Ok(decision) => {
                let retry_after = Some(decision.retry_after);
                return Answer { retry_after, ..error(StatusCode::TOO_MANY_REQUESTS, "too many requests") };
            }
            Err(trouble) => {
                let retry_after = Some(Duration::from_secs(1));
                return Answer { retry_after, ..error(StatusCode::SERVICE_UNAVAILABLE, &trouble.to_string()) };
            }
        }
        match self.call_upstream().await {
            Ok((200, text)) => Answer { status: StatusCode::OK, body: json!({ "result": text }), retry_after: None },
            Ok((status, _)) => error(StatusCode::BAD_GATEWAY, &format!("the upstream answered {status}")),
            Err(CallError::Refused { report, .. }) => {
                let retry_after = Some(report.retry_after);
                Answer { retry_after, ..error(StatusCode::SERVICE_UNAVAILABLE, "the upstream is down") }
            }
            Err(CallError::TimedOut { .. }) => error(StatusCode::GATEWAY_TIMEOUT, "the upstream took too long"),
            Err(CallError::Failed(_)) => error(StatusCode::BAD_GATEWAY, "the upstream cannot be reached"),
            Err(CallError::Gate(trouble)) => error(StatusCode::SERVICE_UNAVAILABLE, &trouble.to_string()),
        }
    }

    /// The process works, also while the circuit is open or the store is away.
    async fn health(&self) -> Answer {
        match self.circuit.status().await {
            Ok(report) => {
                let body = json!({ "store": self.gate.store_state(), "upstream": report.state });
                Answer { status: StatusCode::OK, body, retry_after: None }
            }
            Err(trouble) => error(StatusCode::SERVICE_UNAVAILABLE, &trouble.to_string()),
        }
    }
}

fn error(status: StatusCode, what: &str) -> Answer {
    Answer { status, body: json!({ "error": what }), retry_after: None }
}

impl Answer {
    pub(crate) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::builder().status(self.status).header(header::CONTENT_TYPE, "application/json");
        if let Some(retry_after) = self.retry_after {
            // Whole seconds, rounded up: whoever comes back then is not told to wait once more.
            response = response.header(header::RETRY_AFTER, retry_after.as_millis().div_ceil(1_000).max(1).to_string());
        }
        response.body(Full::from(self.body.to_string())).expect("all fields of the answer are valid")
    }
}
