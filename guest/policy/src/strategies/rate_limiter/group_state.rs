//! The state of a strict limit: permits in groups that leave a window after the last permit of
//! each.
//!
//! It lives in four cells. The *head* holds the latest time that the groups were changed at, the
//! open group and those that are closed: `w2 1763640012345678 1763640012345678,0,1
//! 1763640012000000:7 250000` has one permit in the open group, all at its first time, 7 permits
//! that leave a window after the second time and one a quarter of a second after them. Of the open
//! group the *count* cell has the further permits and the *last* cell the time of the last of them,
//! so hosts that count in it do not conflict.
//!
//! A head of many groups keeps its oldest and its newest; those between are in the *middle* cell,
//! and one entry, marked by a `+`, stands for them with the sum of their permits and the last of
//! their times. So a head is short whatever the limit, and a middle is read only where its first
//! group may have left.
//!
//! A group that stays open for hosts that got in each other's way (see `groups.rs`) says for how
//! long at its end, `1763640012345678,0,1,80000`; once it is closed it says how long it lasted,
//! `250000:7~64000`.
//!
//! What was kept before there were groups (`w1`, see `window_state.rs`) reads as a head whose
//! groups are sub-windows.

use alloc::string::String;
use alloc::vec::Vec;

use crate::text::push_number;

use super::group::{Group, MAX_PERMITS, Open};
use super::group_text::{Reader, push_groups};
use super::window_state;

/// How many groups a head keeps at either end before it has a middle.
const ENDS: usize = 8;

/// What stands for the groups in the middle cell, which are no earlier than `after_us`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stands {
    pub(crate) after_us: u64,
    pub(crate) group: Group,
}

/// All groups, in the order in which they leave; the open one is the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// No permit is given at an earlier time: what had left by then is forgotten.
    pub(crate) seen_us: u64,
    pub(crate) open: Option<Open>,
    pub(crate) closed: Vec<Group>,
    /// The index of the closed one that stands for those in the middle cell.
    middle: Option<u32>,
}

impl Head {
    pub(crate) fn empty(seen_us: u64) -> Self {
        Self { seen_us, open: None, closed: Vec::new(), middle: None }
    }

    /// Decodes a head cell; one that was changed after `latest_us` or holds permits after
    /// `latest_given_us` is not ours.
    pub(crate) fn decode(text: &str, latest_us: u64, latest_given_us: u64) -> Option<Self> {
        let mut reader = Reader::of(text, "w2 ")?;
        let seen_us = reader.number().filter(|seen_us| *seen_us <= latest_us)?;
        reader.expect(b' ')?;
        let open = if reader.eat(b'-') { None } else { Some(reader.open(latest_given_us)?) };
        let (closed, middle) = reader.groups(latest_given_us)?;
        Some(Self { seen_us, open, closed, middle: middle.and_then(to_u32) })
    }

    /// Decodes a head of sub-windows of `sub_us`. Its permits may have been given at the very end
    /// of theirs.
    pub(crate) fn decode_old(text: &str, sub_us: u64, latest_us: u64, latest_given_us: u64) -> Option<Self> {
        let old = window_state::Head::decode(text, latest_us / sub_us, latest_given_us / sub_us)?;
        let end_us = |index: u64| (index + 1).saturating_mul(sub_us) - 1;
        let is_open = |index: u64| index == old.open;
        let groups = old.given.iter().filter(|(index, _)| !is_open(*index));
        let closed: Vec<Group> =
            groups.map(|(index, permits)| Group { last_us: end_us(*index), permits: *permits, lasted_us: 0 }).collect();
        let (first_us, permits) = (old.open.saturating_mul(sub_us), old.sum(old.open, old.open));
        let last_us = end_us(old.open).max(closed.last().map_or(0, |group| group.last_us));
        let open = Open { first_us, last_us, permits, wide_us: 0 };
        Some(Self { seen_us: first_us, open: Some(open), closed, middle: None })
    }

    pub(crate) fn encode(&self) -> String {
        let mut text = String::with_capacity(48 + 12 * self.closed.len());
        text.push_str("w2 ");
        push_number(&mut text, self.seen_us);
        match self.open {
            None => text.push_str(" -"),
            Some(open) => {
                let numbers = [(' ', open.first_us), (',', open.last_us - open.first_us), (',', open.permits)];
                for (before, number) in numbers {
                    text.push(before);
                    push_number(&mut text, number);
                }
                if open.wide_us > 0 {
                    text.push(',');
                    push_number(&mut text, open.wide_us);
                }
            }
        }
        push_groups(&mut text, &self.closed, self.middle());
        text
    }

    /// The index of the closed group that stands for those in the middle cell.
    pub(crate) fn middle(&self) -> Option<usize> {
        self.middle.map(|index| index as usize)
    }

    /// The time of the last permit in the closed groups.
    pub(crate) fn newest_us(&self) -> Option<u64> {
        self.closed.last().map(|group| group.last_us)
    }

    /// Permits in the closed groups that still count, by the times of their last permits.
    pub(crate) fn counted(&self, counts: impl Fn(u64) -> bool) -> u64 {
        let counting = self.closed.iter().rev().take_while(|group| counts(group.last_us));
        counting.map(|group| group.permits).fold(0, u64::saturating_add)
    }

    /// What stands for the middle.
    pub(crate) fn stands(&self) -> Option<Stands> {
        let index = self.middle()?;
        let after_us = index.checked_sub(1).map_or(0, |before| self.closed[before].last_us);
        Some(Stands { after_us, group: self.closed[index] })
    }

    /// Whether only the middle knows how many permits still count.
    pub(crate) fn asks_middle(&self, counts: impl Fn(u64) -> bool) -> bool {
        self.middle().is_some_and(|index| {
            let before = index.checked_sub(1).map(|before| self.closed[before].last_us);
            counts(self.closed[index].last_us) && !before.is_some_and(counts)
        })
    }

    /// Whether there are enough groups for some to go to the middle.
    pub(crate) fn is_long(&self) -> bool {
        self.closed.len() > 2 * ENDS
    }

    /// Replaces what stands for the middle by its groups. Where they are not known, what stands for
    /// them becomes a group like any other, which leaves no earlier than they would.
    pub(crate) fn expand(&mut self, groups: Option<Vec<Group>>) {
        let index = self.middle();
        self.middle = None;
        if let (Some(index), Some(groups)) = (index, groups) {
            self.closed.splice(index..=index, groups);
        }
    }

    /// Takes out what a middle cell is to hold, if there are many groups.
    pub(crate) fn fold(&mut self) -> Option<Vec<Group>> {
        if self.middle.is_some() || !self.is_long() {
            return None;
        }
        let middle = ENDS..self.closed.len() - 1;
        let permits = self.closed[middle.clone()].iter().map(|group| group.permits).sum();
        let last_us = self.closed[middle.end - 1].last_us;
        self.middle = to_u32(middle.start);
        Some(self.closed.splice(middle, [Group { last_us, permits, lasted_us: 0 }]).collect())
    }

    /// Drops the groups that no longer count.
    pub(crate) fn forget(&mut self, counts: impl Fn(u64) -> bool) {
        let gone = self.closed.partition_point(|group| !counts(group.last_us));
        self.closed.drain(..gone);
        self.middle = self.middle().and_then(|index| index.checked_sub(gone)).and_then(to_u32);
        self.open = self.open.filter(|open| counts(open.last_us));
    }

    /// Adds a closed group, or to the last one if they leave together.
    pub(crate) fn close(&mut self, group: Group) {
        let last_us = self.newest_us().map_or(group.last_us, |newest_us| newest_us.max(group.last_us));
        let (permits, lasted_us) = (group.permits.min(MAX_PERMITS), group.lasted_us);
        let is_middle = self.middle() == self.closed.len().checked_sub(1);
        match self.closed.last_mut() {
            Some(group) if group.last_us == last_us && !is_middle => {
                group.permits = (group.permits + permits).min(MAX_PERMITS);
                group.lasted_us = group.lasted_us.max(lasted_us);
            }
            _ if permits > 0 => self.closed.push(Group { last_us, permits, lasted_us }),
            _ => {}
        }
    }

    /// Whether the middle may hold a permit of that time. `may_be_later`: it may be counted with a
    /// later one.
    pub(crate) fn is_in_middle(&self, at_us: u64, may_be_later: bool) -> bool {
        let stands = self.stands();
        stands.is_some_and(|stands| (may_be_later || stands.after_us <= at_us) && at_us <= stands.group.last_us)
    }

    /// Takes up to this many permits of a time out of the closed group that they were counted in,
    /// which lasted `span_us` at most; what could not be taken. A time that ends one group may
    /// begin the next; a place may be with any that is later. What is taken out of a group before
    /// that leaves in its stead, and no later.
    pub(crate) fn take(&mut self, at_us: u64, span_us: u64, may_be_later: bool, mut permits: u64) -> u64 {
        let (first, middle) = (self.closed.partition_point(|group| group.last_us < at_us), self.middle());
        for index in first..self.closed.len() {
            let group = &mut self.closed[index];
            let is_beyond = group.last_us > at_us.saturating_add(span_us.max(group.lasted_us));
            if is_beyond && !may_be_later || middle == Some(index) {
                break;
            }
            let taken = permits.min(group.permits);
            (permits, group.permits) = (permits - taken, group.permits - taken);
            if permits == 0 || !may_be_later && group.last_us > at_us {
                break;
            }
        }
        // What stands for the middle holds permits, so it goes with nothing else.
        let emptied_before = |index: usize| self.closed[..index].iter().filter(|group| group.permits == 0).count();
        self.middle = self.middle().map(|index| index - emptied_before(index)).and_then(to_u32);
        self.closed.retain(|group| group.permits > 0);
        permits
    }
}

fn to_u32(index: usize) -> Option<u32> {
    u32::try_from(index).ok()
}

/// Decodes a middle cell, which must be the one that the head speaks of.
pub(crate) fn decode_middle(text: &str, stands: Stands) -> Option<Vec<Group>> {
    let Stands { after_us, group } = stands;
    let (groups, middle) = Reader::of(text, "m2")?.groups(group.last_us)?;
    let permits = groups.iter().map(|group| group.permits).fold(0, u64::saturating_add);
    let (first_us, last_us) = (groups.first()?.last_us, groups.last()?.last_us);
    (permits == group.permits && first_us >= after_us && last_us == group.last_us && middle.is_none()).then_some(groups)
}

pub(crate) fn encode_middle(groups: &[Group]) -> String {
    let mut text = String::with_capacity(24 + 12 * groups.len());
    text.push_str("m2");
    push_groups(&mut text, groups, None);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn groups(list: &[(u64, u64)]) -> Vec<Group> {
        list.iter().map(|(last_us, permits)| Group { last_us: *last_us, permits: *permits, lasted_us: 0 }).collect()
    }

    #[test]
    fn text_round_trips() {
        let open = Open { first_us: 90, last_us: 95, permits: 3, wide_us: 0 };
        let wide = Open { wide_us: 40, ..open };
        for (open, closed, middle) in [
            (None, groups(&[]), None),
            (Some(open), groups(&[]), None),
            (Some(wide), vec![Group { last_us: 7, permits: 3, lasted_us: 5 }], None),
            (Some(open), groups(&[(7, 10), (9, 1), (9, 4_294_967_295)]), None),
            (None, groups(&[(7, 10), (70, 5), (80, 1)]), Some(1)),
        ] {
            let head = Head { seen_us: 100, open, closed, middle };
            assert_eq!(Head::decode(&head.encode(), 100, 100), Some(head));
        }
        let head = Head { seen_us: 100, open: Some(open), closed: groups(&[(7, 10), (70, 1)]), middle: Some(0) };
        assert_eq!(head.encode(), "w2 100 90,5,3 +7:10 63");
        let closed = vec![Group { last_us: 7, permits: 3, lasted_us: 5 }];
        assert_eq!(Head { seen_us: 100, open: Some(wide), closed, middle: None }.encode(), "w2 100 90,5,3,40 7:3~5");
    }

    #[test]
    fn foreign_text_does_not_decode() {
        for text in [
            "",
            "w2",
            "w2 ",
            "w2 5",
            "w2 5 ",
            "w2 x -",
            "w2 05 -",
            "w1 5 -",
            "w2 5 - ",
            "w2 5 - 1:",
            "w2 5 - 1:0",
            "w2 5 - x",
            "w2 5 -1:1",
            "w2 5 - 1:1 -1:1",
            "w2 5 - +1:1 +1:1",
            "w2 5 - 51",
            "w2 5 1,1",
            "w2 5 1,1,x",
            "w2 5 1,1,1,",
            "w2 5 1,1,1,0",
            "w2 5 - 1~",
            "w2 5 - 1~0",
            "w2 5 1,50,1",
            "w2 5 1,1,4294967296",
            "w2 5 - 1:9007199254740993",
            "w2 6 -",
            "\u{0}",
        ] {
            assert_eq!(Head::decode(text, 5, 50), None, "{text:?}");
        }
    }

    #[test]
    fn long_head_folds_its_middle_and_expands_again() {
        let all: Vec<(u64, u64)> = (1..=40).map(|index| (10 * index, index)).collect();
        let mut head = Head { closed: groups(&all), ..Head::empty(500) };
        let whole = head.clone();
        let middle = head.fold().expect("it is long");
        assert_eq!((head.closed.len(), head.middle(), middle.len()), (ENDS + 2, Some(ENDS), 31));
        let stands = head.stands().expect("it has a middle");
        assert_eq!(stands, Stands { after_us: 80, group: head.closed[ENDS] });
        assert_eq!(head.counted(|_| true), whole.counted(|_| true));
        let asks = |us| head.asks_middle(|last_us| last_us > us);
        assert!(!asks(79) && asks(80) && asks(389) && !asks(390));
        assert_eq!(decode_middle(&encode_middle(&middle), stands), Some(middle.clone()));
        assert_eq!(decode_middle(&encode_middle(&middle), Stands { after_us: 91, ..stands }), None);
        assert_eq!(decode_middle(&encode_middle(&middle[1..]), stands), None);
        head.expand(Some(middle));
        assert_eq!(head, whole);
    }

    #[test]
    fn old_heads_read_as_groups() {
        let head = Head::decode_old("w1 100 -3:10 -1:7 0:2", 10, 1_005, 1_005);
        let open = Some(Open { first_us: 1_000, last_us: 1_009, permits: 2, wide_us: 0 });
        let closed = groups(&[(979, 10), (999, 7)]);
        assert_eq!(head, Some(Head { seen_us: 1_000, open, closed, middle: None }));
        let ahead = Head::decode_old("w1 100 2:4", 10, 1_005, 2_000).expect("it is ours");
        assert_eq!(ahead.open.map(|open| open.last_us), Some(1_029), "it leaves after those who have places ahead");
    }

    #[test]
    fn permits_are_taken_out_of_the_group_of_their_time() {
        let whole = Head { closed: groups(&[(10, 2), (20, 3), (20, 1), (40, 5)]), ..Head::empty(50) };
        for (at_us, permits, left, rest) in [
            (10, 2, 0, [0, 3, 1, 5]),
            (10, 9, 4, [0, 0, 1, 5]),
            (15, 1, 0, [2, 2, 1, 5]),
            (20, 4, 0, [2, 0, 0, 5]),
            (25, 1, 1, [2, 3, 1, 5]),
            (35, 9, 4, [2, 3, 1, 0]),
            (50, 1, 1, [2, 3, 1, 5]),
        ] {
            let mut head = whole.clone();
            assert_eq!(head.take(at_us, 10, false, permits), left, "{at_us}");
            let expected: Vec<u64> = rest.into_iter().filter(|permits| *permits > 0).collect();
            assert_eq!(head.closed.iter().map(|group| group.permits).collect::<Vec<u64>>(), expected, "{at_us}");
        }
    }
}
