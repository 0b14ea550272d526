//! How the Redis store comes to a server: with few rights, under a name of its own, and by
//! Sentinels.

#[path = "redis_connecting/names.rs"]
mod names;
#[path = "redis_connecting/rights.rs"]
mod rights;
#[path = "redis_connecting/sentinels.rs"]
mod sentinels;
