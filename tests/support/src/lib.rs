//! What Tidegate's tests stand on: Redis servers of their own, and one suite for all stores.

pub mod redis_server;
pub mod store_suite;
pub mod tls;
