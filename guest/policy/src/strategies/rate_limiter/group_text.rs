//! The text of a strict limit's groups.

use alloc::string::String;
use alloc::vec::Vec;

use crate::kv::MAX_NUMBER;
use crate::text::push_number;

use super::group::{Group, MAX_PERMITS, Open};

/// More groups than a limit can have in use; what claims to hold more is not ours.
const MAX_GROUPS: usize = 20_000;

/// Each as the time since the one before, its permits unless that is one, and how long it lasted if
/// that was unusual.
pub(crate) fn push_groups(text: &mut String, groups: &[Group], middle: Option<usize>) {
    let mut before_us = 0;
    for (index, group) in groups.iter().enumerate() {
        text.push_str(if middle == Some(index) { " +" } else { " " });
        push_number(text, group.last_us - before_us);
        if group.permits != 1 {
            text.push(':');
            push_number(text, group.permits);
        }
        if group.lasted_us > 0 {
            text.push('~');
            push_number(text, group.lasted_us);
        }
        before_us = group.last_us;
    }
}

/// Reads text from its start. It may come from anyone: reading is strict, and nothing here panics.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn of(text: &'a str, tag: &str) -> Option<Self> {
        Some(Self(text.strip_prefix(tag)?.as_bytes()))
    }

    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        match self.0 {
            [first, rest @ ..] if *first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    pub(crate) fn expect(&mut self, byte: u8) -> Option<()> {
        self.eat(byte).then_some(())
    }

    /// A number that a store can hold, in the one way that we write it.
    pub(crate) fn number(&mut self) -> Option<u64> {
        let start = self.0;
        let mut number = 0_u64;
        while let [digit @ b'0'..=b'9', rest @ ..] = self.0 {
            number = number * 10 + u64::from(digit - b'0');
            self.0 = rest;
            if number > MAX_NUMBER {
                return None;
            }
        }
        let length = start.len() - self.0.len();
        (length == 1 || (length > 1 && start[0] != b'0')).then_some(number)
    }

    pub(crate) fn open(&mut self, latest_us: u64) -> Option<Open> {
        let first_us = self.number()?;
        self.expect(b',')?;
        let last_us = first_us + self.number()?;
        self.expect(b',')?;
        let permits = self.number().filter(|permits| *permits <= MAX_PERMITS)?;
        let wide_us = if self.eat(b',') { self.number().filter(|wide_us| *wide_us > 0)? } else { 0 };
        (last_us <= latest_us).then_some(Open { first_us, last_us, permits, wide_us })
    }

    /// All the rest, and which of the groups is marked.
    pub(crate) fn groups(&mut self, latest_us: u64) -> Option<(Vec<Group>, Option<usize>)> {
        let (mut last_us, mut groups, mut middle) = (0_u64, Vec::new(), None);
        while self.eat(b' ') {
            if self.eat(b'+') && middle.replace(groups.len()).is_some() {
                return None;
            }
            last_us += self.number()?;
            let permits = if self.eat(b':') { self.number()? } else { 1 };
            let lasted_us = if self.eat(b'~') { self.number().filter(|lasted_us| *lasted_us > 0)? } else { 0 };
            if permits == 0 || last_us > latest_us || groups.len() >= MAX_GROUPS {
                return None;
            }
            groups.push(Group { last_us, permits, lasted_us });
        }
        self.0.is_empty().then_some((groups, middle))
    }
}
