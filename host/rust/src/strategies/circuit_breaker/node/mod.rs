//! The circuit breaker behind the JSON of workflow editors.

mod away;
mod calls;
mod execute;
mod handle;
mod request;
mod result;

pub use self::handle::{CircuitBreakerNode, CircuitPassage, FallbackAction, Guarded};
pub(crate) use self::request::BreakerNodes;
pub use self::result::CircuitResult;
