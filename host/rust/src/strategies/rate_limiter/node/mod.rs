//! The rate limiter behind the JSON of workflow editors.

mod calls;
mod execute;
mod handle;
mod request;
mod result;

pub use self::handle::{NodeStep, Passage, RateLimiterNode, Subject};
pub(crate) use self::request::LimiterNodes;
pub use self::result::RateLimiterResult;
