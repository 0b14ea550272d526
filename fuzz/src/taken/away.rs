//! What is answered while the store is away.

#[path = "../../../host/rust/src/away/when_away.rs"]
mod when_away;

pub use when_away::WhenAway;
