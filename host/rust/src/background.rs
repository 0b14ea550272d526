//! Work that nobody waits for.

use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use crate::error::Error;

/// Runs a future in the background, and reports an error where nobody else could. On the memory store it ends at once, without
/// any runtime.
pub(crate) fn run<T: Debug>(what: &'static str, work: impl Future<Output = Result<T, Error>> + Send + 'static) {
    let mut work = Box::pin(work);
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => report(what, result),
        Poll::Pending => {
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(async move { report(what, work.await) });
            } else {
                tracing::warn!("{what} was left undone: there is no tokio runtime to do it in");
            }
        }
    }
}

fn report<T: Debug>(what: &'static str, result: Result<T, Error>) {
    if let Err(error) = result {
        tracing::warn!(%error, "{what} failed");
    }
}

/// The result of a future that is known to be ready at once.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
