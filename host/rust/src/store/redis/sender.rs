//! Sends commits: at once while the line is free, and those that come meanwhile together, as one
//! call of the script.
//!
//! A call of the script costs the server and the client several times what it does in it, so
//! callers on many keys get several times as far together. Nobody waits for others to come: those
//! who are ready to commit, and no more, go out together, and a commit that finds no other on its
//! way goes at once. What becomes of one does not depend on the others.

use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use redis::{ErrorKind, RedisError, RedisResult, ServerErrorKind};
use tokio::sync::oneshot;

use super::error;
use super::link::Wire;
use super::reply::{self, Part};
use super::wire::{self, Encoded, Script};
use crate::away::listen;

/// How many commits go out together at most.
const MAX_TOGETHER: usize = 64;
/// The longest log of a commit that goes out with others: the server does nothing else meanwhile.
const MAX_LOG_BYTES: usize = 1_024;

/// What is said of a reply that cannot be read.
pub(super) const MALFORMED: &str = "the server's reply is malformed";

/// See the module.
#[derive(Debug)]
pub(super) struct Sender {
    digest: String,
    /// How long one call of the script is waited for.
    longest: Duration,
    /// How many calls of the script are on their way.
    on_their_way: AtomicUsize,
    line: Mutex<Line>,
    hasher: foldhash::fast::RandomState,
}

/// Commits that will go out together.
#[derive(Debug, Default)]
struct Line {
    commits: Vec<Encoded>,
    answers: Vec<oneshot::Sender<RedisResult<Part>>>,
    /// Their keys: the script takes no key twice.
    hashes: Vec<u64>,
}

impl Sender {
    pub(super) fn new(longest: Duration) -> Arc<Self> {
        Arc::new(Self {
            digest: redis::Script::new(wire::SCRIPT).get_hash().to_owned(),
            longest,
            on_their_way: AtomicUsize::new(0),
            line: Mutex::default(),
            hasher: foldhash::fast::RandomState::default(),
        })
    }

    /// Sends a commit, and gives the script's answer to it.
    pub(super) async fn send(self: &Arc<Self>, wire: &mut Wire, commit: Encoded) -> RedisResult<Part> {
        if self.on_their_way.load(Ordering::Relaxed) == 0 {
            return self.send_alone(wire, commit).await;
        }
        match self.join(wire, commit) {
            Ok(answer) => answer.await.unwrap_or_else(|_| Err(lost())),
            Err(commit) => self.send_alone(wire, commit).await,
        }
    }

    async fn send_alone(&self, wire: &mut Wire, commit: Encoded) -> RedisResult<Part> {
        self.call(wire, &[commit]).await?.next().ok_or_else(lost)
    }

    /// Adds a commit to those that wait, if it may go out with them.
    fn join(self: &Arc<Self>, wire: &Wire, commit: Encoded) -> Result<oneshot::Receiver<RedisResult<Part>>, Encoded> {
        // In a cluster they would be for several nodes.
        if !wire.is_single() || commit.log_bytes() > MAX_LOG_BYTES {
            return Err(commit);
        }
        let mut line = self.line.lock();
        let hashes = commit.keys().iter().map(|key| self.hasher.hash_one(key));
        let before = line.hashes.len();
        for hash in hashes {
            if line.hashes[..before].contains(&hash) {
                line.hashes.truncate(before);
                return Err(commit);
            }
            line.hashes.push(hash);
        }
        let (sender, answer) = oneshot::channel();
        line.commits.push(commit);
        line.answers.push(sender);
        let count = line.commits.len();
        if count == MAX_TOGETHER {
            tokio::spawn(Arc::clone(self).send_together(wire.clone(), std::mem::take(&mut *line)));
        } else if count == 1 {
            tokio::spawn(Duty(Some(Arc::clone(self))).send_line(wire.clone()));
        }
        Ok(answer)
    }

    async fn send_together(self: Arc<Self>, mut wire: Wire, line: Line) {
        let Line { commits, answers, .. } = line;
        let sent = listen(self.longest, self.call(&mut wire, &commits)).await;
        match sent.unwrap_or_else(|| Err(lost())) {
            Ok(parts) => {
                for (answer, part) in answers.into_iter().zip(parts) {
                    // Whoever no longer listens has run out of time.
                    let _ = answer.send(Ok(part));
                }
            }
            Err(error) if is_of_one(&error) => {
                for (commit, answer) in commits.into_iter().zip(answers) {
                    let sent = listen(self.longest, self.send_alone(&mut wire, commit)).await;
                    let _ = answer.send(sent.unwrap_or_else(|| Err(lost())));
                }
            }
            Err(error) => {
                for answer in answers {
                    let _ = answer.send(Err(error.clone()));
                }
            }
        }
    }

    /// Calls the script, with the whole of it where the server has forgotten it. The answer has a
    /// part for each commit.
    async fn call(&self, wire: &mut Wire, commits: &[Encoded]) -> RedisResult<impl Iterator<Item = Part> + use<>> {
        let _way = OnItsWay::new(&self.on_their_way);
        let connection = wire.connection();
        let mut result = connection.send(&wire::command(commits, Script::Digest(&self.digest))).await;
        if result.as_ref().is_err_and(error::is_unknown_script) {
            result = connection.send(&wire::command(commits, Script::Text)).await;
        }
        let malformed = |fault| RedisError::from((ErrorKind::UnexpectedReturnType, MALFORMED, fault));
        reply::parts(result?, commits.len()).map_err(malformed)
    }
}

/// Whether the server may have refused all because of the keys of one, before it ran anything.
fn is_of_one(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoPerm)
}

/// Nobody knows what became of the commit.
fn lost() -> RedisError {
    RedisError::from((ErrorKind::Io, "the commit was on its way and was not answered"))
}

/// A call of the script that is on its way, until this is dropped.
struct OnItsWay<'a>(&'a AtomicUsize);

impl<'a> OnItsWay<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for OnItsWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whoever must send the line. It is given up with its task, so that nobody lines up behind a task
/// that is gone.
struct Duty(Option<Arc<Sender>>);

impl Duty {
    async fn send_line(mut self, wire: Wire) {
        // Whoever is ready to commit does so before this goes on.
        tokio::task::yield_now().await;
        if let Some(sender) = self.0.take() {
            let line = std::mem::take(&mut *sender.line.lock());
            if !line.commits.is_empty() {
                sender.send_together(wire, line).await;
            }
        }
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        if let Some(sender) = &self.0 {
            drop(std::mem::take(&mut *sender.line.lock()));
        }
    }
}
