//! When the store is away: how that is noticed, what is answered meanwhile, and what is made good
//! afterwards.
//!
//! - A [`watch`] round the store, the component's own circuit breaker, turns calls away at once
//!   while the store fails, so that nobody waits for it again and again. A background [`probe`]
//!   finds out when it is back.
//! - What a policy's settings say to answer meanwhile is beside the policy, in
//!   `rate_limiter/away.rs` and `circuit_breaker/away.rs`. Such answers are `degraded`.
//! - What was let go without the store is a [`debt`], charged as soon as the store is back, by
//!   `ledger/amends.rs`.
//!
//! Slack: while the store is away, `open` promises nothing and `share` at most the limit, over all
//! hosts. A window across the begin of an outage can hold what the store had admitted plus the
//! shares, and one across its end, until each host has posted its debt, what the store admits anew
//! plus the shares.

mod changes;
mod debt;
mod onward;
mod patience;
mod probe;
mod ready;
mod settings;
mod state;
mod steady;
mod turn;
mod watch;
mod watches;
mod when_away;
mod writing;

pub(crate) use self::debt::{Debt, Debts};
pub(crate) use self::onward::Onward;
pub(crate) use self::patience::Patience;
#[cfg(feature = "redis")]
pub(crate) use self::patience::listen;
pub(crate) use self::settings::Options;
pub use self::settings::StoreWatch;
pub use self::state::{StoreChange, StoreState};
pub(crate) use self::watches::{Passage, Watches};
pub use self::when_away::WhenAway;
