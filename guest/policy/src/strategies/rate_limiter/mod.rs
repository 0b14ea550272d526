//! Rate limiter: at most N permits in a time, of which each algorithm's promise is the
//! formula in `wit/rate-limiter.wit`.
//!
//! Each algorithm is a module with two faces. The hot one decides with a single `advance`, so hosts
//! that share a key never conflict. The other loads its state as a *model*, on which places in the
//! future can be found and taken; `delay`, `queue` and several limits at once need that.
//!
//! Times are microseconds since 1970. Every rounding under-admits.

mod away;
mod basis;
mod bucket;
mod call;
mod charge;
mod config;
mod decision;
mod delayed;
mod geometry;
mod group;
mod group_model;
mod group_rules;
mod group_state;
mod group_text;
mod groups;
mod lease;
mod leased;
mod limiter;
mod limits;
mod line;
mod log;
mod meter;
mod model;
pub(crate) mod node;
mod peek;
mod queued;
mod rate;
mod refund;
mod returned;
mod role;
mod stand;
mod types;
mod whole;
mod window;
mod window_model;
mod window_rules;
mod window_state;

pub(crate) use config::{MAX_WAIT_MS, MAX_WAITERS};
pub(crate) use geometry::MAX_WINDOW_MS;
pub use limiter::RateLimiter;
pub use stand::{Move, Stand};
pub use types::{
    Algorithm, Ask, Config, CostNeverFits, Decision, LeaseConfig, Limit, OnLimit, Reason, Verdict, Window, WindowUnit,
};
