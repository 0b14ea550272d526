//! Several calls at once, on any entities.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::Ledger;
use super::backlog::Waiting;
use super::driven::{Driven, TakeBack};
use super::unheard::Unheard;
use crate::call::{Call, Listed};
use crate::error::Error;
use crate::key::EntityKey;
use crate::runtime::Policy;

/// How many calls wait together at most, so that any number of them may be made at once.
const TOGETHER: usize = 2_048;

/// A call that was made.
enum Made<S: Listed> {
    Answered(Given<S>),
    Waits(Driven<S::Answer, Unheard<S>>, Option<Unheard<S>>, Waiting),
}

/// An answer that nobody has heard yet. Dropped, what it gave is taken back.
struct Given<S: Listed> {
    answer: Option<Result<S::Answer, Error>>,
    unheard: Option<Unheard<S>>,
}

impl Ledger {
    /// Makes calls in their order, and answers when all are done. Those on one entity go out
    /// together, and entities do not wait for each other; of many, the first go first. Dropping the
    /// future undoes all of them.
    pub(crate) async fn call_many<S: Listed>(
        &self,
        policy: &Policy<S>,
        calls: Vec<(EntityKey, S::Request)>,
    ) -> Vec<Result<S::Answer, Error>> {
        let (mut calls, mut given) = (calls.into_iter(), Vec::new());
        let together = TOGETHER.min(self.shared.options.max_waiting).max(1);
        loop {
            let next = calls.by_ref().take(together);
            let mut made: Vec<Made<S>> = next.map(|(key, request)| self.make(key, policy, request)).collect();
            if made.is_empty() {
                return given.into_iter().map(Given::hear).collect();
            }
            // All wait before any lane is driven. A lane that is alone is driven by this very
            // future.
            let (alone, waits) = (made.len() == 1, made.iter_mut().filter_map(Made::waits));
            waits.filter(|_| !alone).for_each(Driven::let_go);
            for made in made {
                given.push(made.answer().await);
            }
        }
    }

    fn make<S: Listed>(&self, key: EntityKey, policy: &Policy<S>, request: S::Request) -> Made<S> {
        let answer = match self.local.answer(&key, policy, &request) {
            Some(answer) => Some(Ok(answer)),
            None => self.shared.watches.refusal(&key).map(|error| Err(error.into())),
        };
        let key = Arc::new(key);
        let unheard = || Unheard::of(&self.shared, &key, policy, &request);
        if answer.is_some() {
            return Made::Answered(Given { answer, unheard: unheard() });
        }
        match self.backlog.join() {
            Ok(waiting) => {
                let (of_wait, of_answer) = (unheard(), unheard());
                Made::Waits(self.shared.submit(key, Call::asked(policy, request), of_wait), of_answer, waiting)
            }
            Err(overloaded) => Made::Answered(Given { answer: Some(Err(overloaded)), unheard: None }),
        }
    }
}

impl<S: Listed> Made<S> {
    fn waits(&mut self) -> Option<&mut Driven<S::Answer, Unheard<S>>> {
        match self {
            Self::Waits(driven, ..) => Some(driven),
            Self::Answered(_) => None,
        }
    }

    async fn answer(self) -> Given<S> {
        match self {
            Self::Answered(given) => given,
            Self::Waits(driven, unheard, _waiting) => Given { answer: Some(driven.await), unheard },
        }
    }
}

impl<S: Listed> Given<S> {
    fn hear(mut self) -> Result<S::Answer, Error> {
        self.unheard = None;
        self.answer.take().expect("an answer is heard once")
    }
}

impl<S: Listed> Drop for Given<S> {
    fn drop(&mut self) {
        if let (Some(unheard), Some(Ok(answer)), Ok(runtime)) =
            (self.unheard.take(), &self.answer, Handle::try_current())
        {
            unheard.take_back(answer, &runtime);
        }
    }
}
