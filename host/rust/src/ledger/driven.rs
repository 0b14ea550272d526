//! A call's future that drives its lane while it waits, and never leaves the lane without a driver.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::error::Error;
use crate::store::BoxFuture;

/// Waits for an answer. If it was given a driver, it runs that on its own task, which spares a lone
/// call the hop to another; once it is answered, or dropped, the driver goes on in a task of its
/// own.
pub(super) struct Driven<A, U: TakeBack<A>> {
    driver: Option<BoxFuture<'static, ()>>,
    answer: oneshot::Receiver<Result<A, Error>>,
    runtime: Option<Handle>,
    /// What to take back if the answer comes and is never looked at.
    unheard: Option<U>,
}

/// Takes back what an answer gave that nobody has heard.
pub(super) trait TakeBack<A>: Unpin {
    /// Names the lane as what is to be waited for by one who wants to know when all is taken back.
    fn leave(&self);
    /// Takes back what the answer gave, with the next batch of its lane.
    fn take_back(self, answer: &A, runtime: &Handle);
}

/// A call that gives nothing.
#[derive(Debug)]
pub(super) enum Untaken {}

impl<A> TakeBack<A> for Untaken {
    fn leave(&self) {
        match *self {}
    }

    fn take_back(self, _answer: &A, _runtime: &Handle) {
        match self {}
    }
}

impl<A, U: TakeBack<A>> Driven<A, U> {
    pub(super) fn new(
        driver: Option<BoxFuture<'static, ()>>,
        answer: oneshot::Receiver<Result<A, Error>>,
        unheard: Option<U>,
    ) -> Self {
        Self { driver, answer, runtime: Handle::try_current().ok(), unheard }
    }

    /// Has the lane driven by a task of its own, so that it goes on while this future is not
    /// polled.
    pub(super) fn let_go(&mut self) {
        if let Some(runtime) = &self.runtime
            && let Some(driver) = self.driver.take()
        {
            runtime.spawn(driver);
        }
    }
}

impl<A, U: TakeBack<A>> Future for Driven<A, U> {
    type Output = Result<A, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(driver) = &mut self.driver
            && driver.as_mut().poll(context).is_ready()
        {
            self.driver = None;
        }
        // A driver whose batch is late leaves the lane to another, so the answer need not come from
        // it.
        let answer = ready!(Pin::new(&mut self.answer).poll(context)).map_err(|_| ());
        self.unheard = None;
        let lost = || Error::Misuse("the driver of a lane ended without an answer".to_owned());
        Poll::Ready(answer.unwrap_or_else(|()| Err(lost())))
    }
}

impl<A, U: TakeBack<A>> Drop for Driven<A, U> {
    fn drop(&mut self) {
        // Closed first, so that whoever answers from now on sees that nobody listens, and takes
        // back what was given.
        self.answer.close();
        let Some(runtime) = &self.runtime else { return };
        match (self.unheard.take(), self.answer.try_recv()) {
            (Some(unheard), Ok(Ok(answer))) => unheard.take_back(&answer, runtime),
            (Some(unheard), Err(_)) => unheard.leave(),
            _ => {}
        }
        // Others may wait behind this call, and its commit may be on its way.
        if let Some(driver) = self.driver.take() {
            runtime.spawn(driver);
        }
    }
}
