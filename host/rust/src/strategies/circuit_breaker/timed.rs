//! Work that may take no longer than a timeout.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::clock::Clock;

/// What work gives within its time. Without an answer it was dropped.
pub(crate) async fn within<F: Future>(clock: &dyn Clock, timeout: Option<Duration>, work: F) -> Option<F::Output> {
    let Some(timeout) = timeout else { return Some(work.await) };
    let (mut work, mut over) = (pin!(work), clock.sleep(timeout));
    std::future::poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => over.as_mut().poll(context).map(|()| None),
    })
    .await
}
