//! A call's future that drives its lane while it waits, and never leaves the lane without a driver.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use super::Ledger;
use super::lanes::Work;
use crate::background;
use crate::call::Answer;
use crate::error::Error;
use crate::key::EntityKey;
use crate::store::BoxFuture;

/// Waits for an answer. If it was given a driver, it runs that on its own task, which spares a lone
/// call the hop to another; once it is answered, or dropped, the driver goes on in a task of its
/// own.
pub(super) struct Driven {
    driver: Option<BoxFuture<'static, ()>>,
    answer: oneshot::Receiver<Result<Answer, Error>>,
    runtime: Option<tokio::runtime::Handle>,
    /// What to take back if the answer comes and is never looked at.
    unheard: Option<Unheard>,
}

/// A call that gives something away.
pub(super) struct Unheard {
    pub(super) ledger: Arc<Ledger>,
    pub(super) key: Arc<EntityKey>,
    pub(super) work: Work,
}

impl Unheard {
    /// Names the lane as what is to be waited for by one who wants to know when all is taken back.
    fn leave(&self) {
        background::leave(|| Arc::clone(&self.ledger).settle_lane(Arc::clone(&self.key)));
    }

    /// Takes back what an answer gave, with the next batch of its lane.
    pub(super) fn take_back(self, answer: &Answer, runtime: &tokio::runtime::Handle) {
        self.leave();
        let Self { ledger, key, work } = self;
        if ledger.take_back(&key, &work, answer) {
            runtime.spawn(ledger.drive(key));
        }
    }
}

impl Driven {
    pub(super) fn new(
        driver: Option<impl Future<Output = ()> + Send + 'static>,
        answer: oneshot::Receiver<Result<Answer, Error>>,
        unheard: Option<Unheard>,
    ) -> Self {
        let driver = driver.map(|driver| Box::pin(driver) as BoxFuture<'static, ()>);
        Self { driver, answer, runtime: tokio::runtime::Handle::try_current().ok(), unheard }
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

impl Future for Driven {
    type Output = Result<Answer, Error>;

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

impl Drop for Driven {
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
        // Others may be in line behind this call, and its commit may be on its way.
        if let Some(driver) = self.driver.take() {
            runtime.spawn(driver);
        }
    }
}
