//! An HTTP service behind limits and a circuit: see the README of the example for its variables.

mod service;
mod settings;

use std::convert::Infallible;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tidegate::{Redis, Tidegate};
use tokio::net::{TcpListener, TcpStream};

use crate::service::Service;
use crate::settings::Settings;

#[tokio::main]
async fn main() -> Result<()> {
    let settings = Settings::from_environment()?;
    let mut gate = Tidegate::builder();
    if let Some(url) = &settings.redis_url {
        gate = gate.store(Redis::builder(url.as_str()).connect_in_background()?);
    }
    let gate = gate.build()?;
    let listener = TcpListener::bind(("127.0.0.1", settings.port)).await?;
    let service = Arc::new(Service::new(&gate, settings)?);
    gate.ready(Duration::from_secs(5)).await?;
    writeln!(std::io::stdout().lock(), "listening on http://{}", listener.local_addr()?)?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(converse(stream, Arc::clone(&service)));
    }
}

async fn converse(stream: TcpStream, service: Arc<Service>) {
    let answer = service_fn(|request| async {
        let request = request;
        Ok::<_, Infallible>(service.answer(&request).await.into_response())
    });
    // A connection that breaks is its client's trouble.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}
