//! The interface `circuit-breaker`.

mod node;

use alloc::vec::Vec;

use tidegate_policy::circuit_breaker as policy;

use crate::bindings::Component;
use crate::bindings::exports::tidegate::policy::circuit_breaker as wit;
use crate::convert::{fields, into_all, variants};
use crate::world::World;

impl wit::Guest for Component {
    type Breaker = policy::CircuitBreaker;
}

impl wit::GuestBreaker for policy::CircuitBreaker {
    fn open(config: wit::Config) -> Result<wit::Breaker, Vec<wit::Problem>> {
        Self::open(&config.into()).map(wit::Breaker::new).map_err(into_all)
    }

    fn admit(&self, entity: u32) -> wit::Report {
        self.admit(&mut World, entity).into()
    }

    fn succeeded(&self, entity: u32, permit: wit::Permit, elapsed_ms: u64) -> wit::Report {
        self.succeeded(&mut World, entity, permit.into(), elapsed_ms).into()
    }

    fn failed(&self, entity: u32, permit: wit::Permit, elapsed_ms: u64, errors: Vec<wit::Error>) -> wit::Report {
        let errors: Vec<_> = errors.iter().map(policy::Error::from).collect();
        self.failed(&mut World, entity, permit.into(), elapsed_ms, &errors).into()
    }

    fn cancelled(&self, entity: u32, permit: wit::Permit, elapsed_ms: u64) -> wit::Report {
        self.cancelled(&mut World, entity, permit.into(), elapsed_ms).into()
    }

    fn status(&self, entity: u32) -> wit::Report {
        self.status(&mut World, entity).into()
    }

    fn set_mode(&self, entity: u32, mode: wit::Mode) -> wit::Report {
        self.set_mode(&mut World, entity, mode.into()).into()
    }

    fn reset(&self, entity: u32) -> wit::Report {
        self.reset(&mut World, entity).into()
    }
}

impl From<wit::Config> for policy::Config {
    fn from(from: wit::Config) -> Self {
        Self {
            trip: from.trip.into(),
            open_ms: from.open_ms,
            backoff: from.backoff.map(Into::into),
            half_open: from.half_open.into(),
            monitored: into_all(from.monitored),
            others: from.others.into(),
            ignored: into_all(from.ignored),
            mode: from.mode.into(),
        }
    }
}

impl From<wit::Trip> for policy::Trip {
    fn from(from: wit::Trip) -> Self {
        Self {
            failures: from.failures.map(Into::into),
            consecutive: from.consecutive,
            failure_rate: from.failure_rate.map(Into::into),
            slow_rate: from.slow_rate.map(Into::into),
            sample: from.sample.into(),
            minimum_calls: from.minimum_calls,
        }
    }
}

impl From<wit::Sample> for policy::Sample {
    fn from(from: wit::Sample) -> Self {
        match from {
            wit::Sample::WindowMs(window_ms) => Self::WindowMs(window_ms),
            wit::Sample::Calls(calls) => Self::Calls(calls),
        }
    }
}

impl From<wit::ProbeRule> for policy::ProbeRule {
    fn from(from: wit::ProbeRule) -> Self {
        match from {
            wit::ProbeRule::FirstFailure => Self::FirstFailure,
            wit::ProbeRule::Ratio(of) => Self::Ratio(of),
            wit::ProbeRule::Rate(rate) => Self::Rate(rate.into()),
        }
    }
}

impl<'a> From<&'a wit::Error> for policy::Error<'a> {
    fn from(from: &'a wit::Error) -> Self {
        Self { name: &from.name, message: &from.message, code: &from.code, status: &from.status }
    }
}

fields!(wit::FailureCount => policy::FailureCount: count, within_ms);
fields!(wit::FailureRate => policy::FailureRate: percent);
fields!(wit::SlowRate => policy::SlowRate: percent, slower_than_ms);
fields!(wit::Backoff => policy::Backoff: factor, cap_ms);
fields!(wit::ProbeRate => policy::ProbeRate: percent, of);
fields!(wit::HalfOpen => policy::HalfOpen: probes, successes, permit_ms, rule);
fields!(wit::ErrorPattern => policy::ErrorPattern: part, pattern);
variants!(wit::ErrorPart => policy::ErrorPart: Any, Name, Message, Code, Status);
variants!(wit::Others => policy::Others: Ignored, Success);
variants!(wit::Mode => policy::Mode: Normal, ForcedOpen, ForcedClosed, Disabled, MetricsOnly);
variants!(policy::Mode => wit::Mode: Normal, ForcedOpen, ForcedClosed, Disabled, MetricsOnly);
fields!(wit::Permit => policy::Permit: generation, admitted_at_us, probe);
fields!(policy::Permit => wit::Permit: generation, admitted_at_us, probe);

fields!(
    policy::Report => wit::Report:
    effect, state, mode, generation, permit, failures, consecutive, calls, failed, slow, failure_rate, slow_rate,
    successes, probes, retry_after_ms, last_failure_us, event, settle, discarded,
);
fields!(policy::Event => wit::Event: cause, before, after);
variants!(policy::State => wit::State: Closed, Open, HalfOpen);
variants!(policy::Settle => wit::Settle: Now, Later);
variants!(
    policy::Effect => wit::Effect:
    None, Admitted, RefusedOpen, RefusedProbes, RefusedForced, CountedSuccess, CountedFailure, CountedSlow,
    Ignored, Late, Ordered,
);
variants!(
    policy::Cause => wit::Cause:
    None, Failures, Consecutive, FailureRate, SlowRate, OpenElapsed, ProbeFailed, ProbesSucceeded, Mode, Reset,
);
