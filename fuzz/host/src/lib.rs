//! What of the Rust host reads what comes from outside, without wasmtime: keys, commits, replies,
//! settings.
//!
//! The sources are the host's, where they lie. The host itself links wasmtime, which would be
//! compiled anew with the fuzzer's flags.

#![allow(dead_code, unused_imports, unreachable_pub, reason = "a host uses more of it")]
#![allow(clippy::all, clippy::pedantic, reason = "it is checked where it is from")]

#[path = "../../../host/rust/src/json.rs"]
mod json;
#[path = "../../../host/rust/src/key.rs"]
pub mod key;
#[path = "../../../host/rust/src/problem.rs"]
mod problem;
#[path = "../../../host/rust/src/settings/mod.rs"]
mod settings;
#[path = "../../../host/rust/src/time.rs"]
mod time;

#[path = "../../../host/rust/src/away"]
mod away {
    mod when_away;

    pub use self::when_away::WhenAway;
}

#[path = "../../../host/rust/src/store"]
pub mod store {
    //! Commits, and how the Redis store reads what comes back.

    mod commit;
    pub mod redis {
        //! Replies of the commit script.

        mod reply;

        use redis::Value;

        use super::{Commit, Reply};

        /// Reads the script's answer to a commit.
        ///
        /// # Errors
        /// What is wrong with it.
        pub fn read_reply(value: Value, commit: &Commit) -> Result<Reply, String> {
            reply::reply(value, commit)
        }

        /// Reads the script's answer to several commits.
        ///
        /// # Errors
        /// What is wrong with it.
        pub fn read_replies(value: Value, commits: &[Commit]) -> Result<Vec<Reply>, String> {
            reply::parts(value, commits.len())?.zip(commits).map(|(part, commit)| part.reply(commit)).collect()
        }
    }

    pub use self::commit::{Commit, Op, Outcome, Reply, Seen, Value};
}

#[path = "../../../host/rust/src/strategies"]
pub mod strategies {
    //! The settings of the strategies, and what their policies are opened with.

    pub mod circuit_breaker {
        //! The circuit breaker.

        mod config;
        mod pattern;
        mod report;

        pub use self::config::{Backoff, CircuitBreakerConfig, HalfOpen};

        /// Settings as the policy has them, handed over as the contract says.
        pub fn opened_with(config: &CircuitBreakerConfig) -> tidegate_policy::circuit_breaker::Config {
            config.to_wit().into()
        }
    }

    pub mod rate_limiter {
        //! The rate limiter.

        mod config;
        pub(crate) mod limit_text;

        pub use self::config::RateLimiterConfig;

        /// Settings as the policy has them, handed over as the contract says.
        pub fn opened_with(config: &RateLimiterConfig) -> tidegate_policy::rate_limiter::Config {
            config.to_wit().into()
        }
    }
}

/// An entity as a handle makes it, which spells the beginning of its keys once.
pub fn entity(kind: &str, name: &str, key: &str) -> key::EntityKey {
    key::Namespace::new(kind, name).entity(key)
}

/// The host's error holds decisions and reports besides: this is what of it settings need.
pub use problem::SettingsError as Error;

mod error {
    pub(crate) use crate::problem::{Problem, SettingsError as Error};
}

mod runtime {
    //! The types of the contract, which the component has by the names that a host has for them.

    pub(crate) use tidegate_component::bindings::exports::tidegate::policy as wit;
}
