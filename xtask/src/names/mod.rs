//! The public names of all languages, which `docs/names.md` lists: no name is without a row, and no
//! row without a name. A package's page tells of what its user calls, sets and reads.

mod package_pages;
mod python;
mod rust;
mod table;
mod typescript;
mod wit;

use std::collections::BTreeSet;

/// The public names of one language.
#[derive(Debug, Default)]
struct Names {
    /// Every one of these has a row.
    all: BTreeSet<String>,
    /// Parts of types. Such a name is in a row only where it stands for a name of another language.
    parts: BTreeSet<String>,
    /// Settings, and fields of answers: see [`TOLD`].
    told: BTreeSet<String>,
}

/// The handles whose methods have rows of their own.
const HANDLES: [&str; 5] = ["Tidegate", "RateLimiter", "CircuitBreaker", "RateLimiterNode", "CircuitBreakerNode"];

/// The types whose fields or setters a user sets or reads, whatever language has one of that name.
const TOLD: [&str; 38] = [
    "Admission",
    "Ask",
    "AskOptions",
    "Builder",
    "CallOptions",
    "CircuitBreakerConfig",
    "CircuitBreakerNodeConfig",
    "CircuitBreakerResult",
    "CircuitPermit",
    "CircuitReport",
    "CircuitResult",
    "Counting",
    "Decision",
    "ErrorPattern",
    "Failure",
    "Forgotten",
    "Guard",
    "GuardOptions",
    "HalfOpen",
    "Lease",
    "LedgerOptions",
    "LedgerStats",
    "Limit",
    "Memory",
    "MemoryBuilder",
    "MemoryOptions",
    "Permit",
    "RateLimiterConfig",
    "RateLimiterNodeConfig",
    "RateLimiterResult",
    "Redis",
    "RedisBuilder",
    "RedisStoreOptions",
    "RuntimeStats",
    "Stats",
    "StoreWatch",
    "StoreWatchOptions",
    "Trip",
];
