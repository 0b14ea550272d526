//! The public names of all languages, which `docs/names.md` lists: no name is without a row, and no
//! row without a name.

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
}

/// The handles whose methods have rows of their own.
const HANDLES: [&str; 5] = ["Tidegate", "RateLimiter", "CircuitBreaker", "RateLimiterNode", "CircuitBreakerNode"];
