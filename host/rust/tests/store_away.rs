//! When the store is away: how that is found out, what is answered meanwhile, and what is made good
//! afterwards.

#[path = "store_away/breaker.rs"]
mod breaker;
#[path = "store_away/limit.rs"]
mod limit;
#[path = "store_away/limiter.rs"]
mod limiter;
#[path = "store_away/nodes.rs"]
mod nodes;
#[path = "store_away/rounds.rs"]
mod rounds;
#[path = "store_away/scene.rs"]
mod scene;
#[path = "store_away/watch.rs"]
mod watch;
