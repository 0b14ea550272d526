//! Calls of rate limiters.

use tidegate::{Admission, Ask as Permits, Decision, Error, OnLimit, RateLimiter, RateLimiterConfig, Verdict};

use super::Actor;
use crate::record::{Answer, Ask};

impl Actor {
    pub(super) async fn ask_limiter(&mut self, limiter: &RateLimiter, key: &str, tag: &str) {
        let most = room(limiter.config());
        let cost = self.random.small(1, self.of.most_cost).min(most);
        match self.random.index(10) {
            0..=3 => self.try_acquire(limiter, key, tag, cost).await,
            4..=7 => self.step_by_step(limiter, key, tag, cost).await,
            8 => self.acquire(limiter, key, tag, cost).await,
            _ => {
                self.note(tag, Ask::Peek, limiter.peek(key), decided).await;
            }
        }
    }

    async fn try_acquire(&mut self, limiter: &RateLimiter, key: &str, tag: &str, cost: u32) {
        let ask = limiter.try_acquire(Permits::of(key).cost(cost));
        let decision = self.note(tag, Ask::TryAcquire(cost), ask, decided).await;
        self.perhaps_refund(limiter, key, tag, cost, decision).await;
    }

    async fn acquire(&mut self, limiter: &RateLimiter, key: &str, tag: &str, cost: u32) {
        let priority = self.priority();
        let ask = limiter.acquire(Permits::of(key).cost(cost).priority(priority));
        let admission = self.note(tag, Ask::Acquire(cost, priority), ask, admitted).await;
        let decision = admission.map(|admission| admission.map(|admission| admission.decision));
        self.perhaps_refund(limiter, key, tag, cost, decision).await;
    }

    /// As a workflow with timers of its own does: asks, waits, and comes back with its ticket.
    async fn step_by_step(&mut self, limiter: &RateLimiter, key: &str, tag: &str, cost: u32) {
        let (priority, mut ticket) = (self.priority(), None);
        loop {
            let ask = limiter.decide(Permits::of(key).cost(cost).priority(priority), ticket);
            let asked = Ask::Decide(cost, priority, ticket.map_or(0, |ticket| ticket.0));
            let decision = self.note(tag, asked, ask, decided).await;
            let Some(Ok(Decision { verdict: Verdict::Wait, wait, ticket: Some(told), .. })) = decision else {
                return self.perhaps_refund(limiter, key, tag, cost, decision).await;
            };
            if self.random.chance(50) {
                self.note(tag, Ask::Cancel(told.0), limiter.cancel(key, told), found).await;
                return;
            }
            ticket = Some(told);
            self.wait(wait).await;
            if self.random.chance(50) {
                // A waiter that is late, perhaps by more than the grace.
                self.pause(300_000).await;
            }
        }
    }

    async fn perhaps_refund(
        &mut self,
        limiter: &RateLimiter,
        key: &str,
        tag: &str,
        cost: u32,
        decision: Option<Result<Decision, Error>>,
    ) {
        let Some(Ok(decision)) = decision else { return };
        let Some(charged_at_us) = decision.charged_at_us else { return };
        if self.random.chance(self.of.refunds_per_mille) {
            self.pause(100_000).await;
            let refund = limiter.refund(Permits::of(key).cost(cost), &decision);
            self.note(tag, Ask::Refund(cost, charged_at_us), refund, decided).await;
        }
    }

    fn priority(&mut self) -> i32 {
        self.random.pick(&[0, 0, 0, 1, 5])
    }
}

/// The most that a limiter can admit at once. With a lease, a bucket works with what its burst is
/// above what comes back in the lease's life.
pub fn room(config: &RateLimiterConfig) -> u32 {
    let life_ms = config.lease.map_or(0, |lease| lease.life_ms);
    let of = |limit: &tidegate::Limit| match limit.algorithm {
        tidegate::Algorithm::Gcra { .. } | tidegate::Algorithm::TokenBucket { .. } => {
            let comes_back = (life_ms * u64::from(limit.limit)).div_ceil(limit.window_count);
            capacity(limit).saturating_sub(u32::try_from(comes_back).unwrap_or(u32::MAX))
        }
        _ => limit.limit,
    };
    config.limits.iter().map(of).min().unwrap_or(1)
}

/// The most that a limit can admit at once.
pub fn capacity(limit: &tidegate::Limit) -> u32 {
    match limit.algorithm {
        tidegate::Algorithm::Gcra { burst } | tidegate::Algorithm::TokenBucket { burst } => {
            burst.unwrap_or(limit.limit)
        }
        _ => limit.limit,
    }
}

/// How long a waiter of a limiter waits at most, in microseconds.
pub fn longest_wait_us(on_limit: &OnLimit) -> u64 {
    1_000
        * match *on_limit {
            OnLimit::Reject => 0,
            OnLimit::Delay { max_wait_ms } => max_wait_ms,
            OnLimit::Queue { timeout_ms, grace_ms, .. } => timeout_ms + grace_ms.unwrap_or(1_000),
        }
}

fn decided(result: &Result<Decision, Error>) -> Answer {
    match result {
        Ok(decision) => Answer::Decision(Box::new(decision.clone())),
        Err(error) => Answer::Error(error.to_string()),
    }
}

fn admitted(result: &Result<Admission, Error>) -> Answer {
    match result {
        Ok(admission) => Answer::Decision(Box::new(admission.decision.clone())),
        Err(Error::Denied { decision, .. }) => Answer::Decision(decision.clone()),
        Err(error) => Answer::Error(error.to_string()),
    }
}

fn found(result: &Result<bool, Error>) -> Answer {
    match result {
        Ok(found) => Answer::Cancelled(*found),
        Err(error) => Answer::Error(error.to_string()),
    }
}
