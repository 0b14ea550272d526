//! The strategies, a folder each. A new one is a folder here and a line in [`strategies`].
//!
//! A strategy has by these names what it needs of them: its settings (`config`), its calls as data
//! and what they mean to the ledger (`request`), the calls of the component (`calls`), what is
//! answered while the store is away (`away`), the handle (`handle`), that without async
//! (`blocking`), and its workflow node, which is a strategy of its own (`node`).

pub(crate) mod circuit_breaker;
pub(crate) mod rate_limiter;

/// All strategies, a line each. Given a macro, it calls that with all of them.
macro_rules! strategies {
    ($make:ident) => {
        $make! {
            RateLimiter(crate::strategies::rate_limiter::Limiters),
            RateLimiterNode(crate::strategies::rate_limiter::node::LimiterNodes),
            CircuitBreaker(crate::strategies::circuit_breaker::Breakers),
            CircuitBreakerNode(crate::strategies::circuit_breaker::node::BreakerNodes),
        }
    };
}

pub(crate) use strategies;
