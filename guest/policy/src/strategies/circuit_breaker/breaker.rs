//! What each call does to the circuit.

use alloc::vec::Vec;

use super::MAX_OUTCOME_AGE_US;
use super::call::Call;
use super::config::{Config, Mode};
use super::half_open::{Probing, Verdict};
use super::open::Opened;
use super::record::Phase;
use super::report::{Cause, Effect, Error, Event, Permit, Report, Settle, State};
use super::rules::Rules;
use crate::kv::{Clock, Kv};
use crate::parts::sample::Outcome;
use crate::problem::Problem;

/// A checked configuration. It holds no state of any circuit.
#[derive(Debug, Clone)]
pub struct CircuitBreaker {
    rules: Rules,
}

impl CircuitBreaker {
    /// Checks the configuration.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn open(config: &Config) -> Result<Self, Vec<Problem>> {
        Ok(Self { rules: Rules::new(config)? })
    }

    /// Asks to make a call.
    pub fn admit<W: Kv + Clock>(&self, world: &mut W, entity: u32) -> Report {
        let mut call = Call::begin(world, &self.rules, entity);
        let admitted = match call.mode() {
            Mode::ForcedOpen => Err(Effect::RefusedForced),
            Mode::Normal => admit_by_rules(&mut call),
            Mode::ForcedClosed | Mode::Disabled | Mode::MetricsOnly => Ok(0),
        };
        call.keep();
        let permit = |probe| Permit { generation: call.record.generation, admitted_at_us: call.now_us, probe };
        let (effect, permit) = match admitted {
            Ok(probe) => (Effect::Admitted, permit(probe)),
            Err(refused) => (refused, Permit::default()),
        };
        call.finish(effect, permit)
    }

    /// The call succeeded after `elapsed_ms`.
    pub fn succeeded<W: Kv + Clock>(&self, world: &mut W, entity: u32, permit: Permit, elapsed_ms: u64) -> Report {
        let outcome = Outcome { failed: false, slow: self.rules.is_slow(elapsed_ms), given_up: false };
        self.finished(world, entity, Some(permit), Some(outcome))
    }

    /// The call failed after `elapsed_ms`. `errors` is the error, then its causes and base classes;
    /// a pattern matches if it matches one of them. The first 16 are looked at. An empty list
    /// counts as one error without any text.
    pub fn failed<W: Kv + Clock>(
        &self,
        world: &mut W,
        entity: u32,
        permit: Permit,
        elapsed_ms: u64,
        errors: &[Error<'_>],
    ) -> Report {
        self.finished(world, entity, Some(permit), self.rules.outcome(errors, elapsed_ms))
    }

    /// The call was not made or was given up after `elapsed_ms`. After at least the time of a slow
    /// call it counts as slow, and nothing else of it; a slow probe has failed. Otherwise it is no
    /// outcome, and where it was a probe, another may go.
    pub fn cancelled<W: Kv + Clock>(&self, world: &mut W, entity: u32, permit: Permit, elapsed_ms: u64) -> Report {
        let slow = Outcome { failed: false, slow: true, given_up: true };
        self.finished(world, entity, Some(permit), self.rules.is_slow(elapsed_ms).then_some(slow))
    }

    /// A call whose permit nobody kept succeeded: it counts in the state of now. In a half-open
    /// circuit it is the outcome of the oldest probe in flight. In an open one it counts as
    /// nothing.
    pub fn record_success<W: Kv + Clock>(&self, world: &mut W, entity: u32) -> Report {
        self.finished(world, entity, None, Some(Outcome { failed: false, slow: false, given_up: false }))
    }

    /// A call whose permit nobody kept failed, likewise.
    pub fn record_failure<W: Kv + Clock>(&self, world: &mut W, entity: u32, errors: &[Error<'_>]) -> Report {
        self.finished(world, entity, None, self.rules.outcome(errors, 0))
    }

    /// A call whose permit nobody kept was not made or was given up, likewise.
    pub fn record_cancelled<W: Kv + Clock>(&self, world: &mut W, entity: u32) -> Report {
        self.finished(world, entity, None, None)
    }

    /// Reads the circuit and changes nothing.
    pub fn status<W: Kv + Clock>(&self, world: &mut W, entity: u32) -> Report {
        Call::begin(world, &self.rules, entity).finish(Effect::None, Permit::default())
    }

    /// Orders a mode for all hosts; [`Mode::Normal`] takes the order back. Either leaves the
    /// circuit closed and its counts clear, so that what was learnt before an order decides nothing
    /// after it.
    pub fn set_mode<W: Kv + Clock>(&self, world: &mut W, entity: u32, mode: Mode) -> Report {
        let mut call = Call::begin(world, &self.rules, entity);
        let before = call.state();
        call.record.order = (mode != Mode::Normal).then_some(mode);
        call.change(Phase::Closed, Cause::Mode);
        call.event.before = before;
        call.finish(Effect::Ordered, Permit::default())
    }

    /// Closes the circuit, clears its counts and back-off, and keeps an ordered mode.
    pub fn reset<W: Kv + Clock>(&self, world: &mut W, entity: u32) -> Report {
        let mut call = Call::begin(world, &self.rules, entity);
        call.change(Phase::Closed, Cause::Reset);
        call.finish(Effect::Ordered, Permit::default())
    }

    /// An admitted call has ended. `outcome` is `None` where it counts as nothing, and `permit`
    /// where nobody kept it.
    fn finished<W: Kv + Clock>(
        &self,
        world: &mut W,
        entity: u32,
        permit: Option<Permit>,
        outcome: Option<Outcome>,
    ) -> Report {
        let mut call = Call::begin(world, &self.rules, entity);
        let now_us = call.now_us;
        let permit = permit.unwrap_or_else(|| call.oldest_permit());
        let age_us = now_us.saturating_sub(permit.admitted_at_us);
        let effect = if permit.generation != call.record.generation || age_us > MAX_OUTCOME_AGE_US {
            Effect::Late
        } else {
            match call.mode() {
                Mode::Normal => finish_by_rules(&mut call, permit.probe, outcome),
                Mode::ForcedClosed | Mode::MetricsOnly => finish_closed(&mut call, permit.probe, outcome),
                Mode::ForcedOpen | Mode::Disabled => Effect::Ignored,
            }
        };
        call.finish(effect, Permit::default())
    }
}

/// The number of the probe that was admitted, 0 for any other call, or why the call was refused.
fn admit_by_rules<W: Kv + Clock>(call: &mut Call<'_, W>) -> Result<u32, Effect> {
    let (limits, now_us) = (&call.rules.half_open, call.now_us);
    match &mut call.record.phase {
        Phase::Closed => Ok(0),
        Phase::Open(opened) if !opened.is_over(now_us) => Err(Effect::RefusedOpen),
        Phase::Open(opened) => {
            let mut probing = Probing::new(opened.reopenings);
            let probe = probing.admit(limits, now_us).ok_or(Effect::RefusedProbes)?;
            call.change(Phase::HalfOpen(probing), Cause::OpenElapsed);
            Ok(probe)
        }
        Phase::HalfOpen(probing) => {
            let probe = probing.admit(limits, now_us).ok_or(Effect::RefusedProbes)?;
            call.save();
            Ok(probe)
        }
    }
}

fn finish_by_rules<W: Kv + Clock>(call: &mut Call<'_, W>, probe: u32, outcome: Option<Outcome>) -> Effect {
    match &mut call.record.phase {
        Phase::Closed => finish_closed(call, probe, outcome),
        Phase::Open(_) => Effect::Late,
        Phase::HalfOpen(probing) => {
            let in_flight = probing.release(probe, call.now_us);
            if in_flight { finish_probe(call, outcome) } else { Effect::Late }
        }
    }
}

fn finish_closed<W: Kv + Clock>(call: &mut Call<'_, W>, probe: u32, outcome: Option<Outcome>) -> Effect {
    if probe > 0 {
        return Effect::Late;
    }
    let Some(outcome) = outcome else { return Effect::Ignored };
    let changed = call.count(outcome);
    let met = call.rules.met(&call.counts(), outcome.failed);
    match met.filter(|_| call.mode() != Mode::ForcedClosed) {
        Some(cause) if call.mode() == Mode::MetricsOnly => {
            // Cleared as a circuit that opened and closed would be, so that each trip is reported
            // once.
            call.event = Event { cause, before: State::Closed, after: State::Open };
            call.clear_metrics();
            call.keep();
        }
        Some(cause) => {
            call.change(Phase::Open(Opened::new(call.rules, 0, call.now_us)), cause);
            call.save_metrics();
        }
        None => {
            if changed {
                call.save_metrics();
                call.keep();
            }
            call.settle = if outcome.failed || outcome.given_up { Settle::Now } else { Settle::Later };
        }
    }
    counted(outcome)
}

/// The probe is not in flight any more.
fn finish_probe<W: Kv + Clock>(call: &mut Call<'_, W>, outcome: Option<Outcome>) -> Effect {
    let Some(Outcome { failed, slow, .. }) = outcome else {
        call.save();
        return Effect::Ignored;
    };
    let outcome = Outcome { failed: failed || slow, slow, given_up: false };
    call.count(outcome);
    let Phase::HalfOpen(probing) = &mut call.record.phase else { return Effect::Late };
    match probing.judge(&call.rules.half_open, outcome.failed) {
        Verdict::Reopen => {
            let reopenings = probing.reopenings.saturating_add(1);
            call.change(Phase::Open(Opened::new(call.rules, reopenings, call.now_us)), Cause::ProbeFailed);
            call.save_metrics();
        }
        Verdict::Close => {
            call.change(Phase::Closed, Cause::ProbesSucceeded);
            if outcome.failed {
                call.save_metrics();
            }
        }
        Verdict::Undecided => {
            call.save();
            call.save_metrics();
        }
    }
    counted(outcome)
}

fn counted(outcome: Outcome) -> Effect {
    match outcome {
        Outcome { failed: true, .. } => Effect::CountedFailure,
        Outcome { given_up: true, .. } => Effect::CountedSlow,
        Outcome { .. } => Effect::CountedSuccess,
    }
}
