//! What all algorithms have in common: a meter counts the permits of one limit.

use crate::kv::{Kv, MAX_LAG_MS};

use super::bucket::BucketModel;
use super::group_model::GroupModel;
use super::group_rules::Grouped;
use super::log::{Log, LogModel};
use super::model::{Charge, DEBT_WINDOWS, Model, Usage};
use super::rate::Rated;
use super::stand::Standing;
use super::window_model::WindowModel;
use super::window_rules::Windowed;
use crate::parts::cells::{Cells, Reading};

/// Charges permits that are owed: as many as fit now, and the rest into the places that come next.
/// Whether all of it fit now.
fn owe(model: &mut MeterModel, permits: u32, now_us: u64, latest_us: u64) -> bool {
    let (mut from_us, mut owed) = (now_us, permits);
    for _ in 0..=DEBT_WINDOWS {
        let (at_us, part) = model.next_debt(owed, from_us);
        if owed == 0 || at_us > latest_us {
            break;
        }
        model.charge(part, at_us);
        (from_us, owed) = (at_us, owed - part);
    }
    owed == 0 && from_us == now_us
}

/// One limit, by whichever algorithm.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Meter {
    Bucket(Rated),
    Grouped(Grouped),
    Windowed(Windowed),
    Log(Log),
}

/// The state of a [`Meter`].
#[derive(Debug, Clone)]
pub(crate) enum MeterModel {
    Bucket(BucketModel),
    Grouped(GroupModel),
    Windowed(WindowModel),
    Log(LogModel),
}

/// A fit, or what stood in the way: the state either way.
pub(crate) type Fit = Result<MeterModel, MeterModel>;

impl Meter {
    /// The most permits that can ever fit at once.
    pub(crate) fn capacity(&self) -> u32 {
        match self {
            Self::Bucket(bucket) => bucket.capacity(),
            Self::Grouped(grouped) => grouped.capacity(),
            Self::Windowed(window) => window.capacity(),
            Self::Log(log) => log.capacity(),
        }
    }

    /// Charges now if it fits: on success the time it counts at, too.
    pub(crate) fn charge<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        permits: u32,
    ) -> Result<(u64, MeterModel), MeterModel> {
        match self {
            Self::Bucket(bucket) => match bucket.charge(cells, now_us, now_us, permits) {
                Ok((_, model)) => Ok((now_us, MeterModel::Bucket(model))),
                Err(model) => Err(MeterModel::Bucket(model)),
            },
            Self::Grouped(grouped) => match grouped.charge(cells, now_us, permits) {
                Ok((at_us, model)) => Ok((at_us, MeterModel::Grouped(model))),
                Err(model) => Err(MeterModel::Grouped(model)),
            },
            Self::Windowed(window) => match window.charge(cells, now_us, permits) {
                Ok((at_us, model)) => Ok((at_us, MeterModel::Windowed(model))),
                Err(model) => Err(MeterModel::Windowed(model)),
            },
            Self::Log(log) => match log.charge(cells, now_us, permits) {
                Ok((at_us, model)) => Ok((at_us, MeterModel::Log(model))),
                Err(model) => Err(MeterModel::Log(model)),
            },
        }
    }

    /// Whether a charge would fit now: changes nothing and conflicts with nobody's charge.
    pub(crate) fn check<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, permits: u32) -> Fit {
        match self {
            Self::Bucket(bucket) => {
                bucket.check(cells, now_us, permits).map(MeterModel::Bucket).map_err(MeterModel::Bucket)
            }
            Self::Grouped(grouped) => {
                grouped.check(cells, now_us, permits).map(MeterModel::Grouped).map_err(MeterModel::Grouped)
            }
            Self::Windowed(window) => {
                window.check(cells, now_us, permits).map(MeterModel::Windowed).map_err(MeterModel::Windowed)
            }
            Self::Log(log) => log.check(cells, now_us, permits).map(MeterModel::Log).map_err(MeterModel::Log),
        }
    }

    /// The move by which it is charged from now on, and for how long, if that needs no run.
    pub(crate) fn stands<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64) -> Option<Standing> {
        match self {
            Self::Bucket(bucket) => bucket.stands(cells, now_us),
            Self::Grouped(grouped) => grouped.stands(cells, now_us),
            Self::Windowed(window) => window.stands(cells, now_us),
            Self::Log(_) => None,
        }
    }

    /// Reads the state.
    pub(crate) fn load<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, reading: Reading) -> MeterModel {
        match self {
            Self::Bucket(bucket) => MeterModel::Bucket(bucket.load(cells, now_us, reading)),
            Self::Grouped(grouped) => MeterModel::Grouped(grouped.load(cells, now_us, reading)),
            Self::Windowed(window) => MeterModel::Windowed(window.load(cells, now_us, reading)),
            Self::Log(log) => MeterModel::Log(log.load(cells, now_us, reading)),
        }
    }

    /// Charges permits in any case, at `at_us`; no limit has seen a later time. On success they can
    /// be given back.
    pub(crate) fn owe<K: Kv>(&self, cells: &mut Cells<'_, K>, at_us: u64, now_us: u64, permits: u32) -> Fit {
        if let Self::Bucket(bucket) = self {
            return bucket.owe(cells, at_us, permits).map(MeterModel::Bucket).map_err(MeterModel::Bucket);
        }
        let mut model = self.load(cells, now_us, Reading::Validated);
        if let MeterModel::Grouped(grouped) = &mut model {
            grouped.owe();
        }
        let fits = owe(&mut model, permits, at_us, at_us.saturating_add(self.debt_us()));
        model.store(self, cells, now_us);
        if fits { Ok(model) } else { Err(model) }
    }

    fn debt_us(&self) -> u64 {
        match self {
            Self::Bucket(_) => 0,
            Self::Grouped(grouped) => grouped.debt_us(),
            Self::Windowed(window) => window.debt_us(),
            Self::Log(log) => log.debt_us(),
        }
    }

    /// Gives permits back. `reserving`: places may lie in the future.
    pub(crate) fn refund<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        charge: Charge,
        permits: u32,
        reserving: bool,
    ) {
        match self {
            Self::Bucket(bucket) => bucket.refund(cells, now_us, charge, permits, reserving),
            Self::Grouped(grouped) => grouped.refund(cells, now_us, charge.at_us, permits),
            Self::Windowed(window) => window.refund(cells, now_us, charge.at_us, permits),
            Self::Log(log) => log.refund(cells, now_us, charge.at_us, permits),
        }
    }

    /// Gives back what nobody was let go on, whatever time other hosts have committed at meanwhile:
    /// up to the lag that a store allows after `now_us`. A bucket may have refilled until then.
    pub(crate) fn give_back<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, charged_at_us: u64, permits: u32) {
        let by_us = if let Self::Bucket(_) = self { now_us.saturating_add(MAX_LAG_MS * 1_000) } else { now_us };
        self.refund(cells, by_us, Charge { at_us: charged_at_us, full_at_us: 0 }, permits, false);
    }

    /// Forgets everything.
    pub(crate) fn reset<K: Kv>(&self, cells: &mut Cells<'_, K>) {
        match self {
            Self::Bucket(bucket) => bucket.reset(cells),
            Self::Grouped(grouped) => grouped.reset(cells),
            Self::Windowed(window) => window.reset(cells),
            Self::Log(log) => log.reset(cells),
        }
    }
}

impl MeterModel {
    /// When a bucket was due to be full before this many permits were charged.
    pub(crate) fn full_before_us(&self, permits: u32) -> Option<u64> {
        if let Self::Bucket(model) = self { Some(model.full_before_us(permits)) } else { None }
    }

    /// Forgets what no longer counts at that time, for whoever asks for later places only.
    pub(crate) fn pass_to(&mut self, us: u64) {
        match self {
            Self::Grouped(model) => model.pass_to(us),
            Self::Windowed(model) => model.pass_to(us),
            // A number forgets by itself, and a log is read from its end.
            Self::Bucket(_) | Self::Log(_) => {}
        }
    }

    /// Writes the state back, read by [`Reading::Validated`].
    pub(crate) fn store<K: Kv>(&self, meter: &Meter, cells: &mut Cells<'_, K>, now_us: u64) {
        match (self, meter) {
            (Self::Bucket(model), Meter::Bucket(bucket)) => bucket.store(cells, model, now_us),
            (Self::Grouped(model), Meter::Grouped(grouped)) => grouped.store(cells, model, now_us),
            (Self::Windowed(model), Meter::Windowed(window)) => window.store(cells, model, now_us),
            (Self::Log(model), Meter::Log(log)) => log.store(cells, model, now_us),
            _ => unreachable!("a meter stores the model that it loaded"),
        }
    }
}

impl Model for MeterModel {
    fn seen_us(&self) -> u64 {
        match self {
            Self::Bucket(model) => model.seen_us(),
            Self::Grouped(model) => model.seen_us(),
            Self::Windowed(model) => model.seen_us(),
            Self::Log(model) => model.seen_us(),
        }
    }

    fn earliest_us(&self, permits: u32, from_us: u64) -> u64 {
        match self {
            Self::Bucket(model) => model.earliest_us(permits, from_us),
            Self::Grouped(model) => model.earliest_us(permits, from_us),
            Self::Windowed(model) => model.earliest_us(permits, from_us),
            Self::Log(model) => model.earliest_us(permits, from_us),
        }
    }

    fn charge(&mut self, permits: u32, at_us: u64) {
        match self {
            Self::Bucket(model) => model.charge(permits, at_us),
            Self::Grouped(model) => model.charge(permits, at_us),
            Self::Windowed(model) => model.charge(permits, at_us),
            Self::Log(model) => model.charge(permits, at_us),
        }
    }

    fn usage(&self, now_us: u64) -> Usage {
        match self {
            Self::Bucket(model) => model.usage(now_us),
            Self::Grouped(model) => model.usage(now_us),
            Self::Windowed(model) => model.usage(now_us),
            Self::Log(model) => model.usage(now_us),
        }
    }

    fn next_debt(&self, owed: u32, from_us: u64) -> (u64, u32) {
        match self {
            Self::Bucket(model) => model.next_debt(owed, from_us),
            Self::Grouped(model) => model.next_debt(owed, from_us),
            Self::Windowed(model) => model.next_debt(owed, from_us),
            Self::Log(model) => model.next_debt(owed, from_us),
        }
    }
}
