//! The same without async, on the memory store.
//!
//! ```
//! use tidegate::blocking::Tidegate;
//! use tidegate::{CircuitBreakerConfig, Limit, RateLimiterConfig};
//!
//! let gate = Tidegate::builder().build()?;
//! let limiter = gate.rate_limiter(RateLimiterConfig::new("api", Limit::per_second(2)))?;
//! assert!(limiter.try_acquire("me")?.is_allowed());
//!
//! let breaker = gate.circuit_breaker(CircuitBreakerConfig::consecutive("payments", 5))?;
//! let length = breaker.call(|| std::fs::read_to_string("/dev/null")).expect("it can be read").len();
//! assert_eq!(length, 0);
//! # Ok::<(), tidegate::Error>(())
//! ```

pub(crate) mod gate;

pub use self::gate::{Builder, Tidegate};
pub use crate::strategies::circuit_breaker::blocking::CircuitBreaker;
pub use crate::strategies::rate_limiter::blocking::RateLimiter;
