//! Permits that expire with their holder: each is free again when it is given back or when its time
//! is over, so a host that died with one blocks nobody for longer than that.
//!
//! Their text is `<number>+<microseconds left>` each, parted by commas, counted from the time that
//! the text is written at.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use crate::text::{number, small};

/// Permits that are out, in the order in which they were given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Permits {
    /// The number of the last permit; the first is 1.
    last: u32,
    out: Vec<Permit>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Permit {
    id: u32,
    /// From when on it is lost.
    expires_us: u64,
}

impl Permits {
    /// The number of the last permit that was given; 0 before the first.
    pub(crate) fn last(&self) -> u32 {
        self.last
    }

    /// Gives a permit out for a time, and returns its number.
    pub(crate) fn give(&mut self, now_us: u64, life_us: u64) -> u32 {
        self.forget_lost(now_us);
        self.last = self.last.saturating_add(1);
        self.out.push(Permit { id: self.last, expires_us: now_us.saturating_add(life_us) });
        self.last
    }

    /// Takes a permit back; false: it is not out.
    pub(crate) fn take_back(&mut self, id: u32, now_us: u64) -> bool {
        self.forget_lost(now_us);
        let found = self.out.iter().position(|permit| permit.id == id);
        found.map(|found| self.out.remove(found)).is_some()
    }

    /// The permit that has been out the longest.
    pub(crate) fn oldest(&self, now_us: u64) -> Option<u32> {
        self.alive(now_us).next().map(|permit| permit.id)
    }

    /// Forgets the permits that are lost by now.
    pub(crate) fn forget_lost(&mut self, now_us: u64) {
        self.out.retain(|permit| permit.expires_us > now_us);
    }

    /// How many are out.
    pub(crate) fn count(&self, now_us: u64) -> u32 {
        u32::try_from(self.alive(now_us).count()).unwrap_or(u32::MAX)
    }

    /// When fewer than `most` are out if no permit is given back before its time. `None`: fewer are
    /// out now.
    pub(crate) fn free_at_us(&self, most: u32, now_us: u64) -> Option<u64> {
        let mut expiries: Vec<_> = self.alive(now_us).map(|permit| permit.expires_us).collect();
        expiries.sort_unstable();
        let surplus = expiries.len().checked_sub(usize::try_from(most).ok()?)?;
        expiries.get(surplus).copied()
    }

    fn alive(&self, now_us: u64) -> impl Iterator<Item = &Permit> {
        self.out.iter().filter(move |permit| permit.expires_us > now_us)
    }

    /// Appends those that are out, with `lead` before the first.
    pub(crate) fn encode(&self, text: &mut String, lead: &str, at_us: u64) {
        for (index, permit) in self.alive(at_us).enumerate() {
            let lead = if index == 0 { lead } else { "," };
            let _ = write!(text, "{lead}{}+{}", permit.id, permit.expires_us - at_us);
        }
    }

    /// Reads them, each with at most `life_us` left, and not more than `most`. `texts`: as encoded;
    /// `None` where no permit is out.
    pub(crate) fn decode(texts: Option<&str>, last: u32, at_us: u64, life_us: u64, most: u32) -> Option<Self> {
        let mut permits = Self { last, out: Vec::new() };
        for text in texts.into_iter().flat_map(|texts| texts.split(',')) {
            let (id, left_us) = text.split_once('+')?;
            let (id, left_us) = (small(id)?, number(left_us)?);
            let in_order = id <= last && permits.out.last().map_or(0, |permit| permit.id) < id;
            let plausible = in_order && (1..=life_us).contains(&left_us);
            permits.out.push(plausible.then_some(Permit { id, expires_us: at_us.saturating_add(left_us) })?);
        }
        (permits.out.len() <= usize::try_from(most).unwrap_or(usize::MAX)).then_some(permits)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::Permits;

    fn text(permits: &Permits, at_us: u64) -> String {
        let mut text = String::new();
        permits.encode(&mut text, "", at_us);
        text
    }

    #[test]
    fn a_permit_is_free_when_it_is_given_back_or_its_time_is_over() {
        let mut permits = Permits::default();
        assert_eq!((permits.give(100, 50), permits.give(110, 10), permits.last()), (1, 2, 2));
        assert_eq!((permits.count(119), permits.count(120), permits.count(150)), (2, 1, 0));
        assert!(permits.take_back(1, 115) && !permits.take_back(1, 115) && !permits.take_back(2, 120));
        assert_eq!(permits.give(130, 5), 3, "no number is given twice");
    }

    #[test]
    fn whoever_waits_is_told_when_one_is_free_if_none_comes_back() {
        let mut permits = Permits::default();
        for life_us in [30, 10, 20] {
            permits.give(0, life_us);
        }
        assert_eq!(permits.free_at_us(3, 0), Some(10));
        assert_eq!(permits.free_at_us(1, 0), Some(30));
        assert_eq!((permits.free_at_us(4, 0), permits.free_at_us(3, 10)), (None, None));
    }

    #[test]
    fn they_survive_their_text_and_foreign_text_does_not_decode() {
        let mut permits = Permits::default();
        permits.give(0, 30);
        permits.give(0, 10);
        assert_eq!(text(&permits, 5), "1+25,2+5");
        assert_eq!(Permits::decode(Some("1+25,2+5"), 2, 5, 100, 2), Some(permits));
        assert_eq!(Permits::decode(None, 7, 5, 100, 2).map(|permits| permits.last()), Some(7));
        for foreign in ["", "1", "1+0", "1+101", "3+1", "2+1,1+1", "1+1,1+1", "1+1,2+1,2+2", "x+1", "1+-1"] {
            assert_eq!(Permits::decode(Some(foreign), 2, 5, 100, 2), None, "{foreign}");
        }
    }
}
