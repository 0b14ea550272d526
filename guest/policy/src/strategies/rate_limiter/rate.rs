//! A bucket whose limit may be changed: what was charged under another limit counts.
//!
//! A bucket's number counts time in units that depend on its limit, so each limit has a cell of its
//! own, and one more cell says by which limit the bucket is counted now. `b1 100 0
//! 1763640072345678`: by 100 a window, from the first, and kept until that microsecond. Every run
//! reads it, and it changes only with the limit and once in a while to live on, so hosts that agree
//! do not conflict.
//!
//! *Another limit than one's own.* A charge moves the bucket to its own limit: as many permits are
//! lacking as before, rounded up. For a second after another host has changed to a lower limit, a
//! host goes by that one, with the burst of its own settings. A permit is the same in both. So
//! hosts that do not agree, as in the middle of a roll-out, replace values twice a second and not
//! with every call, and between them no more go at once than the greatest burst.
//!
//! What was charged before a change is not given back any more: since then it may have come back at
//! another rate.

use alloc::string::String;

use crate::kv::{Kv, MAX_LAG_MS, MAX_NUMBER};
use crate::text::push_number;

use super::bucket::{Bucket, BucketModel};
use super::geometry::bucket_geometry;
use super::model::{Charge, Model};
use super::role::Role;
use super::stand::Standing;
use crate::parts::cells::{Cells, Reading};

/// How long a host goes by another's limit that is lower.
const AGREES_US: u64 = 1_000_000;
/// The cell is kept at least this long beyond its use, so that it need not be put with every call.
const SPARE_US: u64 = 1_000_000;

/// What a bucket is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rate {
    pub(crate) limit: u32,
    pub(crate) window_us: u64,
    pub(crate) burst: u32,
    pub(crate) max_wait_us: u64,
    /// How far ahead other limits may have placed what is charged here.
    pub(crate) ahead_us: u64,
    /// How many buckets of the same window come before it.
    pub(crate) ordinal: u32,
}

/// A bucket that is counted by whichever limit it was last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rated {
    rate: Rate,
    own: Bucket,
    field: u32,
}

/// By which limit a bucket is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Current {
    limit: u32,
    /// Since when; 0: from the first.
    since_us: u64,
    until_us: u64,
}

/// The bucket that counts, and whether it is to be moved to one's own limit.
struct Found {
    bucket: Bucket,
    current: Option<Current>,
    moves: bool,
}

impl Rate {
    fn bucket(self) -> Bucket {
        let geometry = bucket_geometry(self.window_us, Some(self.limit), self.ordinal);
        Bucket::new(geometry, self.limit, self.window_us, self.burst, self.max_wait_us).placed_by_others(self.ahead_us)
    }
}

impl Rated {
    pub(crate) fn new(rate: Rate) -> Self {
        let field = bucket_geometry(rate.window_us, None, rate.ordinal) | Role::Rate as u32;
        Self { rate, own: rate.bucket(), field }
    }

    pub(crate) fn capacity(&self) -> u32 {
        self.own.capacity()
    }

    /// Charges now, or at the first place up to `until_us`: the place, and the bucket after it.
    pub(crate) fn charge<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        until_us: u64,
        permits: u32,
    ) -> Result<(u64, BucketModel), BucketModel> {
        let found = self.find(cells, now_us);
        if found.moves {
            let model = self.moved(cells, &found, now_us);
            if model.earliest_us(permits, now_us) > until_us {
                return Err(model);
            }
            self.move_to(cells, &found, &model, now_us);
            return self.own.charge(cells, now_us, until_us, permits);
        }
        let charged = found.bucket.charge(cells, now_us, until_us, permits)?;
        self.keep(cells, &found, now_us, found.bucket.use_us());
        Ok(charged)
    }

    /// Whether a charge would fit now, without charging and without conflict.
    pub(crate) fn check<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        permits: u32,
    ) -> Result<BucketModel, BucketModel> {
        let found = self.find(cells, now_us);
        if !found.moves {
            return found.bucket.check(cells, now_us, permits);
        }
        let model = self.moved(cells, &found, now_us);
        if model.earliest_us(permits, now_us) > now_us { Err(model) } else { Ok(model) }
    }

    /// Stands by one's own limit, until what says so is due to be put again.
    pub(crate) fn stands<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64) -> Option<Standing> {
        let found = self.find(cells, now_us);
        let current = found.current.filter(|current| current.limit == self.rate.limit)?;
        self.own.stands(now_us, (current.until_us + 1).saturating_sub(self.own.use_us()))
    }

    /// Charges in any case; see [`Bucket::owe`].
    pub(crate) fn owe<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        permits: u32,
    ) -> Result<BucketModel, BucketModel> {
        let mut found = self.find(cells, now_us);
        if found.moves {
            let model = self.moved(cells, &found, now_us);
            found = self.move_to(cells, &found, &model, now_us);
        }
        let (owed, use_us) = found.bucket.owe(cells, now_us, permits);
        self.keep(cells, &found, now_us, use_us);
        owed
    }

    /// The state; by which limit it counts is validated in any case, for it says which number is
    /// read.
    pub(crate) fn load<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, reading: Reading) -> BucketModel {
        let found = self.find(cells, now_us);
        let model = found.bucket.load(cells, reading);
        if found.moves { self.own.counting(&model, now_us) } else { model }
    }

    /// Stores what was loaded, validated, and charged.
    pub(crate) fn store<K: Kv>(&self, cells: &mut Cells<'_, K>, model: &BucketModel, now_us: u64) {
        let found = self.find(cells, now_us);
        if found.moves {
            self.move_to(cells, &found, model, now_us);
        } else {
            found.bucket.store(cells, model);
            self.keep(cells, &found, now_us, found.bucket.use_us());
        }
    }

    /// Gives permits back; `places`: they may be a place that is still to come.
    pub(crate) fn refund<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        charge: Charge,
        permits: u32,
        places: bool,
    ) {
        let found = self.find(cells, now_us);
        let since_us = found.current.map_or(0, |current| current.since_us);
        // The host that changed it may have been behind.
        if since_us > 0 && charge.at_us < since_us + MAX_LAG_MS * 1_000 {
            return;
        }
        if places {
            found.bucket.refund_place(cells, now_us, charge, permits);
        } else {
            found.bucket.refund(cells, now_us, charge, permits);
        }
    }

    pub(crate) fn reset<K: Kv>(&self, cells: &mut Cells<'_, K>) {
        let other = cells.read(Reading::Validated, self.field, decode);
        if let Some(other) = other.filter(|other| other.limit != self.rate.limit && self.is_sound(other)) {
            self.by(other.limit).reset(cells);
        }
        self.own.reset(cells);
        cells.delete(self.field);
    }

    fn is_sound(&self, current: &Current) -> bool {
        current.limit > 0 && u64::from(current.limit) <= self.rate.window_us
    }

    /// The bucket as another limit counts it, with this host's burst.
    fn by(&self, limit: u32) -> Bucket {
        Rate { limit, ..self.rate }.bucket()
    }

    fn find<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64) -> Found {
        let latest_us = now_us.saturating_add(MAX_LAG_MS * 1_000);
        let read = |text: &str| decode(text).filter(|it| self.is_sound(it) && it.since_us <= latest_us);
        let current = cells.read(Reading::Validated, self.field, read);
        match current {
            Some(other) if other.limit != self.rate.limit => {
                let moves = other.limit > self.rate.limit || now_us >= other.since_us.saturating_add(AGREES_US);
                Found { bucket: self.by(other.limit), current, moves }
            }
            _ => Found { bucket: self.own, current, moves: false },
        }
    }

    /// As many permits lacking as the bucket that counts lacks.
    fn moved<K: Kv>(&self, cells: &mut Cells<'_, K>, found: &Found, now_us: u64) -> BucketModel {
        let model = found.bucket.load(cells, Reading::Validated);
        self.own.counting(&model, now_us)
    }

    /// Moves the bucket to one's own limit.
    fn move_to<K: Kv>(&self, cells: &mut Cells<'_, K>, found: &Found, model: &BucketModel, now_us: u64) -> Found {
        let use_us = self.own.use_us().max(model.usage(now_us).reset_us.saturating_sub(now_us));
        self.own.store_for(cells, model, use_us);
        found.bucket.reset(cells);
        let current = Current { limit: self.rate.limit, since_us: now_us, until_us: 0 };
        let found = Found { bucket: self.own, current: Some(current), moves: false };
        self.keep(cells, &found, now_us, use_us);
        Found { current: Some(Current { until_us: until_us(now_us, use_us), ..current }), ..found }
    }

    /// Sees to it that what says by which limit a number counts lives as long as the number.
    fn keep<K: Kv>(&self, cells: &mut Cells<'_, K>, found: &Found, now_us: u64, use_us: u64) {
        let first = Current { limit: self.rate.limit, since_us: 0, until_us: 0 };
        let current = found.current.unwrap_or(first);
        if current.until_us < now_us.saturating_add(use_us) {
            let until_us = until_us(now_us, use_us);
            cells.put(self.field, &encode(Current { until_us, ..current }), until_us - now_us);
        }
    }
}

fn until_us(now_us: u64, use_us: u64) -> u64 {
    now_us.saturating_add(use_us).saturating_add(use_us.max(SPARE_US)).min(MAX_NUMBER)
}

fn decode(text: &str) -> Option<Current> {
    let mut words = text.strip_prefix("b1 ")?.split(' ');
    let limit = words.next()?.parse().ok()?;
    let current = Current { limit, since_us: words.next()?.parse().ok()?, until_us: words.next()?.parse().ok()? };
    (words.next().is_none() && current.until_us <= MAX_NUMBER).then_some(current)
}

fn encode(current: Current) -> String {
    let mut text = String::from("b1");
    for number in [u64::from(current.limit), current.since_us, current.until_us] {
        text.push(' ');
        push_number(&mut text, number);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        let current = Current { limit: 100, since_us: 0, until_us: 1_763_640_072_345_678 };
        assert_eq!(encode(current), "b1 100 0 1763640072345678");
        assert_eq!(decode("b1 100 0 1763640072345678"), Some(current));
    }

    #[test]
    fn foreign_text_does_not_decode() {
        for text in ["", "b1", "b1 ", "b2 1 0 1", "b1 1 0", "b1 1 0 1 1", "b1 x 0 1", "b1 1 0 9007199254740993"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }
}
