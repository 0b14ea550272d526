//! What is chosen for when the store is away, and what is told of it.

use serde::{Deserialize, Serialize};

use super::news::Listeners;
use crate::circuit_breaker::{Backoff, CircuitBreakerConfig, HalfOpen};
use crate::error::{Error, Problem};

/// What to answer while the store is away. Every answer but an error says that it is `degraded`.
///
/// As JSON: `"error"`, `"open"`, `"closed"`, or `{"share": 4}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Spelt", into = "Spelt")]
pub enum WhenAway {
    /// [`Error::Store`](crate::Error::Store): the caller decides.
    #[default]
    Error,
    /// Admit. What a limiter lets go is charged when the store is back; the outcome of a call that a circuit lets go counts nowhere.
    Open,
    /// Refuse, with the time until the store is tried again.
    Closed,
    /// Decide on this host's own state. Limiters divide every limit and burst by the number of hosts, so that all hosts together admit
    /// no more than the limit; what they let go is charged when the store is back. Circuits work by their rules, each host for itself.
    Share {
        /// How many hosts there are at most; 1 to 1,000,000.
        hosts: u32,
    },
}

/// Where a number of hosts is in a configuration.
const HOSTS_PATH: &str = "when-away.share";
/// The most hosts that share.
const MOST_HOSTS: u32 = 1_000_000;

impl WhenAway {
    /// Checks the number of hosts, for policies that do nothing with it.
    ///
    /// # Errors
    /// [`Error::Config`] for the configuration of this name.
    pub(crate) fn check(self, name: &str) -> Result<(), Error> {
        let Self::Share { hosts } = self else { return Ok(()) };
        if (1..=MOST_HOSTS).contains(&hosts) {
            return Ok(());
        }
        let (path, allowed) = (HOSTS_PATH.to_owned(), format!("1 to {MOST_HOSTS}"));
        let problems = vec![Problem { path, value: hosts.to_string(), allowed }];
        Err(Error::Config { name: name.to_owned(), problems })
    }

    /// The error of a limiter whose share cannot be opened, with the path of the host's settings.
    pub(crate) fn named(error: Error) -> Error {
        let Error::Config { name, mut problems } = error else { return error };
        for problem in problems.iter_mut().filter(|problem| problem.path == "hosts") {
            HOSTS_PATH.clone_into(&mut problem.path);
        }
        Error::Config { name, problems }
    }
}

/// [`WhenAway`] as JSON has it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Spelt {
    Error,
    Open,
    Closed,
    Share(u32),
}

impl From<Spelt> for WhenAway {
    fn from(spelt: Spelt) -> Self {
        match spelt {
            Spelt::Error => Self::Error,
            Spelt::Open => Self::Open,
            Spelt::Closed => Self::Closed,
            Spelt::Share(hosts) => Self::Share { hosts },
        }
    }
}

impl From<WhenAway> for Spelt {
    fn from(when_away: WhenAway) -> Self {
        match when_away {
            WhenAway::Error => Self::Error,
            WhenAway::Open => Self::Open,
            WhenAway::Closed => Self::Closed,
            WhenAway::Share { hosts } => Self::Share(hosts),
        }
    }
}

/// When the guard round a shared store turns calls away, so that none of them waits for a store that does not answer.
///
/// It is a circuit breaker of the same component on memory of its own; in a cluster there is one for each group of slots, since a
/// node that is dead must not take the others down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreGuard {
    /// After so many failures of the store with no success between them; 1 to 1,000,000; by default 3.
    pub failures: u32,
    /// For how long at first, in milliseconds, until the store is tried again; 1 to 30 days; by default 500.
    pub open_ms: u64,
    /// Each time that fails the time is doubled, up to so many milliseconds; at least `open_ms`, at most 30 days; by default 5,000.
    pub cap_ms: u64,
}

impl Default for StoreGuard {
    fn default() -> Self {
        Self { failures: 3, open_ms: 500, cap_ms: 5_000 }
    }
}

impl StoreGuard {
    /// The circuit's settings. A probe that has no outcome after `permit_ms` is given up.
    pub(super) fn circuit(self, permit_ms: u64) -> CircuitBreakerConfig {
        let mut config = CircuitBreakerConfig::consecutive("store guard", self.failures);
        config.open_ms = self.open_ms;
        config.backoff = Some(Backoff { factor: 2.0, cap_ms: self.cap_ms });
        config.half_open = HalfOpen { probes: 1, successes: 1, permit_ms, ..HalfOpen::default() };
        config
    }
}

/// Whether a shared store answers, as far as its guard knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreState {
    /// It does: the guard lets calls through.
    Available,
    /// It may again: one call is on its way to find out, and all others are turned away.
    Probing,
    /// It does not: calls are turned away until the next probe.
    Away,
}

/// A store went away, is tried again, or came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreChange {
    /// Which part of the store: see [`Store::group`](crate::store::Store::group). 0 where it has no parts.
    pub group: u32,
    /// The state before.
    pub before: StoreState,
    /// The state after.
    pub after: StoreState,
    /// Why, in words.
    pub cause: String,
}

/// Settings of all that is done while the store is away.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// `None`: no guard.
    pub(crate) guard: Option<StoreGuard>,
    pub(crate) listeners: Listeners,
}

impl Default for Options {
    fn default() -> Self {
        Self { guard: Some(StoreGuard::default()), listeners: Listeners::default() }
    }
}
