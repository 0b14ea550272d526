//! What Tidegate's tests stand on: Redis servers of their own, and one suite for all stores.

mod process;
pub mod redis_server;
pub mod sentinels;
pub mod store_suite;
pub mod tls;
