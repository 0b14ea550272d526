//! The rate limiter.

mod away;
pub(crate) mod blocking;
mod calls;
mod config;
mod decision;
mod handle;
pub(crate) mod limit_text;
pub(crate) mod node;
mod request;
mod stand;

#[cfg(all(test, feature = "compile"))]
pub(crate) use self::calls::Config;
pub use self::config::{Algorithm, Lease, Limit, OnLimit, RateLimiterConfig, WindowUnit};
pub use self::decision::{Ask, Decision, Reason, Ticket, Verdict};
pub use self::handle::{Admission, RateLimiter};
pub(crate) use self::request::Limiters;
