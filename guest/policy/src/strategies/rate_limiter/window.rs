//! Windowed limits: what is read and written of their cells.

use alloc::string::ToString;

use crate::kv::{Kv, MAX_LAG_MS};

use super::model::{Model, PLAUSIBLE_US};
use super::stand::{Move, Standing};
use super::window_model::WindowModel;
use super::window_rules::{Shape, Windowed};
use super::window_state::Head;
use crate::parts::cells::{Cells, Reading};

impl Windowed {
    /// Charges now if it fits. On success also the time it counts at: now, or the latest already
    /// seen.
    pub(crate) fn charge<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        permits: u32,
    ) -> Result<(u64, WindowModel), WindowModel> {
        let model = match self.read_head(cells, now_us, Reading::Validated) {
            Some(head) if head.open >= now_us / self.sub_us => WindowModel { window: *self, head, count: 0 },
            head => self.turn(cells, now_us, permits, head)?,
        };
        let at_us = now_us.max(model.seen_us());
        self.advance(cells, model, at_us, u64::from(permits), 0).map(|model| (at_us, model))
    }

    /// Whether a charge would fit now.
    pub(crate) fn check<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        permits: u32,
    ) -> Result<WindowModel, WindowModel> {
        let head = self.read_head(cells, now_us, Reading::Validated);
        match head {
            Some(head) if head.open >= now_us / self.sub_us => {
                let model = WindowModel { window: *self, head, count: 0 };
                let at_us = now_us.max(model.seen_us());
                self.advance(cells, model, at_us, 0, u64::from(permits))
            }
            head => {
                let model = self.complete(cells, now_us, Reading::Validated, head);
                if model.room(now_us) < u64::from(permits) { Err(model) } else { Ok(model) }
            }
        }
    }

    /// The move of a charge until the open sub-window ends, where no place after it is taken and
    /// nothing before it counts less and less.
    pub(crate) fn stands<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64) -> Option<Standing> {
        let head = self.read_head(cells, now_us, Reading::Validated)?;
        let open = head.open;
        let before = open.checked_sub(1).map_or(0, |index| head.sum(index, index));
        let falls = self.shape == Shape::Weighted && before > 0;
        if open != now_us / self.sub_us || falls || head.last().is_some_and(|last| last > open) {
            return None;
        }
        let room = WindowModel { window: *self, head, count: 0 }.room(now_us);
        let ends = |windows: u64| (open + windows).saturating_mul(self.sub_us);
        let resets_at_us = ends(1 + self.keep());
        let lives_until_us = resets_at_us + MAX_LAG_MS * 1_000;
        let one = Move { lives_until_us, ..Move::counting(self.count_field, room, room, self.limit) };
        Some(Standing { until_us: ends(1), one, resets_at_us, resets_in_us: 0 })
    }

    /// Moves the count of the open sub-window, given a model that does not know it, if `permits`
    /// then still fit.
    fn advance<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        mut model: WindowModel,
        at_us: u64,
        step: u64,
        permits: u64,
    ) -> Result<WindowModel, WindowModel> {
        let room = model.room(at_us);
        let use_us = model.last_use_us().saturating_sub(at_us);
        if room < step + permits {
            model.count = cells.read_number(Reading::Observed, self.count_field);
            return Err(model);
        }
        match cells.advance(self.count_field, step, 0, room - permits, use_us) {
            Ok(count) => {
                model.count = count;
                Ok(model)
            }
            Err(count) => {
                model.count = count;
                Err(model)
            }
        }
    }

    /// Opens the sub-window of now, if a charge will fit in it, and closes the one before for good.
    /// Whoever still counts in that one has read the old head, and is refused.
    fn turn<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        permits: u32,
        head: Option<Head>,
    ) -> Result<WindowModel, WindowModel> {
        let model = self.complete(cells, now_us, Reading::Validated, head);
        if model.room(now_us) < u64::from(permits) {
            return Err(model);
        }
        cells.put(self.head_field, &model.head.encode(), model.last_use_us().saturating_sub(now_us));
        cells.delete(self.count_field);
        Ok(model)
    }

    fn read_head<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, reading: Reading) -> Option<Head> {
        let latest_us = now_us.saturating_add(PLAUSIBLE_US);
        let (open, given) =
            (latest_us / self.sub_us, latest_us.saturating_add(self.max_wait_us.max(self.debt_us())) / self.sub_us);
        cells.read(reading, self.head_field, |text| Head::decode(text, open, given))
    }

    /// The model that a head belongs to, with the sub-window of now open.
    fn complete<K: Kv>(
        &self,
        cells: &mut Cells<'_, K>,
        now_us: u64,
        reading: Reading,
        head: Option<Head>,
    ) -> WindowModel {
        let Some(head) = head else {
            if reading == Reading::Observed {
                // What was observed must not steer, not even whether the next cell is read.
                cells.read_number(reading, self.count_field);
            }
            return WindowModel { window: *self, head: Head::empty(now_us / self.sub_us), count: 0 };
        };
        let count = cells.read_number(reading, self.count_field);
        let mut model = WindowModel { window: *self, head, count };
        model.pass_to(now_us);
        model
    }

    pub(crate) fn load<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, reading: Reading) -> WindowModel {
        let head = self.read_head(cells, now_us, reading);
        self.complete(cells, now_us, reading, head)
    }

    pub(crate) fn store<K: Kv>(&self, cells: &mut Cells<'_, K>, model: &WindowModel, now_us: u64) {
        let use_us = model.last_use_us().saturating_sub(now_us);
        cells.put(self.head_field, &model.head.encode(), use_us);
        if model.count > 0 {
            cells.put(self.count_field, &model.count.to_string(), use_us);
        } else {
            cells.delete(self.count_field);
        }
    }

    /// Takes permits out of the sub-window that they were counted in.
    pub(crate) fn refund<K: Kv>(&self, cells: &mut Cells<'_, K>, now_us: u64, charged_at_us: u64, permits: u32) {
        let Some(mut head) = self.read_head(cells, now_us, Reading::Validated) else { return };
        let index = charged_at_us / self.sub_us;
        let left = head.take(index, u64::from(permits));
        if left < u64::from(permits) {
            let model = WindowModel { window: *self, head: head.clone(), count: 0 };
            cells.put(self.head_field, &head.encode(), model.last_use_us().saturating_sub(now_us));
        }
        if left > 0 && index == head.open {
            cells.retreat(self.count_field, left);
        }
    }

    pub(crate) fn reset<K: Kv>(&self, cells: &mut Cells<'_, K>) {
        cells.delete(self.head_field);
        cells.delete(self.count_field);
    }
}
