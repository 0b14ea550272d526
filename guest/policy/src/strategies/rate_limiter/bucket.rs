//! GCRA and token bucket: one number, the time at which the bucket will be full (the theoretical
//! arrival time).
//!
//! Source: ATM Forum, Traffic Management Specification 4.0, section 4.4.2 (virtual scheduling). A
//! bucket of `burst` tokens that refills continuously is the same thing seen from the other side.
//!
//! Time is counted in *units* in which a permit is a whole number, so that a rate is exact whatever
//! it is: `PER_PERMIT` = floor(2 * window / limit), and a time of t microseconds is
//! floor(t * limit * `PER_PERMIT` / window) units, between one and two a microsecond. With at least
//! one unit a microsecond the rounding of times cannot admit a permit too many: n permits in
//! (a, a + D] need
//! `n <= burst + (units(t_n) - units(t_1)) / PER_PERMIT < burst + D * limit / window`.

use crate::kv::{Kv, MAX_NUMBER};

use super::model::{Charge, DEBT_WINDOWS, Model, Usage, saturate};
use super::returned::{Owing, Returned};
use super::role::Role;
use super::stand::{Move, Standing};
use crate::parts::cells::{Cells, Reading, ttl_ms};

/// A rate with a burst.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    field: u32,
    burst: u32,
    per_permit: u64,
    /// Units a microsecond as a reduced fraction.
    units: u64,
    micros: u64,
    /// How long a full burst takes to come back, plus the longest wait.
    use_us: u64,
    max_wait_us: u64,
    /// How far ahead other limits may have placed what is charged here.
    ahead_us: u64,
    /// The most that is owed beyond a full burst, in units.
    most_owed: u64,
    returned: Returned,
}

/// When the bucket will be full.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BucketModel {
    bucket: Bucket,
    full: u64,
}

impl Bucket {
    /// At most 1 permit a microsecond; the configuration check sees to it.
    pub(crate) fn new(geometry: u32, limit: u32, window_us: u64, burst: u32, max_wait_us: u64) -> Self {
        let per_permit = 2 * window_us / u64::from(limit);
        let units = per_permit * u64::from(limit);
        let divisor = gcd(units, window_us);
        let mut bucket = Self {
            field: geometry | Role::Full as u32,
            burst,
            per_permit,
            units: units / divisor,
            micros: window_us / divisor,
            use_us: 0,
            max_wait_us,
            ahead_us: 0,
            most_owed: units.saturating_mul(DEBT_WINDOWS),
            returned: Returned::new(geometry, 0),
        };
        bucket.use_us = bucket.us_at(bucket.room()).saturating_add(max_wait_us);
        bucket.returned = Returned::new(geometry, bucket.use_us);
        bucket
    }

    pub(crate) fn placed_by_others(self, ahead_us: u64) -> Self {
        Self { ahead_us, ..self }
    }

    pub(crate) fn capacity(&self) -> u32 {
        self.burst
    }

    /// A full burst, in units.
    fn room(&self) -> u64 {
        u64::from(self.burst) * self.per_permit
    }

    fn cost(&self, permits: u32) -> u64 {
        u64::from(permits) * self.per_permit
    }

    /// The units that have begun by a time.
    fn units_at(&self, us: u64) -> u64 {
        scale(us, self.units, self.micros, false)
    }

    /// The first time by which this many units have begun.
    fn us_at(&self, units: u64) -> u64 {
        scale(units, self.micros, self.units, true)
    }

    fn ceiling_at(&self, us: u64) -> u64 {
        self.units_at(us).saturating_add(self.room()).min(MAX_NUMBER)
    }

    /// How long a number is of use.
    pub(crate) fn use_us(&self) -> u64 {
        self.use_us
    }

    /// As many permits lacking as in another bucket's state, rounded up.
    pub(crate) fn counting(&self, other: &BucketModel, now_us: u64) -> BucketModel {
        let lacking = other.full.saturating_sub(other.bucket.units_at(now_us));
        let lacking = scale(lacking, self.per_permit, other.bucket.per_permit, true);
        self.model(self.units_at(now_us).saturating_add(lacking).min(MAX_NUMBER))
    }

    fn model(&self, full: u64) -> BucketModel {
        BucketModel { bucket: *self, full }
    }

    /// Charges now, or at the first place up to `until_us`: the place, and the bucket after it.
    pub(crate) fn charge<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        until_us: u64,
        permits: u32,
    ) -> Result<(u64, BucketModel), BucketModel> {
        let floor = self.units_at(now_us);
        match cells.advance(self.field, self.cost(permits), floor, self.ceiling_at(until_us), self.use_us) {
            Ok(full) => Ok((self.us_at(full.saturating_sub(self.room())).max(now_us), self.model(full))),
            Err(full) => Err(self.model(full)),
        }
    }

    /// Whether a charge would fit now, without charging and without conflict.
    pub(crate) fn check<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        permits: u32,
    ) -> Result<BucketModel, BucketModel> {
        let ceiling = self.ceiling_at(now_us) - self.cost(permits);
        match cells.advance(self.field, 0, self.units_at(now_us), ceiling, self.use_us) {
            Ok(full) => Ok(self.model(full)),
            Err(full) => Err(self.model(full)),
        }
    }

    /// The move of a charge from now on, unless its numbers grow too large.
    pub(crate) fn stands(&self, now_us: u64, until_us: u64) -> Option<Standing> {
        let (room, floor) = (self.room(), self.units_at(now_us));
        let rises = until_us.saturating_sub(now_us).checked_mul(self.units)?;
        let highest = floor.checked_add(room)?.checked_add(rises / self.micros + 1)?;
        // A host multiplies at most this.
        room.checked_add(rises)?.checked_mul(self.micros.max(self.units))?;
        let product = u128::from(now_us) * u128::from(self.units);
        let carry = u64::try_from(product % u128::from(self.micros)).ok()?;
        let one = Move {
            field: self.field,
            step: self.per_permit,
            floor,
            ceiling: floor + room,
            full: floor + room,
            ttl_ms: ttl_ms(self.use_us),
            lives_until_us: 0,
            rise: self.units,
            over: self.micros,
            carry,
            last: None,
            after_us: 0,
            limit: self.burst,
        };
        (highest <= MAX_NUMBER).then_some(Standing { until_us, one, resets_at_us: 0, resets_in_us: 0 })
    }

    /// Charges in any case, and says for how long that is of use. A number must not steer how long
    /// it is kept, so the reach of the debt is found by verdicts.
    pub(crate) fn owe<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        permits: u32,
    ) -> (Result<BucketModel, BucketModel>, u64) {
        let floor = self.units_at(now_us);
        let most = self.ceiling_at(now_us).saturating_add(self.most_owed).min(MAX_NUMBER);
        let step = u64::from(permits).saturating_mul(self.per_permit);
        let mut reach = self.room().max(1);
        loop {
            let ceiling = floor.saturating_add(reach).min(most);
            let use_us = self.us_at(ceiling.saturating_sub(floor)).saturating_add(self.max_wait_us);
            if let Ok(full) = cells.advance(self.field, step, floor, ceiling, use_us) {
                return (Ok(self.model(full)), use_us);
            }
            if ceiling == most {
                // What is owed beyond that is forgotten.
                let (Ok(full) | Err(full)) = cells.advance(self.field, 1, most - 1, most, use_us);
                return (Err(self.model(full)), use_us);
            }
            reach = reach.saturating_mul(2).max(step);
        }
    }

    pub(crate) fn load<K: Kv>(&self, cells: &mut Cells<'_, K>, reading: Reading) -> BucketModel {
        self.model(cells.read_number(reading, self.field))
    }

    pub(crate) fn store<K: Kv>(&self, cells: &mut Cells<'_, K>, model: &BucketModel) {
        self.store_for(cells, model, self.use_us);
    }

    /// Stores what is of use for `use_us` more microseconds.
    pub(crate) fn store_for<K: Kv>(&self, cells: &mut Cells<'_, K>, model: &BucketModel, use_us: u64) {
        let text = alloc::string::ToString::to_string(&model.full);
        cells.put(self.field, &text, use_us);
    }

    /// Gives back what has not come back by itself of permits that were charged at `charged_at_us`,
    /// when the bucket was due to be full at `full_at_us`; why that much: see `returned.rs`.
    pub(crate) fn refund<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, charge: Charge, permits: u32) {
        let cost = u64::from(permits).saturating_mul(self.per_permit).min(self.room().saturating_add(self.most_owed));
        // What was charged since then may count from a place to come.
        let now = self.units_at(now_us.saturating_add(self.ahead_us));
        let charged = self.units_at(charge.at_us);
        // A debt may matter for longer than is known of refunds.
        let is_known = now_us <= charge.at_us.saturating_add(self.use_us);
        let due = if is_known { self.units_at(charge.full_at_us).max(charged) } else { charged };
        let allowance = due.saturating_add(cost).saturating_sub(now);
        let sure = charged.saturating_add(cost).saturating_sub(now).min(cost);
        let owing = Owing { sure, most: allowance.min(cost), allowance };
        if owing.most > 0 {
            let since_us = charge.at_us.saturating_sub(self.max_wait_us);
            let given = self.returned.note(cells, now_us, since_us, owing);
            cells.retreat(self.field, given);
        }
    }

    /// Gives back a place that may lie in the future. The others were told their places already. So
    /// only the last place of all can go to another call: at an earlier one, it would come too
    /// close to the call before it.
    pub(crate) fn refund_place<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, charge: Charge, permits: u32) {
        let model = self.load(cells, Reading::Validated);
        let last_place_us = self.us_at(model.full.saturating_sub(self.room()));
        // Where another limit chose places, the last of them is not known here.
        if self.ahead_us > 0 || last_place_us <= now_us {
            self.refund(cells, now_us, charge, permits);
        } else if last_place_us == charge.at_us {
            self.store(cells, &self.model(model.full.saturating_sub(self.cost(permits.min(self.burst)))));
        }
    }

    pub(crate) fn reset<K: Kv>(&self, cells: &mut Cells<'_, K>) {
        cells.delete(self.field);
        self.returned.reset(cells);
    }
}

impl BucketModel {
    /// When it was due to be full before this many permits were charged.
    pub(crate) fn full_before_us(&self, permits: u32) -> u64 {
        let before = self.full.saturating_sub(u64::from(permits).saturating_mul(self.bucket.per_permit));
        scale(before, self.bucket.micros, self.bucket.units, false)
    }
}

impl Model for BucketModel {
    fn seen_us(&self) -> u64 {
        0
    }

    fn earliest_us(&self, permits: u32, from_us: u64) -> u64 {
        let needed = self.full.saturating_add(self.bucket.cost(permits)).saturating_sub(self.bucket.room());
        self.bucket.us_at(needed).max(from_us)
    }

    fn charge(&mut self, permits: u32, at_us: u64) {
        let base = self.full.max(self.bucket.units_at(at_us));
        self.full = base.saturating_add(self.bucket.cost(permits));
    }

    fn usage(&self, now_us: u64) -> Usage {
        let taken = self.full.saturating_sub(self.bucket.units_at(now_us));
        Usage {
            count: saturate(taken.div_ceil(self.bucket.per_permit)),
            limit: self.bucket.burst,
            remaining: saturate(self.bucket.room().saturating_sub(taken) / self.bucket.per_permit),
            reset_us: if taken == 0 { now_us } else { self.bucket.us_at(self.full) },
        }
    }
}

/// `value * times / over`, rounded down or up. Nearly every rate has a ratio so small that the
/// product fits in 64 bits; else splitting off the whole part does in most others. This is run
/// several times in a decision.
fn scale(value: u64, times: u64, over: u64, up: bool) -> u64 {
    if times < 1 << 11 && value <= MAX_NUMBER {
        return divide(value * times, over, up);
    }
    let (whole, rest) = (value / over, value % over);
    let rest = match rest.checked_mul(times) {
        Some(product) => divide(product, over, up),
        None => scale_wide(rest, times, over, up),
    };
    whole.saturating_mul(times).saturating_add(rest)
}

fn divide(value: u64, over: u64, up: bool) -> u64 {
    match over {
        1 => value,
        _ if up => value.div_ceil(over),
        _ => value / over,
    }
}

#[cold]
fn scale_wide(value: u64, times: u64, over: u64, up: bool) -> u64 {
    let product = u128::from(value) * u128::from(times);
    let over = u128::from(over);
    let result = if up { product.div_ceil(over) } else { product / over };
    u64::try_from(result).unwrap_or(u64::MAX)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR_2026_US: u64 = 1_795_000_000_000_000;

    /// The first time at which a unit has begun is the inverse of counting units.
    #[test]
    fn units_and_times_are_inverse() {
        for (limit, window_us) in [(1, 2_678_400_000_000), (1_000_000, 1_000_000), (999_999, 1_000_000), (7, 1_000_000)]
        {
            let bucket = Bucket::new(0, limit, window_us, limit, 0);
            for t in [YEAR_2026_US, YEAR_2026_US + 1, YEAR_2026_US + 333_333] {
                let units = bucket.units_at(t);
                assert!(bucket.us_at(units) <= t, "{limit}/{window_us}");
                assert!(bucket.us_at(units + 1) > t, "{limit}/{window_us}");
            }
        }
    }

    /// However the product is taken, it is the same.
    #[test]
    fn scaling_is_exact_on_every_path() {
        let values = [0, 1, 999, YEAR_2026_US, MAX_NUMBER - 1, MAX_NUMBER, MAX_NUMBER + 1];
        for (times, over) in
            [(1, 1), (2, 1), (2_047, 3), (2_048, 3), (2_049, 2_000_003), (63_000_000_000_001, 31_622_400)]
        {
            for value in values {
                let exact = u128::from(value) * u128::from(times);
                let (down, up) = (exact / u128::from(over), exact.div_ceil(u128::from(over)));
                let saturated = |number| u64::try_from(number).unwrap_or(u64::MAX);
                assert_eq!(scale(value, times, over, false), saturated(down), "{value} * {times} / {over}");
                assert_eq!(scale(value, times, over, true), saturated(up), "{value} * {times} / {over}");
            }
        }
    }

    #[test]
    fn a_microsecond_is_at_least_one_unit() {
        for (limit, window_us) in
            [(1, 1_000), (1_000_000_000, 86_400_000_000), (999_999, 1_000_000), (1, 31_622_400_000_000)]
        {
            let bucket = Bucket::new(0, limit, window_us, 1, 0);
            assert!(bucket.units >= bucket.micros, "{limit}/{window_us}");
            assert!(bucket.units <= 2 * bucket.micros, "{limit}/{window_us}");
        }
    }
}
