//! What the values of a limiter depend on, in words, and for how long they count.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::geometry::{counts_for_us, window_us};
use super::group_rules::parts_in_words;
use super::limiter::RateLimiter;
use super::types::{Algorithm, Limit};

impl RateLimiter {
    /// What its values depend on beside the numbers of its limits: `sliding-window of 60000 ms,
    /// bucket of 1000 ms`. A limiter of the same name with other words here finds nothing of what
    /// this one has counted.
    pub fn basis(&self) -> String {
        let limits: Vec<String> = self.config.limits.iter().map(words).collect();
        let lease = self.config.lease.map_or_else(String::new, |lease| format!("; leased for {} ms", lease.life_ms));
        limits.join(", ") + &lease
    }

    /// The longest that a permit of it can count, in microseconds: of all its limits the longest.
    pub fn counts_for_us(&self) -> u64 {
        counts_for_us(&self.config)
    }
}

fn words(limit: &Limit) -> String {
    let window_ms = window_us(limit.window).unwrap_or(0) / 1_000;
    let (algorithm, parts) = match limit.algorithm {
        Algorithm::SlidingWindow { sub_windows } => ("sliding-window", parts_in_words(sub_windows)),
        Algorithm::Gcra { .. } | Algorithm::TokenBucket { .. } => ("bucket", String::new()),
        Algorithm::FixedWindow => ("fixed-window", String::new()),
        Algorithm::SlidingWindowCounter => ("sliding-window-counter", String::new()),
        Algorithm::SlidingLog => ("sliding-log", String::new()),
    };
    format!("{algorithm} of {window_ms} ms{parts}")
}
