//! Circuit breakers.

pub(crate) mod kept;
pub mod load;
pub mod protocol;
pub(crate) mod work;

pub use self::protocol::{Answer, Command};
