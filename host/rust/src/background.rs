//! Work that nobody waits for, unless they ask to.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::error::Error;
use crate::store::BoxFuture;

thread_local! {
    /// What is to be waited for, while somebody drops something and wants to know when all of it is
    /// done.
    static LEFT: RefCell<Option<Vec<BoxFuture<'static, ()>>>> = const { RefCell::new(None) };
}

/// What the handles of a gate have under way in the background.
#[derive(Debug)]
pub(crate) struct Background {
    under_way: watch::Sender<BTreeSet<u64>>,
    next: AtomicU64,
}

/// Work that is under way, until it ends or its runtime does.
struct UnderWay {
    background: Arc<Background>,
    number: u64,
}

impl Background {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { under_way: watch::Sender::default(), next: AtomicU64::new(0) })
    }

    /// Runs a future in the background, and reports an error where nobody else could. On the memory
    /// store it ends at once, without any runtime.
    pub(crate) fn run<T: Debug>(
        self: &Arc<Self>,
        what: &'static str,
        work: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) {
        let mut work = Box::pin(work);
        match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => report(what, result),
            Poll::Pending => {
                let Ok(runtime) = Handle::try_current() else {
                    tracing::warn!("{what} was left undone: there is no tokio runtime to do it in");
                    return;
                };
                let under_way = self.begin();
                let task = runtime.spawn(async move {
                    report(what, work.await);
                    drop(under_way);
                });
                leave(|| async move { drop(task.await) });
            }
        }
    }

    /// Returns when all is done that was under way when it was called.
    pub(crate) async fn settled(&self) {
        let next = self.next.load(Ordering::SeqCst);
        // The sender lives as long as this.
        let _ = self.under_way.subscribe().wait_for(|under_way| under_way.first().is_none_or(|it| *it >= next)).await;
    }

    fn begin(self: &Arc<Self>) -> UnderWay {
        let mut number = 0;
        self.under_way.send_modify(|under_way| {
            number = self.next.fetch_add(1, Ordering::SeqCst);
            under_way.insert(number);
        });
        UnderWay { background: Arc::clone(self), number }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.background.under_way.send_modify(|under_way| {
            under_way.remove(&self.number);
        });
    }
}

/// Drops something of this crate, such as the future of a call, and says when all that it had is
/// given back: its position in a queue, its permit, its probe. `dropping` is what drops it. What is
/// under way goes on if nobody waits for it.
///
/// ```
/// use std::time::Duration;
/// use tidegate::{Limit, OnLimit, RateLimiterConfig, Tidegate};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tidegate::Error> {
/// # let gate = Tidegate::builder().build()?;
/// let queue = OnLimit::queue(1, Duration::from_secs(60));
/// let limiter = gate.rate_limiter(RateLimiterConfig::new("api", Limit::per_minute(1)).on_limit(queue))?;
/// limiter.acquire("me").await?;
/// let mut waiting = Box::pin(limiter.acquire("me"));
/// tokio::select! {
///     _ = &mut waiting => unreachable!("it is not its turn for a minute"),
///     () = tokio::time::sleep(Duration::from_millis(5)) => {}
/// }
/// tidegate::given_back(|| drop(waiting)).await;
/// assert_eq!(limiter.peek("me").await?.waiting, 0);
/// # Ok(())
/// # }
/// ```
pub fn given_back(dropping: impl FnOnce()) -> impl Future<Output = ()> + Send + 'static {
    let before = Before(LEFT.replace(Some(Vec::new())));
    dropping();
    let left = LEFT.take().unwrap_or_default();
    drop(before);
    async move {
        for work in left {
            work.await;
        }
    }
}

/// What was waited for before, and is again, be it that a drop panics.
struct Before(Option<Vec<BoxFuture<'static, ()>>>);

impl Drop for Before {
    fn drop(&mut self) {
        LEFT.set(self.0.take());
    }
}

/// Names what is still to be waited for, if somebody does.
pub(crate) fn leave<F: Future<Output = ()> + Send + 'static>(work: impl FnOnce() -> F) {
    LEFT.with_borrow_mut(|left| {
        if let Some(left) = left {
            left.push(Box::pin(work()));
        }
    });
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
