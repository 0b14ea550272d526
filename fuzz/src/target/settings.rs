//! Settings as JSON, on their whole way: read by a host, handed over, checked by a policy.
//!
//! The input is the text.

use std::fmt::Debug;

use serde::Serialize;
use tidegate_host_inputs::Error;
use tidegate_host_inputs::strategies::circuit_breaker::{self, CircuitBreakerConfig};
use tidegate_host_inputs::strategies::rate_limiter::{self, RateLimiterConfig};
use tidegate_policy::circuit_breaker::CircuitBreaker;
use tidegate_policy::problem::Problem;
use tidegate_policy::rate_limiter::RateLimiter;

use super::assert_problems;
use crate::stage::Stage;

/// Runs an input.
///
/// # Panics
/// Where settings are not read as they were written, or a refusal does not say what is wrong.
pub fn settings(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Some(config) = read(&text, RateLimiterConfig::from_json) {
        let opened = RateLimiter::open(&rate_limiter::opened_with(&config));
        if let Some(limiter) = sound(opened) {
            limiter.try_acquire(&mut Stage::new(), 0, 1).expect("one permit fits into any limit");
        }
    }
    if let Some(config) = read(&text, CircuitBreakerConfig::from_json) {
        let opened = CircuitBreaker::open(&circuit_breaker::opened_with(&config));
        if let Some(breaker) = sound(opened) {
            breaker.admit(&mut Stage::new(), 0);
        }
    }
}

/// Settings that are read are the same when they are written and read again.
fn read<C: Serialize + PartialEq + Debug>(text: &str, from_json: impl Fn(&str) -> Result<C, Error>) -> Option<C> {
    match from_json(text) {
        Err(Error::Config { problems, .. }) => {
            assert!(!problems.is_empty() && problems.iter().all(|problem| !problem.allowed.is_empty()), "{problems:?}");
            None
        }
        Err(Error::Json { path, reason }) => {
            // A field may have no name, and then its path has none.
            assert!(reason.contains("line"), "{path:?} {reason:?}");
            None
        }
        Ok(config) => {
            let written = serde_json::to_string(&config).expect("settings can be written");
            let again = from_json(&written).unwrap_or_else(|error| panic!("{written}: {error:?}"));
            assert_eq!(config, again, "{written}");
            Some(config)
        }
    }
}

fn sound<P>(opened: Result<P, Vec<Problem>>) -> Option<P> {
    opened.inspect_err(|problems| assert_problems(problems)).ok()
}
