//! What a rate limiter node answers.

use std::time::Duration;

use serde::Deserialize;

use crate::error::Error;

/// The result of a rate limiter node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimiterResult {
    /// Whether the call may go on.
    pub passed: bool,
    /// Whether it waited in the queue.
    pub queued: bool,
    /// How long it waited, by the store's clock, in whole milliseconds.
    pub wait_time: Duration,
    /// Its first position in the queue, counted from 1.
    pub queue_position: Option<u32>,
    /// How many calls count against the limit now.
    pub current_count: u32,
    /// The limit.
    pub limit: u32,
    /// Until no call counts any more, in whole milliseconds.
    pub reset_in: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    passed: bool,
    queued: bool,
    wait_time: u64,
    queue_position: Option<u32>,
    current_count: u32,
    limit: u32,
    reset_in: u64,
}

impl RateLimiterResult {
    /// Reads what the component wrote.
    pub(super) fn read(json: &str) -> Result<Self, Error> {
        let written: Written = crate::json::parse(json)?;
        Ok(Self {
            passed: written.passed,
            queued: written.queued,
            wait_time: Duration::from_millis(written.wait_time),
            queue_position: written.queue_position,
            current_count: written.current_count,
            limit: written.limit,
            reset_in: Duration::from_millis(written.reset_in),
        })
    }
}
