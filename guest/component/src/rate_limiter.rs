//! The interface `rate-limiter`.

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

    fn acquire(&self, entity: u32, cost: u32, priority: i32, ticket: u64) -> Result<wit::Decision, wit::Fault> {
        answer(self.acquire(&mut World, entity, cost, priority, ticket))
    }

    fn try_acquire(&self, entity: u32, cost: u32) -> Result<wit::Decision, wit::Fault> {
        answer(self.try_acquire(&mut World, entity, cost))
    }

    fn peek(&self, entity: u32, cost: u32) -> Result<wit::Decision, wit::Fault> {
        answer(self.peek(&mut World, entity, cost))
    }

    fn refund(&self, entity: u32, cost: u32, charged_at_us: u64) -> wit::Decision {
        self.refund(&mut World, entity, cost, charged_at_us).into()
    }

    fn cancel(&self, entity: u32, ticket: u64) -> bool {
        self.cancel(&mut World, entity, ticket)
    }

    fn reset(&self, entity: u32) {
        self.reset(&mut World, entity);
    }
}

fn answer(decided: Result<policy::Decision, policy::Fault>) -> Result<wit::Decision, wit::Fault> {
    decided.map(Into::into).map_err(Into::into)
}

impl From<wit::Config> for policy::Config {
    fn from(from: wit::Config) -> Self {
        Self { limits: into_all(from.limits), on_limit: from.on_limit.into() }
    }
}

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
    verdict, reason, at_us, charged_at_us, binding, count, limit, remaining, reset_after_ms, retry_after_ms, wait_ms,
    position, waiting, ticket, discarded,
);
variants!(policy::Verdict => wit::Verdict: Allowed, Wait, Denied);
variants!(policy::Reason => wit::Reason: None, Limit, MaxWait, QueueFull, QueueTimeout);
variants!(policy::Fault => wit::Fault: CostNeverFits);
