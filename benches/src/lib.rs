//! What the benchmarks share: works are measured in turns beside their floors and peers, and
//! printed as ratios to these. Run by `cargo xtask bench`.

pub mod callers;
pub mod group;
pub mod plain_redis;
pub mod settings;
pub mod table;
