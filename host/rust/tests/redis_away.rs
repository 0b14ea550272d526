//! Every way in which Redis fails: what its callers see, and that all is well again afterwards
//! without their help.

#[path = "redis_away/answers.rs"]
mod answers;
#[path = "redis_away/hiccups.rs"]
mod hiccups;
#[path = "redis_away/mimic.rs"]
mod mimic;
#[path = "redis_away/scene.rs"]
mod scene;
#[path = "redis_away/servers.rs"]
mod servers;
