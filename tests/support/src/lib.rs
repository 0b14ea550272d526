//! What Tidegate's tests stand on: Redis servers of their own, one suite for all stores, and a
//! component of another shape.

pub mod component;
mod process;
pub mod redis_server;
pub mod sentinels;
pub mod store_suite;
pub mod tls;
