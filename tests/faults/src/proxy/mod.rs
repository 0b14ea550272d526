//! A proxy between hosts and a server that does to TCP connections what networks and servers do:
//! slow them down, reset them, lose one direction, hang, refuse.
//!
//! It takes the rules it has at the time, so what a test orders holds for every connection from
//! then on, also for those that are open. Bytes are never reordered, repeated or changed: TCP does
//! not do that either. What it has done is counted, so that a test can show that its fault was met.

mod carry;
mod door;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use self::door::Door;

/// What becomes of the bytes of one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Flow {
    /// They go on.
    #[default]
    Pass,
    /// They wait, and go on when the rule is another again.
    Hold,
    /// They are lost, and so is all that comes after them on the same connection, whatever the rule
    /// is then.
    Lose,
}

/// The rules of one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Way {
    /// What becomes of the bytes.
    pub flow: Flow,
    /// How long each byte takes, in milliseconds; in order, and any number at once.
    pub delay_ms: u64,
    /// How many bytes go through in a second on each connection; 0: any number.
    pub bytes_per_s: u64,
}

/// What holds at a time.
#[derive(Debug, Clone, Copy)]
struct Rules {
    /// From clients to the server.
    requests: Way,
    /// From the server to clients.
    replies: Way,
    /// Where new connections lead.
    server: SocketAddr,
    /// Connections of a number up to this are reset.
    reset_up_to: u64,
}

/// What the proxy has done so far.
#[derive(Debug, Default)]
struct Counters {
    connections: AtomicU64,
    lost_requests: AtomicU64,
    lost_replies: AtomicU64,
    resets: AtomicU64,
}

/// What all connections share.
#[derive(Debug)]
struct Shared {
    rules: watch::Sender<Rules>,
    counters: Counters,
}

/// A running proxy, ended with the value that holds it: then its connections are closed.
#[derive(Debug)]
pub struct Proxy {
    door: Door,
    shared: Arc<Shared>,
    /// Last, so that what runs on it goes first.
    runtime: Runtime,
}

impl Proxy {
    /// Starts a proxy on a free port of this machine, which passes all on to `server`.
    ///
    /// # Errors
    /// If there is no port.
    pub fn start(server: SocketAddr) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (requests, replies) = (Way::default(), Way::default());
        let (rules, _) = watch::channel(Rules { requests, replies, server, reset_up_to: 0 });
        let shared = Arc::new(Shared { rules, counters: Counters::default() });
        let door = {
            let _on = runtime.enter();
            Door::open(&shared)?
        };
        Ok(Self { door, shared, runtime })
    }

    /// Where it takes connections.
    pub fn address(&self) -> SocketAddr {
        self.door.address()
    }

    fn set(&self, change: impl FnOnce(&mut Rules)) {
        self.shared.rules.send_modify(change);
    }

    /// Changes the rules of requests: from clients to the server.
    pub fn requests(&self, way: Way) {
        self.set(|rules| rules.requests = way);
    }

    /// Changes the rules of replies: from the server to clients.
    pub fn replies(&self, way: Way) {
        self.set(|rules| rules.replies = way);
    }

    /// Changes the rules of both directions.
    pub fn both(&self, way: Way) {
        self.set(|rules| (rules.requests, rules.replies) = (way, way));
    }

    /// Lets all through again. Connections that lost something stay as they are.
    pub fn heal(&self) {
        self.both(Way::default());
    }

    /// Leads new connections to another server. Those that are open stay where they are.
    pub fn lead_to(&self, server: SocketAddr) {
        self.set(|rules| rules.server = server);
    }

    /// Resets all connections: both ends are told so at once, whatever was under way.
    pub fn reset(&self) {
        let newest = self.shared.counters.connections.load(Ordering::SeqCst);
        self.set(|rules| rules.reset_up_to = newest);
    }

    /// Refuses new connections from here on, as a machine does on which nothing listens. Those that
    /// are open stay.
    pub fn refuse(&mut self) {
        let _on = self.runtime.enter();
        self.door.shut();
    }

    /// Takes new connections again, on the same port.
    ///
    /// # Errors
    /// If the port cannot be listened on.
    pub fn accept(&mut self) -> Result<()> {
        let _on = self.runtime.enter();
        self.door.reopen(&self.shared)
    }

    /// How many connections it has taken.
    pub fn connections(&self) -> u64 {
        self.shared.counters.connections.load(Ordering::SeqCst)
    }

    /// How many bytes of requests it has lost.
    pub fn lost_requests(&self) -> u64 {
        self.shared.counters.lost_requests.load(Ordering::SeqCst)
    }

    /// How many bytes of replies it has lost.
    pub fn lost_replies(&self) -> u64 {
        self.shared.counters.lost_replies.load(Ordering::SeqCst)
    }

    /// How many connections it has reset.
    pub fn resets(&self) -> u64 {
        self.shared.counters.resets.load(Ordering::SeqCst)
    }
}
