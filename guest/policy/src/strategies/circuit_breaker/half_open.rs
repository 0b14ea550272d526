//! The half-open circuit: it admits a few probes and waits for what becomes of them.
//!
//! A probe is in flight until its outcome comes or its time is over. So a host that died with one
//! blocks nobody for longer than that.

use core::fmt::Write;

use alloc::string::String;

use super::config::{HalfOpen, ProbeRule};
use super::rules::hundredths;
use super::{DAY_MS, MAX_REMEMBERED};
use crate::parts::expiring::Permits;
use crate::text::Words;

/// What is known of a half-open circuit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Probing {
    /// How often the circuit has reopened since it was last closed.
    pub(super) reopenings: u32,
    /// Probes that succeeded.
    pub(super) successes: u32,
    /// Probes that failed, without ending this.
    pub(super) failed: u32,
    in_flight: Permits,
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
        Self { reopenings, successes: 0, failed: 0, in_flight: Permits::default() }
    }

    /// Admits a probe and returns its number. `None`: as many as may be are in flight, and nothing
    /// has changed.
    pub(super) fn admit(&mut self, limits: &HalfOpen, now_us: u64) -> Option<u32> {
        if self.in_flight(now_us) >= self.most(limits) {
            return None;
        }
        Some(self.in_flight.give(now_us, limits.permit_ms.saturating_mul(1_000)))
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
    fn most(&self, limits: &HalfOpen) -> u32 {
        let of = match limits.rule {
            ProbeRule::FirstFailure => return limits.probes,
            ProbeRule::Ratio(of) => of,
            ProbeRule::Rate(rate) => rate.of,
        };
        // Other settings may have counted these: one more must be able to end it.
        let left = of.saturating_sub(self.successes.saturating_add(self.failed)).max(1);
        limits.probes.min(left)
    }

    /// A probe has ended; false: it was not in flight.
    pub(super) fn release(&mut self, id: u32, now_us: u64) -> bool {
        self.in_flight.take_back(id, now_us)
    }

    /// The probe that has been in flight the longest.
    pub(super) fn oldest(&self, now_us: u64) -> Option<u32> {
        self.in_flight.oldest(now_us)
    }

    /// How many probes are in flight.
    pub(super) fn in_flight(&self, now_us: u64) -> u32 {
        self.in_flight.count(now_us)
    }

    /// When the next probe may go if no outcome comes. `None`: it may go now.
    pub(super) fn free_at_us(&self, limits: &HalfOpen, now_us: u64) -> Option<u64> {
        self.in_flight.free_at_us(self.most(limits), now_us)
    }

    pub(super) fn encode(&self, text: &mut String, at_us: u64) {
        let _ = write!(text, " reopenings={} successes={}", self.reopenings, self.successes);
        if self.failed > 0 {
            let _ = write!(text, " failed={}", self.failed);
        }
        let _ = write!(text, " last-probe={}", self.in_flight.last());
        self.in_flight.encode(text, " probes=", at_us);
    }

    /// `failed`: whether probes have failed without ending this.
    pub(super) fn decode(words: &mut Words<'_>, at_us: u64, failed: bool) -> Option<Self> {
        let (reopenings, successes) = (words.small("reopenings")?, words.small("successes")?);
        let failed = if failed { words.small("failed").filter(|failed| *failed > 0)? } else { 0 };
        let last = words.small("last-probe")?;
        let in_flight = Permits::decode(words.optional("probes"), last, at_us, DAY_MS * 1_000, MAX_REMEMBERED)?;
        Some(Self { reopenings, successes, failed, in_flight })
    }
}
