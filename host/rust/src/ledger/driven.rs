//! A call's future that drives its lane while it waits, and never leaves the lane without a driver.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::call::Answer;
use crate::error::Error;
use crate::store::BoxFuture;

/// Waits for an answer. If it was given a driver, it runs that on its own task, which spares a lone call the hop to another;
/// once it is answered, or dropped, the driver goes on in a task of its own.
pub(super) struct Driven {
    driver: Option<BoxFuture<'static, ()>>,
    answer: oneshot::Receiver<Result<Answer, Error>>,
    runtime: Option<tokio::runtime::Handle>,
}

impl Driven {
    pub(super) fn new(
        driver: Option<impl Future<Output = ()> + Send + 'static>,
        answer: oneshot::Receiver<Result<Answer, Error>>,
    ) -> Self {
        let driver = driver.map(|driver| Box::pin(driver) as BoxFuture<'static, ()>);
        Self { driver, answer, runtime: tokio::runtime::Handle::try_current().ok() }
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
        let lost = || Error::Misuse("the driver of a lane ended without an answer".to_owned());
        Pin::new(&mut self.answer).poll(context).map(|answer| answer.unwrap_or_else(|_| Err(lost())))
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        // Others may be in line behind this call, and its commit may be on its way.
        if let (Some(driver), Some(runtime)) = (self.driver.take(), &self.runtime) {
            // The receiver is closed first, so that a driver that ends at once sees that nobody waits.
            self.answer.close();
            runtime.spawn(driver);
        }
    }
}
