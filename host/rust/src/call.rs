//! Calls on their way: with their answers, and with whoever waits for those.
//!
//! A [`Call`] is of one strategy, so its answer has that strategy's type. [`AnyCall`] is one of any
//! strategy, so that all calls on an entity can wait together. What the ledger does with it is
//! [`Work`].

use std::fmt::Debug;
use std::ops::{Deref, DerefMut};

use tokio::sync::oneshot;

use crate::error::Error;
use crate::runtime::{Policy, Runtime};
use crate::strategies::strategies;
use crate::strategy::{self, Owed, Strategy};
use crate::transaction::Transaction;

type Sender<A> = oneshot::Sender<Result<A, Error>>;

/// Who waits for the answer.
#[derive(Debug)]
enum Reply<A> {
    /// Nobody, but perhaps somebody waits for the end of the call.
    Nobody(Option<Sender<()>>),
    /// A caller; `None`: it was told an error already, and waits no more.
    Caller(Option<Sender<A>>),
}

/// A call of one strategy.
#[derive(Debug)]
pub(crate) struct Call<S: Strategy> {
    policy: Policy<S>,
    request: S::Request,
    reply: Reply<S::Answer>,
    answer: Option<Result<S::Answer, Error>>,
    /// The answer of a run before, while it is run once more.
    before: Option<Result<S::Answer, Error>>,
}

/// What became of a call that has its answer.
#[derive(Debug)]
pub(crate) enum End {
    /// Its caller has heard it, or it gave nothing.
    Heard,
    /// Its caller has gone; this takes back what it gave.
    Unheard(Box<AnyCall>),
    /// Nobody waited, and it is done. It gave back and posted this many permits.
    Done { released: u32, posted: u32 },
    /// Nobody waited, and it failed.
    Failed(Error),
}

/// What a call is to those who carry it.
pub(crate) trait Work: Debug + Send {
    /// Runs it on the entity 0 of a transaction.
    fn run(&mut self, runtime: &Runtime, transaction: &mut Transaction);
    /// Whether the next one goes through the component together with it.
    fn joins(&self, next: &AnyCall) -> bool;
    /// Runs it and those that it joins in one call of the component. False: they were not run.
    fn run_with(&mut self, others: &mut [&mut AnyCall], runtime: &Runtime, transaction: &mut Transaction) -> bool;
    /// Whether it was run and did not fail.
    fn has_run(&self) -> bool;
    /// Keeps its answer, so that it can be run once more.
    fn keep_answer(&mut self);
    /// Goes back to the answer that was kept.
    fn restore_answer(&mut self);
    /// Whether its answer denies what was asked for.
    fn refuses(&self) -> bool;
    /// Whether its answer gave something of a lease that this host holds.
    fn is_leased(&self) -> bool;
    /// The lease that it has taken: for how long, in milliseconds, and what gives back what is left
    /// then.
    fn lease(&self) -> Option<(u64, AnyCall)>;
    /// Whether it has no need to wait for an outcome that changes nothing.
    fn goes_ahead(&self) -> bool;
    /// Whether it changes just what the one before has changed.
    fn repeats(&self, before: &AnyCall) -> bool;
    /// If it posts what was let go without the store: how much.
    fn owed(&mut self) -> Option<Owed<'_>>;
    /// Whether somebody waits for its answer, or for the end of it.
    fn is_awaited(&self) -> bool;
    /// Ends it with an error in place of an answer.
    fn fail(&mut self, error: Error);
    /// Tells its caller an error, before there is an answer. The answer that comes is then heard by
    /// nobody.
    fn give_up(&mut self, error: &Error);
    /// Gives its caller the answer.
    fn end(&mut self) -> End;
    /// Has somebody wait for the end of it, where nobody waits for its answer.
    fn watch(&mut self, watcher: oneshot::Sender<Result<(), Error>>);
    /// Tells whoever waits for the end of it.
    fn tell_end(&mut self, result: Result<(), Error>);
}

/// A strategy that is in the list of all.
pub(crate) trait Listed: Strategy {
    /// The call, if it is of this strategy.
    fn of(call: &AnyCall) -> Option<&Call<Self>>;
    /// The same, to be changed.
    fn of_mut(call: &mut AnyCall) -> Option<&mut Call<Self>>;
    /// The call as one of any strategy.
    fn any(call: Call<Self>) -> AnyCall;
}

/// Makes the closed enum of all calls, and the one match through which [`Work`] is done on it. No
/// call is boxed.
macro_rules! any_call {
    ($($name:ident($strategy:ty)),+ $(,)?) => {
        /// A call of any strategy.
        #[derive(Debug)]
        pub(crate) enum AnyCall {
            /// Nothing but the wait for all that came before.
            Wait(Wait),
            $($name(Call<$strategy>)),+
        }

        impl Deref for AnyCall {
            type Target = dyn Work;

            fn deref(&self) -> &Self::Target {
                match self {
                    Self::Wait(wait) => wait,
                    $(Self::$name(call) => call),+
                }
            }
        }

        impl DerefMut for AnyCall {
            fn deref_mut(&mut self) -> &mut Self::Target {
                match self {
                    Self::Wait(wait) => wait,
                    $(Self::$name(call) => call),+
                }
            }
        }

        $(impl Listed for $strategy {
            fn of(call: &AnyCall) -> Option<&Call<Self>> {
                if let AnyCall::$name(call) = call { Some(call) } else { None }
            }

            fn of_mut(call: &mut AnyCall) -> Option<&mut Call<Self>> {
                if let AnyCall::$name(call) = call { Some(call) } else { None }
            }

            fn any(call: Call<Self>) -> AnyCall {
                AnyCall::$name(call)
            }
        })+
    };
}

strategies!(any_call);

impl AnyCall {
    /// Waits for all that came before.
    pub(crate) fn wait() -> (Self, oneshot::Receiver<Result<(), Error>>) {
        let (sender, receiver) = oneshot::channel();
        (Self::Wait(Wait(Some(sender))), receiver)
    }
}

impl<S: Listed> Call<S> {
    fn with(policy: &Policy<S>, request: S::Request, reply: Reply<S::Answer>) -> AnyCall {
        S::any(Self { policy: policy.clone(), request, reply, answer: None, before: None })
    }

    /// A call whose caller waits for the answer.
    pub(crate) fn asked(
        policy: &Policy<S>,
        request: S::Request,
    ) -> (AnyCall, oneshot::Receiver<Result<S::Answer, Error>>) {
        let (sender, receiver) = oneshot::channel();
        (Self::with(policy, request, Reply::Caller(Some(sender))), receiver)
    }

    /// A call that nobody waits for.
    pub(crate) fn unasked(policy: &Policy<S>, request: S::Request) -> AnyCall {
        Self::with(policy, request, Reply::Nobody(None))
    }

    /// What takes back what an answer gave.
    pub(crate) fn undoing(policy: &Policy<S>, request: &S::Request, answer: &S::Answer) -> Option<AnyCall> {
        S::undo(request, answer).map(|undo| Self::unasked(policy, undo))
    }
}

impl AnyCall {
    /// Has somebody wait for the end of a call whose answer nobody waits for.
    pub(crate) fn watched(mut self) -> (Self, oneshot::Receiver<Result<(), Error>>) {
        let (sender, receiver) = oneshot::channel();
        self.watch(sender);
        (self, receiver)
    }
}

impl<S: Listed> Work for Call<S> {
    fn run(&mut self, runtime: &Runtime, transaction: &mut Transaction) {
        let answer = strategy::run(&self.request, runtime, &self.policy, transaction);
        self.answer = Some(answer.map_err(Error::from));
    }

    fn joins(&self, next: &AnyCall) -> bool {
        S::of(next).is_some_and(|next| self.policy.is(&next.policy) && S::joins(&self.request, &next.request))
    }

    fn run_with(&mut self, others: &mut [&mut AnyCall], runtime: &Runtime, transaction: &mut Transaction) -> bool {
        let mut others: Vec<&mut Self> = others.iter_mut().filter_map(|call| S::of_mut(call)).collect();
        let next = others.iter().map(|call| (0, &call.request));
        let requests: Vec<_> = std::iter::once((0, &self.request)).chain(next).collect();
        let Ok(answers) = strategy::run_many(&requests, runtime, &self.policy, transaction) else { return false };
        let calls = std::iter::once(self).chain(others.drain(..));
        calls.zip(answers).for_each(|(call, answer)| call.answer = Some(Ok(answer)));
        true
    }

    fn has_run(&self) -> bool {
        matches!(self.answer, Some(Ok(_)))
    }

    fn keep_answer(&mut self) {
        self.before = self.answer.take();
    }

    fn restore_answer(&mut self) {
        self.answer = self.before.take().or(self.answer.take());
    }

    fn refuses(&self) -> bool {
        matches!(&self.answer, Some(Ok(answer)) if S::refuses(answer))
    }

    fn is_leased(&self) -> bool {
        matches!(&self.answer, Some(Ok(answer)) if S::is_leased(&self.request, answer))
    }

    fn lease(&self) -> Option<(u64, AnyCall)> {
        let lease = S::lease(self.answer.as_ref()?.as_ref().ok()?)?;
        Some((lease.life_ms, Self::unasked(&self.policy, lease.release)))
    }

    fn goes_ahead(&self) -> bool {
        S::goes_ahead(&self.request)
    }

    fn repeats(&self, before: &AnyCall) -> bool {
        S::of(before).is_some_and(|before| self.policy.is(&before.policy) && S::repeats(&self.request, &before.request))
    }

    fn owed(&mut self) -> Option<Owed<'_>> {
        S::owed(&mut self.request)
    }

    fn is_awaited(&self) -> bool {
        matches!(self.reply, Reply::Caller(_) | Reply::Nobody(Some(_)))
    }

    fn fail(&mut self, error: Error) {
        self.answer = Some(Err(error));
    }

    fn give_up(&mut self, error: &Error) {
        if let Reply::Caller(caller) = &mut self.reply
            && let Some(caller) = caller.take()
        {
            // One who has gone away was given nothing.
            let _ = caller.send(Err(error.clone()));
        }
    }

    fn end(&mut self) -> End {
        match (&mut self.reply, self.answer.take()) {
            (Reply::Caller(caller), Some(answer)) => {
                let unheard = match caller.take() {
                    Some(caller) => caller.send(answer).err(),
                    None => Some(answer),
                };
                let undo = |answer| Self::undoing(&self.policy, &self.request, &answer);
                unheard.and_then(Result::ok).and_then(undo).map_or(End::Heard, |undo| End::Unheard(Box::new(undo)))
            }
            (Reply::Nobody(_), Some(Ok(answer))) => {
                let posted = S::owed(&mut self.request).map_or(0, |owed| *owed.cost);
                End::Done { released: S::released(&answer), posted }
            }
            (Reply::Nobody(_), Some(Err(error))) => End::Failed(error),
            (_, None) => End::Heard,
        }
    }

    fn watch(&mut self, watcher: oneshot::Sender<Result<(), Error>>) {
        if let Reply::Nobody(end) = &mut self.reply {
            *end = Some(watcher);
        }
    }

    fn tell_end(&mut self, result: Result<(), Error>) {
        if let Reply::Nobody(end) = &mut self.reply
            && let Some(watcher) = end.take()
        {
            let _ = watcher.send(result);
        }
    }
}

/// The wait for all that came before.
#[derive(Debug)]
pub(crate) struct Wait(Option<Sender<()>>);

impl Work for Wait {
    fn run(&mut self, _runtime: &Runtime, _transaction: &mut Transaction) {}

    fn joins(&self, _next: &AnyCall) -> bool {
        false
    }

    fn run_with(&mut self, _others: &mut [&mut AnyCall], _runtime: &Runtime, _transaction: &mut Transaction) -> bool {
        false
    }

    fn has_run(&self) -> bool {
        true
    }

    fn keep_answer(&mut self) {}

    fn restore_answer(&mut self) {}

    fn refuses(&self) -> bool {
        false
    }

    fn is_leased(&self) -> bool {
        false
    }

    fn lease(&self) -> Option<(u64, AnyCall)> {
        None
    }

    fn goes_ahead(&self) -> bool {
        false
    }

    fn repeats(&self, _before: &AnyCall) -> bool {
        false
    }

    fn owed(&mut self) -> Option<Owed<'_>> {
        None
    }

    fn is_awaited(&self) -> bool {
        true
    }

    fn fail(&mut self, error: Error) {
        self.give_up(&error);
    }

    fn give_up(&mut self, error: &Error) {
        self.tell_end(Err(error.clone()));
    }

    fn end(&mut self) -> End {
        self.tell_end(Ok(()));
        End::Heard
    }

    fn watch(&mut self, watcher: oneshot::Sender<Result<(), Error>>) {
        self.0 = Some(watcher);
    }

    fn tell_end(&mut self, result: Result<(), Error>) {
        if let Some(watcher) = self.0.take() {
            let _ = watcher.send(result);
        }
    }
}
