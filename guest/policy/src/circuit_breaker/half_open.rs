//! The half-open circuit: it admits a few probes and waits for what becomes of them.
//!
//! A probe holds its place until its outcome comes or its time is over, so a host that died with
//! one blocks nobody for longer than that.

use core::fmt::Write;

use alloc::string::String;
use alloc::vec::Vec;

use super::config::{HalfOpen, ProbeRule};
use super::rules::hundredths;
use super::{DAY_MS, MAX_REMEMBERED};
use crate::text::{Words, number, small};

/// What is known of a half-open circuit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Probing {
    /// How often the circuit has reopened since it was last closed.
    pub(super) reopenings: u32,
    /// Probes that succeeded.
    pub(super) successes: u32,
    /// Probes that failed, without ending this.
    pub(super) failed: u32,
    /// The number of the last probe; the first is 1.
    last: u32,
    in_flight: Vec<Probe>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Probe {
    id: u32,
    /// From when on the probe is lost.
    expires_us: u64,
}

/// What the probes that have ended say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Undecided,
    Close,
    Reopen,
}

impl Probing {
    /// A circuit that has just become half-open.
    pub(super) fn new(reopenings: u32) -> Self {
        Self { reopenings, successes: 0, failed: 0, last: 0, in_flight: Vec::new() }
    }

    /// Admits a probe and returns its number; none: its places are all taken, and nothing has
    /// changed.
    pub(super) fn admit(&mut self, limits: &HalfOpen, now_us: u64) -> Option<u32> {
        if self.in_flight(now_us) >= self.places(limits) {
            return None;
        }
        self.forget_lost(now_us);
        self.last = self.last.saturating_add(1);
        let expires_us = now_us.saturating_add(limits.permit_ms.saturating_mul(1_000));
        self.in_flight.push(Probe { id: self.last, expires_us });
        Some(self.last)
    }

    /// Counts a probe that has ended.
    pub(super) fn judge(&mut self, limits: &HalfOpen, failed: bool) -> Verdict {
        let count = if failed { &mut self.failed } else { &mut self.successes };
        *count = count.saturating_add(1);
        let ended = self.successes.saturating_add(self.failed);
        let (close, reopen) = match limits.rule {
            ProbeRule::FirstFailure => (self.successes >= limits.successes, failed),
            ProbeRule::Ratio(of) => {
                (self.successes >= limits.successes, self.failed > of.saturating_sub(limits.successes))
            }
            ProbeRule::Rate(rate) => {
                let most = u64::from(hundredths(rate.percent)) * u64::from(ended);
                (ended >= rate.of, ended >= rate.of && u64::from(self.failed) * 10_000 >= most)
            }
        };
        if reopen {
            Verdict::Reopen
        } else if close {
            Verdict::Close
        } else {
            Verdict::Undecided
        }
    }

    /// How many may be in flight: no more than can still count.
    fn places(&self, limits: &HalfOpen) -> u32 {
        let of = match limits.rule {
            ProbeRule::FirstFailure => return limits.probes,
            ProbeRule::Ratio(of) => of,
            ProbeRule::Rate(rate) => rate.of,
        };
        // Other settings may have counted these: one more must be able to end it.
        let left = of.saturating_sub(self.successes.saturating_add(self.failed)).max(1);
        limits.probes.min(left)
    }

    /// Frees the place of a probe; false: it is not in flight.
    pub(super) fn release(&mut self, id: u32, now_us: u64) -> bool {
        self.forget_lost(now_us);
        let place = self.in_flight.iter().position(|probe| probe.id == id);
        place.map(|place| self.in_flight.remove(place)).is_some()
    }

    /// The probe that has been in flight the longest.
    pub(super) fn oldest(&self, now_us: u64) -> Option<u32> {
        self.in_flight.iter().find(|probe| probe.expires_us > now_us).map(|probe| probe.id)
    }

    /// Forgets the probes that are lost by now.
    pub(super) fn forget_lost(&mut self, now_us: u64) {
        self.in_flight.retain(|probe| probe.expires_us > now_us);
    }

    /// How many probes are in flight.
    pub(super) fn in_flight(&self, now_us: u64) -> u32 {
        let alive = self.in_flight.iter().filter(|probe| probe.expires_us > now_us).count();
        u32::try_from(alive).unwrap_or(u32::MAX)
    }

    /// When the next place is free if no outcome comes; none: one is free now.
    pub(super) fn free_at_us(&self, limits: &HalfOpen, now_us: u64) -> Option<u64> {
        let mut expiries: Vec<_> =
            self.in_flight.iter().map(|probe| probe.expires_us).filter(|us| *us > now_us).collect();
        expiries.sort_unstable();
        let surplus = expiries.len().checked_sub(usize::try_from(self.places(limits)).ok()?)?;
        expiries.get(surplus).copied()
    }

    pub(super) fn encode(&self, text: &mut String, at_us: u64) {
        let _ = write!(text, " reopenings={} successes={}", self.reopenings, self.successes);
        if self.failed > 0 {
            let _ = write!(text, " failed={}", self.failed);
        }
        let _ = write!(text, " last-probe={}", self.last);
        let alive = self.in_flight.iter().filter(|probe| probe.expires_us > at_us);
        for (index, probe) in alive.enumerate() {
            let lead = if index == 0 { " probes=" } else { "," };
            let _ = write!(text, "{lead}{}+{}", probe.id, probe.expires_us - at_us);
        }
    }

    /// `failed`: whether probes have failed without ending this.
    pub(super) fn decode(words: &mut Words<'_>, at_us: u64, failed: bool) -> Option<Self> {
        let (reopenings, successes) = (words.small("reopenings")?, words.small("successes")?);
        let failed = if failed { words.small("failed").filter(|failed| *failed > 0)? } else { 0 };
        let mut probing =
            Self { reopenings, successes, failed, last: words.small("last-probe")?, in_flight: Vec::new() };
        for text in words.optional("probes").into_iter().flat_map(|list| list.split(',')) {
            let (id, left_us) = text.split_once('+')?;
            let (id, left_us) = (small(id)?, number(left_us)?);
            let in_order = id <= probing.last && probing.in_flight.last().map_or(0, |probe| probe.id) < id;
            let plausible = in_order && (1..=DAY_MS * 1_000).contains(&left_us);
            probing.in_flight.push(plausible.then_some(Probe { id, expires_us: at_us.saturating_add(left_us) })?);
        }
        (probing.in_flight.len() <= MAX_REMEMBERED as usize).then_some(probing)
    }
}
