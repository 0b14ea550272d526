//! Several calls at once, on any entities.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::Ledger;
use super::driven::{Driven, Unheard};
use super::line::Waiting;
use crate::call::{Answer, Request};
use crate::error::Error;
use crate::key::EntityKey;
use crate::runtime::Policy;

/// How many calls are in line together at most, so that any number of them may be made at once.
const TOGETHER: usize = 2_048;

/// A call that was made.
enum Made {
    Answered(Given),
    Waits(Driven, Option<Unheard>, Waiting),
}

/// An answer that nobody has heard yet. Dropped, what it gave is taken back.
struct Given {
    answer: Option<Result<Answer, Error>>,
    unheard: Option<Unheard>,
}

impl Ledger {
    /// Makes calls in their order, and answers when all are done. Those on one entity go out
    /// together, and entities do not wait for each other; of many, the first go first. Dropping the
    /// future undoes all of them.
    pub(crate) async fn call_many(
        self: &Arc<Self>,
        policy: &Policy,
        calls: impl IntoIterator<Item = (EntityKey, Request)>,
    ) -> Vec<Result<Answer, Error>> {
        let (mut calls, mut given) = (calls.into_iter(), Vec::new());
        let together = TOGETHER.min(self.options.max_waiting).max(1);
        loop {
            let next = calls.by_ref().take(together);
            let mut made: Vec<Made> = next.map(|(key, request)| self.make(key, policy, request)).collect();
            if made.is_empty() {
                return given.into_iter().map(Given::hear).collect();
            }
            // All are in line before any lane is driven. A lane that is alone is driven by this
            // very future.
            let (alone, waits) = (made.len() == 1, made.iter_mut().filter_map(Made::waits));
            waits.filter(|_| !alone).for_each(Driven::let_go);
            for made in made {
                given.push(made.answer().await);
            }
        }
    }

    fn make(self: &Arc<Self>, key: EntityKey, policy: &Policy, request: Request) -> Made {
        let answer = match self.answer_here(&key, policy, &request) {
            Some(answer) => Some(Ok(answer)),
            None => self.watches.refusal(&key).map(|error| Err(error.into())),
        };
        let (key, work) = (Arc::new(key), (policy.clone(), request));
        let gives = work.1.gives();
        let unheard = gives.then(|| Unheard { ledger: Arc::clone(self), key: Arc::clone(&key), work: work.clone() });
        match answer.map_or_else(|| self.join_the_line().map(Err), |answer| Ok(Ok(answer))) {
            Ok(Ok(answer)) => Made::Answered(Given { answer: Some(answer), unheard }),
            Ok(Err(waiting)) => Made::Waits(self.line_up(key, Some(work)), unheard, waiting),
            Err(overloaded) => Made::Answered(Given { answer: Some(Err(overloaded)), unheard: None }),
        }
    }
}

impl Made {
    fn waits(&mut self) -> Option<&mut Driven> {
        match self {
            Self::Waits(driven, ..) => Some(driven),
            Self::Answered(_) => None,
        }
    }

    async fn answer(self) -> Given {
        match self {
            Self::Answered(given) => given,
            Self::Waits(driven, unheard, _waiting) => Given { answer: Some(driven.await), unheard },
        }
    }
}

impl Given {
    fn hear(mut self) -> Result<Answer, Error> {
        self.unheard = None;
        self.answer.take().expect("an answer is heard once")
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        if let (Some(unheard), Some(Ok(answer)), Ok(runtime)) =
            (self.unheard.take(), &self.answer, Handle::try_current())
        {
            unheard.take_back(answer, &runtime);
        }
    }
}
