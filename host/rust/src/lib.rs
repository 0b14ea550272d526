//! Tidegate.

pub mod key;
pub mod store;
