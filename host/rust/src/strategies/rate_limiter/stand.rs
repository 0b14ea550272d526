//! Answers by what stands of a limiter's key: the rules of `stand` in `wit/rate-limiter.wit`, and
//! no others.

use crate::runtime::wit::kv::{Cell, Scope};
use crate::runtime::wit::rate_limiter::{Decision, Move, Stand as Told};
use crate::transaction::Transaction;

/// What stands, of one limit, and the answer that it rests on.
#[derive(Debug)]
pub(crate) struct Stand {
    at_us: u64,
    until_us: u64,
    one: Move,
    resets_at_us: u64,
    resets_in_us: u64,
    before: Decision,
}

fn cell(field: u32) -> Cell {
    Cell { entity: 0, field, scope: Scope::Shared }
}

impl Stand {
    /// `None`: it has another number of moves than one, which is left to runs.
    pub(super) fn new(told: Told, before: Decision) -> Option<Self> {
        let Told { at_us, until_us, moves, resets_at_us, resets_in_us } = told;
        let [one] = moves[..] else { return None };
        (one.over > 0 && one.step > 0).then_some(Self { at_us, until_us, one, resets_at_us, resets_in_us, before })
    }

    /// The answer to a call for `cost` permits. `None`: the policy must be run.
    pub(super) fn answer(&self, cost: u32, transaction: &mut Transaction) -> Option<Decision> {
        let now_us = transaction.now_us();
        if cost == 0 || !(self.at_us..self.until_us).contains(&now_us) {
            return None;
        }
        let one = &self.one;
        let step = one.step.checked_mul(cost.into())?;
        let risen = self.risen(now_us)?;
        let full = one.full.checked_add(risen)?;
        let ttl_ms = one.ttl_ms.max(one.lives_until_us.saturating_sub(now_us).div_ceil(1_000));
        let (floor, ceiling) = (one.floor + risen, one.ceiling + risen);
        let number = transaction.advance(cell(one.field), step, floor, ceiling, ttl_ms).ok()?;
        if let Some(last) = one.last.filter(|_| now_us > one.after_us) {
            transaction.raise(cell(last), now_us, ttl_ms);
        }
        Some(self.decision(now_us, number, step, full))
    }

    /// By how much the numbers of the move are higher.
    fn risen(&self, now_us: u64) -> Option<u64> {
        let Move { rise, over, carry, .. } = self.one;
        if rise == 0 {
            return Some(0);
        }
        Some((now_us - self.at_us).checked_mul(rise)?.checked_add(carry)? / over)
    }

    fn decision(&self, now_us: u64, number: u64, step: u64, full: u64) -> Decision {
        let remaining = u32::try_from(full.saturating_sub(number) / self.one.step).unwrap_or(u32::MAX);
        let rises = self.one.rise > 0;
        let full_at_us = if rises { self.reached_us(number - step).0 } else { 0 };
        let resets_us =
            if rises { self.reached_us(number).1 } else { self.resets_at_us.max(now_us + self.resets_in_us) };
        Decision {
            at_us: now_us,
            charged_at_us: now_us,
            full_at_us,
            count: self.one.limit.saturating_sub(remaining),
            remaining,
            reset_after_ms: resets_us.saturating_sub(now_us).div_ceil(1_000),
            ..self.before
        }
    }

    /// When the floor reaches a number that is no less than it was at first, rounded down and up.
    fn reached_us(&self, number: u64) -> (u64, u64) {
        let Move { floor, rise, over, carry, .. } = self.one;
        let ahead = (number - floor) * over;
        match ahead.checked_sub(carry) {
            Some(ahead) => (self.at_us + ahead / rise, self.at_us + ahead.div_ceil(rise)),
            None => (self.at_us - (carry - ahead).div_ceil(rise), self.at_us),
        }
    }
}
