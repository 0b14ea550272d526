//! The state of a windowed limit: how many permits were given in which sub-window.
//!
//! It lives in two cells. The *count* cell is the number of permits given in the open sub-window,
//! moved by `advance`, so hosts do not conflict on it. The *head* cell says which sub-window is
//! open and what was given in those before it (and, with `delay`, reserved in those after it): `w1
//! 176364001 -3:10 -1:7 2:4` has sub-window 176364001 open, 10 permits three sub-windows ago, 7 in
//! the last, 4 reserved in the one after the next. It changes once a sub-window.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

/// More sub-windows than a limit can have in use; what claims to hold more is not ours.
const MAX_ENTRIES: usize = 12_000;

/// The greatest limit.
const MAX_PERMITS: u64 = u32::MAX as u64;

/// Permits by sub-window, counted from 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// The sub-window that the count cell is about.
    pub(crate) open: u64,
    /// The others that hold permits, in order; also the open one, where places in it were reserved
    /// before it opened.
    pub(crate) given: Vec<(u64, u64)>,
}

impl Head {
    pub(crate) fn empty(open: u64) -> Self {
        Self { open, given: Vec::new() }
    }

    /// Decodes a head cell; one that opens after `latest_open` or holds permits after
    /// `latest_given` is not ours.
    pub(crate) fn decode(text: &str, latest_open: u64, latest_given: u64) -> Option<Self> {
        let mut words = text.strip_prefix("w1 ")?.split(' ');
        let open: u64 = words.next()?.parse().ok()?;
        if open > latest_open {
            return None;
        }
        let mut given: Vec<(u64, u64)> = Vec::new();
        for word in words {
            let (delta, permits) = word.split_once(':')?;
            let index = open.checked_add_signed(delta.parse().ok()?)?;
            let permits: u32 = permits.parse().ok()?;
            let in_order = index <= latest_given && given.last().is_none_or(|(last, _)| *last < index);
            if !in_order || permits == 0 || given.len() >= MAX_ENTRIES {
                return None;
            }
            given.push((index, u64::from(permits)));
        }
        Some(Self { open, given })
    }

    pub(crate) fn encode(&self) -> String {
        let mut text = String::with_capacity(16 + 8 * self.given.len());
        text.push_str("w1 ");
        text.push_str(&self.open.to_string());
        for (index, permits) in &self.given {
            let delta = index.cast_signed().wrapping_sub(self.open.cast_signed());
            write!(text, " {delta}:{permits}").expect("a String takes all text");
        }
        text
    }

    /// Adds permits to a sub-window: no more than a limit can be, which only a stranger's count
    /// would be.
    pub(crate) fn add(&mut self, index: u64, permits: u64) {
        let permits = permits.min(MAX_PERMITS);
        match self.given.binary_search_by_key(&index, |(i, _)| *i) {
            Ok(found) => self.given[found].1 = (self.given[found].1 + permits).min(MAX_PERMITS),
            Err(place) if permits > 0 => self.given.insert(place, (index, permits)),
            Err(_) => {}
        }
    }

    /// Takes up to this many permits out of a sub-window; what could not be taken.
    pub(crate) fn take(&mut self, index: u64, permits: u64) -> u64 {
        let Ok(found) = self.given.binary_search_by_key(&index, |(i, _)| *i) else { return permits };
        let taken = permits.min(self.given[found].1);
        self.given[found].1 -= taken;
        if self.given[found].1 == 0 {
            self.given.remove(found);
        }
        permits - taken
    }

    /// Drops the sub-windows before `first`.
    pub(crate) fn forget_before(&mut self, first: u64) {
        let forgotten = self.given.partition_point(|(index, _)| *index < first);
        self.given.drain(..forgotten);
    }

    /// Permits in the sub-windows `from..=to`.
    pub(crate) fn sum(&self, from: u64, to: u64) -> u64 {
        let start = self.given.partition_point(|(index, _)| *index < from);
        self.given[start..].iter().take_while(|(index, _)| *index <= to).map(|(_, permits)| permits).sum()
    }

    /// All permits in order, with this many more in the open sub-window.
    pub(crate) fn with(&self, count: u64) -> impl Iterator<Item = (u64, u64)> + Clone {
        let open = self.open;
        let (before, others) = self.given.split_at(self.given.partition_point(|(index, _)| *index < open));
        let (same, after) = others.split_at(others.partition_point(|(index, _)| *index == open));
        let given: u64 = same.iter().map(|(_, permits)| permits).sum();
        let permits = (given + count.min(MAX_PERMITS)).min(MAX_PERMITS);
        let counted = (permits > 0).then_some((open, permits));
        before.iter().copied().chain(counted).chain(after.iter().copied())
    }

    /// The last sub-window that holds permits.
    pub(crate) fn last(&self) -> Option<u64> {
        self.given.last().map(|(index, _)| *index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn text_round_trips() {
        for given in [vec![], vec![(1, 3)], vec![(97, 10), (99, 1), (100, 4), (104, 4_294_967_295)]] {
            let head = Head { open: 100, given };
            assert_eq!(Head::decode(&head.encode(), 100, 104), Some(head));
        }
    }

    #[test]
    fn foreign_text_does_not_decode() {
        for text in [
            "",
            "w1",
            "w1 ",
            "w2 5",
            "w1 x",
            "w1 5 1",
            "w1 5 1:",
            "w1 5 1:0",
            "w1 5 2:1 1:1",
            "w1 5 1:1 1:1",
            "w1 5 -6:1",
            "w1 5 1:99999999999",
            "w1 101",
            "w1 100 11:1",
            "w1 5  1:1",
            "\u{0}",
        ] {
            assert_eq!(Head::decode(text, 100, 110), None, "{text:?}");
        }
    }
}
