//! The interface `rate-limiter`.

mod node;

use alloc::string::String;
use alloc::vec::Vec;

use tidegate_policy::rate_limiter as policy;

use crate::bindings::Component;
use crate::bindings::exports::tidegate::policy::rate_limiter as wit;
use crate::convert::{fields, into_all, variants};
use crate::world::World;

impl wit::Guest for Component {
    type Limiter = policy::RateLimiter;
}

impl wit::GuestLimiter for policy::RateLimiter {
    fn open(config: wit::Config) -> Result<wit::Limiter, Vec<wit::Problem>> {
        Self::open(&config.into()).map(wit::Limiter::new).map_err(into_all)
    }

    fn acquire(&self, entity: u32, cost: u32, priority: i32, ticket: u64) -> Result<wit::Decision, wit::CostNeverFits> {
        answer(self.acquire(&mut World, entity, cost, priority, ticket))
    }

    fn try_acquire(&self, entity: u32, cost: u32) -> Result<wit::Decision, wit::CostNeverFits> {
        answer(self.try_acquire(&mut World, entity, cost))
    }

    fn try_acquire_many(&self, asks: Vec<wit::Ask>) -> Vec<Result<wit::Decision, wit::CostNeverFits>> {
        self.try_acquire_many(&mut World, asks.into_iter().map(Into::into)).map(answer).collect()
    }

    fn peek(&self, entity: u32, cost: u32) -> Result<wit::Decision, wit::CostNeverFits> {
        answer(self.peek(&mut World, entity, cost))
    }

    fn refund(&self, entity: u32, cost: u32, charged_at_us: u64, full_at_us: u64) -> wit::Decision {
        self.refund(&mut World, entity, cost, charged_at_us, full_at_us).into()
    }

    fn charge(&self, entity: u32, cost: u32) -> wit::Decision {
        self.charge(&mut World, entity, cost).into()
    }

    fn cancel(&self, entity: u32, ticket: u64) -> bool {
        self.cancel(&mut World, entity, ticket)
    }

    fn reset(&self, entity: u32) {
        self.reset(&mut World, entity);
    }

    fn release(&self, entity: u32, now: bool) -> u32 {
        self.release(&mut World, entity, now)
    }

    fn post(&self, entity: u32, cost: u32) -> wit::Decision {
        self.post(&mut World, entity, cost).into()
    }

    fn share(&self, hosts: u32) -> Result<wit::Limiter, Vec<wit::Problem>> {
        self.share(hosts).map(wit::Limiter::new).map_err(into_all)
    }

    fn stands(&self, entity: u32) -> Option<wit::Stand> {
        self.stands(&mut World, entity).map(Into::into)
    }

    fn basis(&self) -> String {
        self.basis()
    }

    fn counts_for_us(&self) -> u64 {
        self.counts_for_us()
    }
}

fn answer(decided: Result<policy::Decision, policy::CostNeverFits>) -> Result<wit::Decision, wit::CostNeverFits> {
    decided.map(Into::into).map_err(Into::into)
}

impl From<wit::Config> for policy::Config {
    fn from(from: wit::Config) -> Self {
        let lease = from.lease.map(Into::into);
        Self { limits: into_all(from.limits), on_limit: from.on_limit.into(), lease }
    }
}

fields!(wit::Lease => policy::LeaseConfig: max_permits, life_ms);
fields!(wit::Ask => policy::Ask: entity, cost);

fields!(wit::Limit => policy::Limit: limit, window, algorithm);
fields!(wit::Window => policy::Window: unit, count);
variants!(wit::WindowUnit => policy::WindowUnit: Millisecond, Second, Minute, Hour, Day);

impl From<wit::Algorithm> for policy::Algorithm {
    fn from(from: wit::Algorithm) -> Self {
        match from {
            wit::Algorithm::SlidingWindow(window) => Self::SlidingWindow { sub_windows: window.sub_windows },
            wit::Algorithm::Gcra(bucket) => Self::Gcra { burst: bucket.burst },
            wit::Algorithm::TokenBucket(bucket) => Self::TokenBucket { burst: bucket.burst },
            wit::Algorithm::FixedWindow => Self::FixedWindow,
            wit::Algorithm::SlidingWindowCounter => Self::SlidingWindowCounter,
            wit::Algorithm::SlidingLog => Self::SlidingLog,
        }
    }
}

impl From<wit::OnLimit> for policy::OnLimit {
    fn from(from: wit::OnLimit) -> Self {
        match from {
            wit::OnLimit::Reject => Self::Reject,
            wit::OnLimit::Delay(wit::Delay { max_wait_ms }) => Self::Delay { max_wait_ms },
            wit::OnLimit::Queue(wit::Queue { max_size, timeout_ms, grace_ms }) => {
                Self::Queue { max_size, timeout_ms, grace_ms }
            }
        }
    }
}

fields!(
    policy::Decision => wit::Decision:
    verdict, reason, at_us, charged_at_us, full_at_us, binding, count, limit, remaining, reset_after_ms, retry_after_ms, wait_ms,
    position, waiting, ticket, discarded, leased, release_after_ms,
);
variants!(policy::Verdict => wit::Verdict: Allowed, Wait, Denied);
variants!(policy::Reason => wit::Reason: None, Limit, MaxWait, QueueFull, QueueTimeout);
fields!(policy::CostNeverFits => wit::CostNeverFits: cost, binding, limit, count, remaining);

impl From<policy::Stand> for wit::Stand {
    fn from(from: policy::Stand) -> Self {
        let policy::Stand { at_us, until_us, moves, resets_at_us, resets_in_us } = from;
        Self { at_us, until_us, moves: into_all(moves), resets_at_us, resets_in_us }
    }
}

fields!(
    policy::Move => wit::Move:
    field, step, floor, ceiling, full, ttl_ms, lives_until_us, rise, over, carry, last, after_us, limit,
);
