//! Rate limiters. What workers were admitted to is held against the [`promise`] of the limiter.

pub mod journal;
pub(crate) mod kept;
pub mod load;
pub mod promise;
pub mod protocol;
pub(crate) mod work;

pub use self::protocol::{Answer, Command};
