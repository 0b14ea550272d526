//! Leases: permits that a host has charged in advance and spends on its own.
//!
//! A lease is three local cells: when it was charged, how much of it is spent, and how many permits
//! were charged for it. The second starts at what was granted below a constant, so spending is one
//! local `advance` up to that constant, and a call that is let go on a lease touches no shared cell
//! at all.
//!
//! Why the promises hold for the calls let go: let T be the life of a lease. A permit is let go at
//! its charge or less than T after it, so those let go in a half-open span [a, a + D) were charged
//! in (a - T, a + D), which is shorter than D + T.
//!
//! - *Sliding window, sliding log* count each permit for W + T, so any span of that length holds at
//!   most L charges. With D = W that bounds the calls let go.
//! - *GCRA, token bucket*: a span of D + T holds at most burst' + (D + T) * L / W charges, which is
//!   at most burst + D * L / W for burst' = burst - ceil(T * L / W).
//! - *Fixed window, sliding window counter*: a lease ends with the aligned window it was charged
//!   in, so a window lets go what was charged in it, and both promises follow from what each
//!   aligned window holds.
//!
//! Nobody was let go on what is given back, so it counts in no sum above. A bucket does not know
//! when each permit was charged, and gives back only what cannot have come back by itself, whatever
//! time any other host has committed at: see `Meter::give_back`.

use alloc::format;
use alloc::vec::Vec;

use crate::kv::{Kv, MAX_LAG_MS};
use crate::problem::Problems;

use super::decision::ms_until;
use super::geometry::window_us;
use super::meter::Meter;
use super::model::saturate;
use super::role::Role;
use super::types::{Algorithm, Config, Decision, LeaseConfig, Limit, OnLimit, Reason, Verdict};
use crate::parts::cells::Cells;

const MAX_PERMITS: u32 = 1_000_000;
const MAX_LIFE_MS: u64 = 60_000;
/// No host holds more than one part in this many of what the limits can admit at once, so that the
/// others find some left.
const PARTS: u32 = 4;

/// How a host leases.
#[derive(Debug, Clone)]
pub(crate) struct Lease {
    /// The upper 24 bits of its cells' field numbers.
    geometry: u32,
    /// The number at which all is spent.
    ceiling: u64,
    /// The most permits to charge at once.
    most: u32,
    life_us: u64,
    /// The aligned windows that a lease ends with.
    aligned_us: Vec<u64>,
}

/// Permits that were spent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent {
    pub(crate) charged_at_us: u64,
    pub(crate) ends_us: u64,
    pub(crate) left: u32,
}

/// What a host holds, and what it has held of late.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    /// When it was charged; 0: there is no lease.
    pub(crate) charged_at_us: u64,
    pub(crate) runs: bool,
    pub(crate) left: u32,
    /// How many permits were charged for it; without a lease, how many to charge next; 0: nothing
    /// was charged for as long as a lease lives.
    size: u32,
}

/// All that is wrong with a configuration's lease.
pub(crate) fn check(problems: &mut Problems, config: &Config) {
    let Some(lease) = config.lease else { return };
    problems.check_range("lease.max-permits", lease.max_permits, 2..=MAX_PERMITS);
    problems.check_range("lease.life-ms", lease.life_ms, 1..=MAX_LIFE_MS);
    let over = match config.on_limit {
        OnLimit::Reject => None,
        OnLimit::Delay { .. } => Some("given with delay"),
        OnLimit::Queue { .. } => Some("given with queue"),
    };
    if let Some(over) = over {
        problems.add("lease", &over, "left out unless `on-limit` is reject");
    }
    let most_ms = config.limits.iter().filter_map(most_life_ms).min();
    if let Some(most_ms) = most_ms.filter(|most_ms| lease.life_ms > *most_ms && lease.life_ms <= MAX_LIFE_MS) {
        let allowed = format!("at most {most_ms} with these bursts, which it takes life * limit / window permits of");
        problems.add("lease.life-ms", &lease.life_ms, &allowed);
    }
}

/// The longest life that leaves a bucket one permit of its burst. A bucket that is wrong by itself
/// is left out.
fn most_life_ms(limit: &Limit) -> Option<u64> {
    let (Algorithm::Gcra { burst } | Algorithm::TokenBucket { burst }) = limit.algorithm else { return None };
    let spare = u128::from(burst.unwrap_or(limit.limit).checked_sub(1)?);
    let window_us = window_us(limit.window).filter(|window_us| *window_us >= u64::from(limit.limit))?;
    let most_us = (spare * u128::from(window_us)).checked_div(u128::from(limit.limit))?;
    Some(u64::try_from(most_us / 1_000).unwrap_or(u64::MAX))
}

/// By how much a bucket's burst must be smaller: all that comes back while a permit is held,
/// rounded up.
pub(crate) fn burst_held(limit: u32, window_us: u64, life_us: u64) -> u32 {
    let held = (u128::from(life_us) * u128::from(limit)).div_ceil(u128::from(window_us));
    u32::try_from(held).unwrap_or(u32::MAX)
}

impl Lease {
    /// `None`: the limits admit so little at once that nothing is ever leased.
    pub(crate) fn new(config: LeaseConfig, geometry: u32, limits: &[Limit], meters: &[Meter]) -> Option<Self> {
        let capacity = meters.iter().map(Meter::capacity).fold(u32::MAX, u32::min);
        let most = config.max_permits.min(capacity / PARTS);
        let is_aligned =
            |limit: &&Limit| matches!(limit.algorithm, Algorithm::FixedWindow | Algorithm::SlidingWindowCounter);
        let aligned_us = limits.iter().filter(is_aligned).filter_map(|limit| window_us(limit.window)).collect();
        let (ceiling, life_us) = (u64::from(config.max_permits), config.life_ms * 1_000);
        (most > 1).then_some(Self { geometry, ceiling, most, life_us, aligned_us })
    }

    /// Spends permits of the lease, if it runs and there are as many left.
    pub(crate) fn spend<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, permits: u32) -> Option<Spent> {
        let (charged_at_us, ends_us) = self.running(cells, now_us)?;
        let keep_ms = ms_until(charged_at_us + self.keep_ms() * 1_000, now_us);
        let spent = cells.advance_local(self.field(Role::LeaseSpent), u64::from(permits), self.ceiling, keep_ms)?;
        Some(Spent { charged_at_us, ends_us, left: saturate(self.ceiling - spent) })
    }

    /// What is left, if the lease runs and that is at least `permits`.
    pub(crate) fn look<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, permits: u32) -> Option<Spent> {
        let (charged_at_us, ends_us) = self.running(cells, now_us)?;
        let left = self.left(cells);
        (left >= permits).then_some(Spent { charged_at_us, ends_us, left })
    }

    /// Puts permits back that were charged with the lease; false: it does not run, or they were
    /// not.
    pub(crate) fn restore<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        charged_at_us: u64,
        permits: u32,
    ) -> bool {
        let runs = self.running(cells, now_us).is_some_and(|(at_us, _)| at_us == charged_at_us);
        if runs {
            let all = cells.local_number(self.field(Role::LeaseSize));
            let floor = self.ceiling.saturating_sub(all);
            cells.retreat_local(self.field(Role::LeaseSpent), u64::from(permits), floor);
        }
        runs
    }

    /// What this host holds.
    pub(crate) fn held<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64) -> Held {
        let charged_at_us = cells.local_number(self.field(Role::LeaseAt));
        let size = saturate(cells.local_number(self.field(Role::LeaseSize)));
        let left = if charged_at_us == 0 { 0 } else { self.left(cells) };
        Held { charged_at_us, runs: now_us < self.ends_us(charged_at_us), left, size }
    }

    /// How many permits to charge in all with a call that nothing was left for: twice as many as
    /// the last time where that was too little for a life, as many as were used where the lease is
    /// over.
    pub(crate) fn wanted(&self, held: &Held) -> u32 {
        let wanted = match held {
            Held { charged_at_us: 0, size, .. } => *size,
            Held { runs: true, size, .. } => size.saturating_mul(2),
            Held { .. } => held.used(),
        };
        wanted.clamp(1, self.most)
    }

    /// Holds `extra` permits of `size` that were charged.
    pub(crate) fn hold<K: Kv>(&self, cells: &mut Cells<'_, K>, charged_at_us: u64, size: u32, extra: u32) {
        let spent = self.ceiling - u64::from(extra);
        cells.put_local(self.field(Role::LeaseAt), charged_at_us, self.keep_ms());
        cells.put_local(self.field(Role::LeaseSpent), spent, self.keep_ms());
        cells.put_local(self.field(Role::LeaseSize), u64::from(size), self.keep_ms());
    }

    /// Holds nothing, and remembers for the life of a lease how many permits to charge next.
    pub(crate) fn drop<K: Kv>(&self, cells: &mut Cells<'_, K>, held: &Held, next: u32) {
        if held.charged_at_us != 0 {
            cells.delete_local(self.field(Role::LeaseAt));
            cells.delete_local(self.field(Role::LeaseSpent));
        }
        cells.put_local(self.field(Role::LeaseSize), u64::from(next), self.life_us / 1_000);
    }

    pub(crate) fn forget<K: Kv>(&self, cells: &mut Cells<'_, K>) {
        for role in [Role::LeaseAt, Role::LeaseSpent, Role::LeaseSize] {
            cells.delete_local(self.field(role));
        }
    }

    /// When a lease of that time ends: with its life, or with an aligned window.
    pub(crate) fn ends_us(&self, charged_at_us: u64) -> u64 {
        let window_ends = self.aligned_us.iter().map(|window_us| (charged_at_us / window_us + 1) * window_us);
        window_ends.fold(charged_at_us + self.life_us, u64::min)
    }

    /// When the lease was charged and when it ends, if it runs.
    fn running<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64) -> Option<(u64, u64)> {
        let charged_at_us = cells.local_number(self.field(Role::LeaseAt));
        let ends_us = self.ends_us(charged_at_us);
        (charged_at_us != 0 && now_us < ends_us).then_some((charged_at_us, ends_us))
    }

    fn left<K: Kv>(&self, cells: &mut Cells<'_, K>) -> u32 {
        saturate(self.ceiling.saturating_sub(cells.local_number(self.field(Role::LeaseSpent))))
    }

    fn field(&self, role: Role) -> u32 {
        self.geometry | role as u32
    }

    /// A lease is kept beyond its end, for what is left of it to be given back. No cell of it goes
    /// before the first: without the second nothing of it would count as spent.
    fn keep_ms(&self) -> u64 {
        2 * self.life_us / 1_000 + MAX_LAG_MS
    }
}

impl Held {
    /// How many of the permits that were charged with it were of use; at least one, the call's own.
    pub(crate) fn used(&self) -> u32 {
        self.size.saturating_sub(self.left).max(1)
    }
}

impl Spent {
    /// The decision to let a call go on them.
    pub(crate) fn report<K: Kv>(&self, cells: &Cells<'_, K>, now_us: u64, limit: u32, charged_at_us: u64) -> Decision {
        Decision {
            verdict: Verdict::Allowed,
            reason: Reason::None,
            at_us: now_us,
            charged_at_us,
            full_at_us: 0,
            binding: 0,
            count: limit.saturating_sub(self.left),
            limit,
            remaining: self.left,
            reset_after_ms: ms_until(self.ends_us, now_us),
            retry_after_ms: 0,
            wait_ms: 0,
            position: 0,
            waiting: 0,
            ticket: 0,
            discarded: cells.discarded(),
            leased: true,
            release_after_ms: 0,
        }
    }
}
