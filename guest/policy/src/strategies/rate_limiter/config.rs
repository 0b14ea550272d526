//! Checks a configuration, whole, and turns each limit into the meter that counts it.

use alloc::format;
use alloc::vec::Vec;

use crate::parts::geometry::field;
use crate::problem::{Problem, Problems};

use super::geometry::{counted_us, geometry, is_bucket, life_us, window_us};
use super::group_rules::{Grouped, cells_of};
use super::lease::{self, Lease};
use super::log::{self, Log};
use super::meter::Meter;
use super::rate::{Rate, Rated};
use super::types::{Algorithm, Config, LeaseConfig, Limit, OnLimit, WindowUnit};
use super::window_rules::Windowed;

const MAX_LIMITS: usize = 8;
const MAX_SUB_WINDOWS: u32 = 100;
pub(crate) const MAX_WAIT_MS: u64 = 86_400_000;
pub(crate) const MAX_WAITERS: u32 = 10_000;
/// Bounds the state that places in the future can take.
const MAX_WAIT_WINDOWS: u64 = 1_000;
const MAX_WAIT_SUB_WINDOWS: u64 = 10_000;
/// A burst takes at most ten years to come back, which keeps its time far from what a store can
/// hold.
const MAX_REFILL_US: u64 = 10 * 366 * 86_400_000_000;

/// What a configuration without problems is made of.
pub(crate) struct Checked {
    pub(crate) meters: Vec<Meter>,
    pub(crate) lease: Option<Lease>,
    /// Which limit is 0, so that there is nothing to count.
    pub(crate) barred: Option<u32>,
}

/// Checks a configuration whole.
pub(crate) fn check(config: &Config) -> Result<Checked, Vec<Problem>> {
    let mut problems = Problems::default();
    if config.limits.is_empty() || config.limits.len() > MAX_LIMITS {
        problems.add("limits", &format!("{} limits", config.limits.len()), &format!("1 to {MAX_LIMITS} limits"));
    }
    for (index, limit) in config.limits.iter().enumerate().take(MAX_LIMITS) {
        check_limit(&mut problems, &format!("limits[{index}]"), limit);
    }
    check_distinct(&mut problems, &config.limits);
    check_on_limit(&mut problems, config);
    lease::check(&mut problems, config);
    problems.into_result(())?;
    if let Some((barred, _)) = (0..).zip(&config.limits).find(|(_, limit)| limit.limit == 0) {
        return Ok(Checked { meters: Vec::new(), lease: None, barred: Some(barred) });
    }
    let (max_wait_us, life_us) = (max_wait_us(&config.on_limit), life_us(config));
    let meters: Vec<Meter> = (0..)
        .zip(&config.limits)
        .map(|(index, limit)| meter(limit, &config.limits[..index], config.limits.len() > 1, max_wait_us, life_us))
        .collect();
    let lease = config.lease.and_then(|lease| {
        let geometries = config.limits.iter().filter_map(|limit| geometry(limit, life_us));
        Lease::new(lease, fold_geometries(lease, geometries), &config.limits, &meters)
    });
    Ok(Checked { meters, lease, barred: None })
}

/// What the meaning of a lease's cells depends on.
fn fold_geometries(lease: LeaseConfig, geometries: impl Iterator<Item = u32>) -> u32 {
    let start = format!("lease {} {}", lease.max_permits, lease.life_ms);
    let text = geometries.fold(start, |text, geometry| format!("{text} {geometry}"));
    field(&text)
}

/// The longest wait for a place; 0 where no place is given ahead.
pub(crate) fn max_wait_us(on_limit: &OnLimit) -> u64 {
    match on_limit {
        OnLimit::Delay { max_wait_ms } => max_wait_ms.saturating_mul(1_000),
        OnLimit::Reject | OnLimit::Queue { .. } => 0,
    }
}

fn check_limit(problems: &mut Problems, path: &str, limit: &Limit) {
    let window_us = window_us(limit.window);
    if window_us.is_none() {
        let value = format!("{} {}", limit.window.count, unit_name(limit.window.unit));
        problems.add(&format!("{path}.window"), &value, "1 millisecond to 366 days in all");
    }
    match limit.algorithm {
        Algorithm::SlidingWindow { sub_windows } => {
            let path = format!("{path}.algorithm.sub-windows");
            problems.check_range(&path, sub_windows, 1..=MAX_SUB_WINDOWS);
        }
        Algorithm::Gcra { burst } => check_bucket(problems, path, "gcra", limit.limit, window_us, burst),
        Algorithm::TokenBucket { burst } => check_bucket(problems, path, "token-bucket", limit.limit, window_us, burst),
        Algorithm::SlidingLog if limit.limit > log::MAX_LIMIT => {
            let allowed = format!("at most {} for sliding-log, which keeps every permit", log::MAX_LIMIT);
            problems.add(&format!("{path}.limit"), &limit.limit, &allowed);
        }
        Algorithm::SlidingLog | Algorithm::FixedWindow | Algorithm::SlidingWindowCounter => {}
    }
}

fn check_bucket(
    problems: &mut Problems,
    path: &str,
    name: &str,
    limit: u32,
    window_us: Option<u64>,
    burst: Option<u32>,
) {
    if let Some(window_us) = window_us.filter(|window_us| u64::from(limit) > *window_us) {
        let allowed = format!("at most {window_us} for {name} in this window: 1,000,000 in a second");
        problems.add(&format!("{path}.limit"), &limit, &allowed);
    }
    if let Some(burst) = burst {
        problems.check_range(&format!("{path}.algorithm.burst"), burst, 1..=most_burst(limit, window_us));
    }
}

/// As many permits as come back in the longest time; of an impossible rate nothing can be said.
pub(crate) fn most_burst(limit: u32, window_us: Option<u64>) -> u32 {
    match window_us {
        Some(window_us) if limit > 0 => {
            let longest = u128::from(MAX_REFILL_US) * u128::from(limit) / u128::from(window_us);
            u32::try_from(longest).unwrap_or(u32::MAX)
        }
        _ => u32::MAX,
    }
}

/// Two limits in the same cells would each count the other's permits.
fn check_distinct(problems: &mut Problems, limits: &[Limit]) {
    let limits = &limits[..limits.len().min(MAX_LIMITS)];
    for (index, limit) in limits.iter().enumerate() {
        let Some(geometry) = geometry(limit, 0) else { continue };
        if let Some(first) = limits[..index].iter().position(|other| self::geometry(other, 0) == Some(geometry)) {
            let value = format!("{} in {} {}", limit.limit, limit.window.count, unit_name(limit.window.unit));
            let allowed =
                format!("of another window or algorithm than limits[{first}], which is counted in the same cells");
            problems.add(&format!("limits[{index}]"), &value, &allowed);
        }
    }
}

fn check_on_limit(problems: &mut Problems, config: &Config) {
    match config.on_limit {
        OnLimit::Reject => {}
        OnLimit::Delay { max_wait_ms } => check_delay(problems, config, max_wait_ms),
        OnLimit::Queue { max_size, timeout_ms, grace_ms } => {
            problems.check_range("on-limit.max-size", max_size, 1..=MAX_WAITERS);
            problems.check_range("on-limit.timeout-ms", timeout_ms, 1..=MAX_WAIT_MS);
            let most = timeout_ms.clamp(1, MAX_WAIT_MS);
            problems.check_range("on-limit.grace-ms", grace_ms, 1..=most);
        }
    }
}

fn check_delay(problems: &mut Problems, config: &Config, max_wait_ms: u64) {
    let most = config.limits.iter().filter_map(most_wait_ms).fold(MAX_WAIT_MS, u64::min);
    if !(1..=most).contains(&max_wait_ms) {
        let allowed = if most < MAX_WAIT_MS {
            format!("1 to {most} with these limits: their state must stay bounded")
        } else {
            format!("1 to {MAX_WAIT_MS}")
        };
        problems.add("on-limit.max-wait-ms", &max_wait_ms, &allowed);
    }
}

/// The longest wait that keeps a limit's state bounded. What is out of range is a problem of its
/// own and counts as the nearest that is not.
fn most_wait_ms(limit: &Limit) -> Option<u64> {
    let window_ms = window_us(limit.window)? / 1_000;
    Some(match limit.algorithm {
        Algorithm::Gcra { .. } | Algorithm::TokenBucket { .. } => MAX_WAIT_MS,
        Algorithm::FixedWindow | Algorithm::SlidingWindowCounter => window_ms * MAX_WAIT_WINDOWS,
        Algorithm::SlidingWindow { sub_windows } => {
            let sub_windows = cells_of(sub_windows.clamp(1, MAX_SUB_WINDOWS));
            window_ms * (MAX_WAIT_SUB_WINDOWS / u64::from(sub_windows)).min(MAX_WAIT_WINDOWS)
        }
        Algorithm::SlidingLog => window_ms * u64::from(log::MAX_LIMIT / limit.limit.clamp(1, log::MAX_LIMIT)),
    })
}

/// What counts a limit under which a permit may be let go up to `life_us` after it was charged; see
/// `lease.rs`.
fn meter(limit: &Limit, before: &[Limit], has_others: bool, max_wait_us: u64, life_us: u64) -> Meter {
    let geometry = geometry(limit, life_us).expect("the window was checked");
    let window_us = counted_us(limit, life_us).expect("the window was checked");
    match limit.algorithm {
        Algorithm::SlidingWindow { sub_windows } => {
            Meter::Grouped(Grouped::new(geometry, limit.limit, window_us, sub_windows, max_wait_us))
        }
        Algorithm::Gcra { burst } | Algorithm::TokenBucket { burst } => {
            let burst = burst.unwrap_or(limit.limit) - lease::burst_held(limit.limit, window_us, life_us);
            let alike =
                before.iter().filter(|other| is_bucket(other) && self::window_us(other.window) == Some(window_us));
            let ordinal = alike.map(|_| 1).sum();
            let ahead_us = if has_others { max_wait_us } else { 0 };
            Meter::Bucket(Rated::new(Rate { limit: limit.limit, window_us, burst, max_wait_us, ahead_us, ordinal }))
        }
        Algorithm::FixedWindow => Meter::Windowed(Windowed::fixed(geometry, limit.limit, window_us, max_wait_us)),
        Algorithm::SlidingWindowCounter => {
            Meter::Windowed(Windowed::counter(geometry, limit.limit, window_us, max_wait_us))
        }
        Algorithm::SlidingLog => Meter::Log(Log::new(geometry, limit.limit, window_us, max_wait_us)),
    }
}

fn unit_name(unit: WindowUnit) -> &'static str {
    match unit {
        WindowUnit::Millisecond => "millisecond",
        WindowUnit::Second => "second",
        WindowUnit::Minute => "minute",
        WindowUnit::Hour => "hour",
        WindowUnit::Day => "day",
    }
}
