//! The server that the workflow calls: a real one on this machine, which fails for a while and
//! remembers every request.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::time::now_us;

/// When the server fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Script {
    /// The request with which it begins to fail, counted from 1; 0: it never does.
    pub(crate) fail_from: u32,
    /// For how long it then fails.
    pub(crate) fail_for: Duration,
    /// How long an answer takes.
    pub(crate) latency: Duration,
}

/// A running server, ended with this value.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    log: Arc<Mutex<Log>>,
    task: JoinHandle<()>,
}

/// What a server has seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    /// All requests, in the order of their arrival.
    pub(crate) requests: Vec<Seen>,
    /// From when until when it failed, in microseconds since 1970.
    pub(crate) failing_us: Option<(u64, u64)>,
}

/// A request that a server has seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// When it came, in microseconds since 1970.
    pub(crate) at_us: u64,
    /// The item it was sent for, by its path.
    pub(crate) item: Option<u32>,
    /// Whether it is answered well.
    pub(crate) is_good: bool,
}

impl Server {
    /// Starts on a free port of the loopback interface.
    pub(crate) async fn start(script: Script) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("starting the local server")?;
        let address = listener.local_addr()?;
        let log = Arc::new(Mutex::new(Log::default()));
        let task = tokio::spawn(serve(listener, script, Arc::clone(&log)));
        Ok(Self { address, log, task })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it has seen so far.
    pub(crate) fn log(&self) -> Log {
        self.log.lock().expect("nobody panics with the lock").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Log {
    /// Notes a request and says whether it is answered well.
    fn note(&mut self, script: Script, item: Option<u32>) -> bool {
        let at_us = now_us();
        let is_first_to_fail = self.requests.len() + 1 == script.fail_from as usize;
        if is_first_to_fail {
            let fail_for_us = u64::try_from(script.fail_for.as_micros()).unwrap_or(u64::MAX);
            self.failing_us = Some((at_us, at_us.saturating_add(fail_for_us)));
        }
        let is_good = self.failing_us.is_none_or(|(from_us, until_us)| !(from_us..until_us).contains(&at_us));
        self.requests.push(Seen { at_us, item, is_good });
        is_good
    }
}

async fn serve(listener: TcpListener, script: Script, log: Arc<Mutex<Log>>) {
    // A connection that could not be taken is its client's trouble.
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(converse(stream, script, Arc::clone(&log)));
    }
}

async fn converse(stream: TcpStream, script: Script, log: Arc<Mutex<Log>>) {
    let service = service_fn(|request| answer(request, script, &log));
    // A connection that breaks is its client's trouble.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    script: Script,
    log: &Mutex<Log>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let item = request.uri().path().strip_prefix("/prices/").and_then(|item| item.parse().ok());
    let is_good = log.lock().expect("nobody panics with the lock").note(script, item);
    tokio::time::sleep(script.latency).await;
    let mut response = Response::new(Full::new(Bytes::from_static(b"{\"price\": 1250, \"currency\": \"EUR\"}\n")));
    if !is_good {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        *response.body_mut() = Full::default();
    }
    Ok(response)
}
