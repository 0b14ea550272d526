//! What stands of an entity: an answer that may be given again without a run.
//!
//! Only where this process has the only copy of the entity's cells, that is on the memory store,
//! and under the lock that holds them. What stands is kept beside the cells, and ends with the next
//! run on them, whoever makes it. The cells are always true: an answer that stands moves them as
//! the run would have.
//!
//! To ask costs part of a run, so it is asked only where a like call came again, and seldom where
//! what stood was of little use.

use std::any::Any;

use crate::runtime::{Exports, Policy};

/// At the latest it is asked after this many like runs.
const MAX_EVERY: u16 = 64;
/// What stood was of use if it answered at least this many calls.
const OF_USE: u32 = 4;

/// What stands of an entity, if anything does.
#[derive(Debug)]
pub(crate) struct Standing {
    kept: Option<Box<Kept<dyn Any + Send>>>,
    /// Like runs since it was last asked.
    runs: u16,
    /// After how many it is asked.
    every: u16,
}

#[derive(Debug)]
struct Kept<T: ?Sized> {
    /// The policy that said so.
    policy: u64,
    answered: u32,
    stand: T,
}

impl Default for Standing {
    fn default() -> Self {
        Self { kept: None, runs: 0, every: 1 }
    }
}

impl Standing {
    /// The answer that stands to a call of this policy, by what `answer` makes of it.
    pub(crate) fn answer<S: Exports>(
        &mut self,
        policy: &Policy<S>,
        answer: impl FnOnce(&S::Stand) -> Option<S::Answer>,
    ) -> Option<S::Answer> {
        let kept = self.kept.as_deref_mut().filter(|kept| kept.policy == policy.serial())?;
        let answer = answer(kept.stand.downcast_ref()?)?;
        kept.answered = kept.answered.saturating_add(1);
        Some(answer)
    }

    /// Nothing stands any more: somebody runs on the entity.
    pub(crate) fn end(&mut self) {
        if let Some(kept) = self.kept.take() {
            self.runs = 0;
            if kept.answered < OF_USE { self.ask_less() } else { self.every = 1 }
        }
    }

    /// Whether to ask after this run, which is of a call that may be answered so.
    pub(crate) fn is_wanted(&mut self) -> bool {
        self.runs = self.runs.saturating_add(1);
        self.runs > self.every
    }

    /// Keeps what was said to stand, if anything was.
    pub(crate) fn keep<S: Exports>(&mut self, policy: &Policy<S>, stand: Option<S::Stand>) {
        self.runs = 0;
        match stand {
            Some(stand) => self.kept = Some(Box::new(Kept { policy: policy.serial(), answered: 0, stand })),
            None => self.ask_less(),
        }
    }

    fn ask_less(&mut self) {
        self.every = (2 * self.every).min(MAX_EVERY);
    }

    /// How many calls it has answered, where anything stands.
    #[cfg(test)]
    pub(crate) fn answered(&self) -> Option<u32> {
        self.kept.as_ref().map(|kept| kept.answered)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::runtime::wit::rate_limiter::{Algorithm, Bucket, Config, Limit, OnLimit, Window, WindowUnit};
    use crate::runtime::{Runtime, RuntimeOptions};
    use crate::strategies::rate_limiter::{self, Limiters};
    use crate::strategy;
    use crate::transaction::Transaction;

    type Request = <Limiters as Exports>::Request;

    const NOW_US: u64 = 1_795_000_000_000_000;
    const ASK: Request = Request::TryAcquire { cost: 1 };

    struct World {
        runtime: Arc<Runtime>,
        transaction: Transaction,
        standing: Standing,
    }

    impl World {
        fn new() -> Self {
            let runtime = Runtime::open(&RuntimeOptions::default()).expect("the component loads");
            let mut transaction = Transaction::default();
            transaction.begin_direct(NOW_US, 1);
            Self { runtime, transaction, standing: Standing::default() }
        }

        fn policy(&self, algorithm: Algorithm) -> Policy<Limiters> {
            let window = Window { unit: WindowUnit::Second, count: 1 };
            let limits = vec![Limit { limit: 1_000, window, algorithm }];
            let config = Config { limits, on_limit: OnLimit::Reject, lease: None };
            self.runtime.open_policy(rate_limiter::Config::Whole(config)).expect("it is valid")
        }

        /// Makes calls, and says what then stands.
        fn make(&mut self, policy: &Policy<Limiters>, request: &Request, count: u32) -> Option<u32> {
            for _ in 0..count {
                let (transaction, standing) = (&mut self.transaction, &mut self.standing);
                strategy::answer(request, &self.runtime, policy, transaction, standing).expect("it runs");
            }
            self.standing.answered()
        }
    }

    fn gcra() -> Algorithm {
        Algorithm::Gcra(Bucket { burst: None })
    }

    #[test]
    fn the_second_like_call_is_asked_about_and_those_after_it_are_answered() {
        let mut world = World::new();
        let policy = world.policy(gcra());
        assert_eq!(world.make(&policy, &ASK, 1), None);
        assert_eq!(world.make(&policy, &ASK, 1), Some(0));
        assert_eq!(world.make(&policy, &ASK, 5), Some(5));
    }

    #[test]
    fn a_call_of_another_kind_or_policy_ends_what_stands() {
        let mut world = World::new();
        let (policy, other) = (world.policy(gcra()), world.policy(gcra()));
        for (by, request) in [(&policy, Request::Peek { cost: 1 }), (&policy, Request::Reset), (&other, ASK)] {
            world.make(&policy, &ASK, 3);
            assert!(world.standing.answered().is_some());
            assert_eq!(world.make(by, &request, 1), None, "{request:?}");
            world.standing = Standing::default();
        }
    }

    #[test]
    fn what_never_stands_is_asked_about_less_and_less() {
        let mut world = World::new();
        let policy = world.policy(Algorithm::SlidingLog);
        world.make(&policy, &ASK, 500);
        assert_eq!(world.standing.every, MAX_EVERY);
        assert_eq!(world.standing.answered(), None);
    }

    #[test]
    fn what_is_of_little_use_is_asked_about_less() {
        let mut world = World::new();
        let policy = world.policy(gcra());
        for _ in 0..40 {
            world.make(&policy, &ASK, 1);
            world.standing.end();
        }
        assert!(world.standing.every > 8, "{}", world.standing.every);
    }
}
