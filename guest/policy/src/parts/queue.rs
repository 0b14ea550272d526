//! The queue of an entity: who waits, in the order in which they will go.
//!
//! One cell: `q1 1763640012345678 0,5,1,250000 120,0,2,350000` holds, counted from that
//! microsecond, a waiter who came at once with priority 5 and cost 1 and was told to come back 250
//! ms after it came, and one who came 120 us later. A waiter's ticket is the time it came at, made
//! unique, so its deadline follows from the ticket alone and a waiter that the store has lost can
//! be put back where it was.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Reverse;

use crate::kv::{Kv, MAX_LAG_MS};
use crate::text::push_number;

use super::cells::{Cells, Reading};

/// More waiters than a queue can hold; what claims to hold more is not ours.
const MAX_WAITERS: usize = 20_000;

/// The queue's settings, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Queue {
    pub(crate) max_size: usize,
    pub(crate) timeout_us: u64,
    pub(crate) grace_us: u64,
}

impl Queue {
    /// When a waiter will have waited too long.
    pub(crate) fn deadline_us(&self, ticket: u64) -> u64 {
        ticket.saturating_add(self.timeout_us)
    }

    /// Whether even one who was told to come at its deadline, and was late, has lost its rank.
    pub(crate) fn is_stale(&self, ticket: u64, now_us: u64) -> bool {
        self.deadline_us(ticket).saturating_add(self.grace_us) < now_us
    }
}

/// One who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waiter {
    pub(crate) ticket: u64,
    pub(crate) priority: i32,
    pub(crate) cost: u32,
    /// When it was told to come back, in whole milliseconds from then.
    pub(crate) due_us: u64,
}

impl Waiter {
    /// Higher priority goes first, then who came first.
    fn rank(&self) -> (Reverse<i32>, u64) {
        (Reverse(self.priority), self.ticket)
    }
}

/// All who wait, in the order in which they will go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Waiters(Vec<Waiter>);

impl Waiters {
    /// Reads it from the cell of this field.
    pub(crate) fn load<K: Kv>(cells: &mut Cells<'_, K>, field: u32, now_us: u64, reading: Reading) -> Self {
        cells.read(reading, field, |text| decode(text, latest_ticket(now_us))).unwrap_or_default()
    }

    /// Writes it into the cell of this field.
    pub(crate) fn store<K: Kv>(&self, cells: &mut Cells<'_, K>, field: u32, queue: &Queue, now_us: u64) {
        match self.0.iter().map(|waiter| waiter.ticket).max() {
            None => cells.delete(field),
            Some(last) => {
                let use_us = queue.deadline_us(last).saturating_sub(now_us);
                cells.put(field, &encode(&self.0), use_us);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Drops those whose time is over, but for the one who is asking.
    pub(crate) fn purge(&mut self, queue: &Queue, now_us: u64, asking: u64) {
        self.0.retain(|w| w.ticket == asking || queue.deadline_us(w.ticket) > now_us);
    }

    /// When the first of them will have waited too long.
    pub(crate) fn first_deadline_us(&self, queue: &Queue) -> Option<u64> {
        self.0.iter().map(|waiter| queue.deadline_us(waiter.ticket)).min()
    }

    /// The ticket of one who asks: its own if it can be ours, else one that nobody holds.
    pub(crate) fn ticket(&self, asked: u64, now_us: u64) -> u64 {
        if (1..=latest_ticket(now_us)).contains(&asked) {
            return asked;
        }
        self.0.iter().map(|waiter| waiter.ticket + 1).fold(now_us, u64::max)
    }

    /// Those who go before `asking`, or all for one who does not queue. One who is late by more
    /// than the grace is passed over until it comes.
    pub(crate) fn ahead_of(
        &self,
        asking: Option<&Waiter>,
        queue: &Queue,
        now_us: u64,
    ) -> impl Iterator<Item = &Waiter> + Clone {
        let last = asking.map(Waiter::rank);
        let grace_us = queue.grace_us;
        self.0
            .iter()
            .take_while(move |waiter| last.is_none_or(|last| waiter.rank() < last))
            .filter(move |waiter| waiter.due_us.saturating_add(grace_us) >= now_us)
    }

    /// Takes a waiter out.
    pub(crate) fn remove(&mut self, ticket: u64) -> Option<Waiter> {
        let found = self.0.iter().position(|waiter| waiter.ticket == ticket)?;
        Some(self.0.remove(found))
    }

    /// Puts a waiter at its position, and says which that is, counted from 1.
    pub(crate) fn insert(&mut self, waiter: Waiter) -> usize {
        let index = self.0.partition_point(|other| other.rank() < waiter.rank());
        self.0.insert(index, waiter);
        index + 1
    }
}

/// Tickets are times of arrival: no later than now on another host, and made unique by counting on.
fn latest_ticket(now_us: u64) -> u64 {
    now_us.saturating_add(MAX_LAG_MS * 1_000 + MAX_WAITERS as u64)
}

fn decode(text: &str, latest_ticket: u64) -> Option<Waiters> {
    let mut words = text.strip_prefix("q1 ")?.split(' ');
    let base: u64 = words.next()?.parse().ok()?;
    let mut waiters: Vec<Waiter> = Vec::new();
    for word in words {
        let waiter = decode_waiter(word, base)?;
        let in_order = waiters.last().is_none_or(|last| last.rank() < waiter.rank());
        if !in_order || waiter.ticket > latest_ticket || waiters.len() >= MAX_WAITERS {
            return None;
        }
        waiters.push(waiter);
    }
    (!waiters.is_empty()).then_some(Waiters(waiters))
}

fn decode_waiter(word: &str, base: u64) -> Option<Waiter> {
    let mut parts = word.split(',');
    let ticket = base.checked_add(parts.next()?.parse().ok()?)?;
    let priority = parts.next()?.parse().ok()?;
    let cost = parts.next()?.parse().ok().filter(|cost| *cost > 0)?;
    let due_us = ticket.checked_add(parts.next()?.parse().ok()?)?;
    parts.next().is_none().then_some(Waiter { ticket, priority, cost, due_us })
}

fn encode(waiters: &[Waiter]) -> String {
    let base = waiters.iter().map(|waiter| waiter.ticket).min().unwrap_or(0);
    let mut text = String::with_capacity(20 + 24 * waiters.len());
    text.push_str("q1 ");
    push_number(&mut text, base);
    for w in waiters {
        let (came, due) = (w.ticket - base, w.due_us.saturating_sub(w.ticket));
        text.push(' ');
        push_number(&mut text, came);
        text.push_str(if w.priority < 0 { ",-" } else { "," });
        for number in [u64::from(w.priority.unsigned_abs()), u64::from(w.cost), due] {
            push_number(&mut text, number);
            text.push(',');
        }
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn text_round_trips_in_order() {
        let mut waiters = Waiters::default();
        for (ticket, priority) in [(1_000, 0), (1_001, 5), (1_002, -3), (1_003, 5)] {
            waiters.insert(Waiter { ticket, priority, cost: 2, due_us: ticket + 7 });
        }
        assert_eq!(encode(&waiters.0), "q1 1000 1,5,2,7 3,5,2,7 0,0,2,7 2,-3,2,7");
        assert_eq!(decode(&encode(&waiters.0), 2_000), Some(waiters));
    }

    #[test]
    fn foreign_text_does_not_decode() {
        let last = "18446744073709551615";
        let texts = vec![
            "",
            "q1",
            "q1 5",
            "q2 5 0,0,1,0",
            "q1 5 0,0,0,0",
            "q1 5 0,0,1",
            "q1 5 0,0,1,0,0",
            "q1 5 1,0,1,0 0,0,1,0",
            "q1 5 0,9999999999,1,0",
            "q1 50 51,0,1,0",
            "q1 x 0,0,1,0",
        ];
        for text in texts {
            assert_eq!(decode(text, 100), None, "{text:?}");
        }
        assert_eq!(decode(&alloc::format!("q1 {last} 1,0,1,0"), u64::MAX), None);
    }
}
