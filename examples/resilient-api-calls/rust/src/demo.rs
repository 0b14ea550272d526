//! The demo: starts the server and the workers, follows what happens, and sums it up.

use anyhow::{Context, Result, bail, ensure};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::args::Settings;
use crate::event::Events;
use crate::progress::Progress;
use crate::server::{Script, Server};
use crate::summary::Summary;
use crate::tally::Tally;
use crate::time::now_us;
use crate::worker::{self, Job};
use crate::workflow::Plan;

/// Runs the demo and prints its summary.
pub(crate) async fn run(settings: &Settings) -> Result<()> {
    let server = Server::start(script(settings)).await?;
    let started_us = now_us();
    let plan = plan(settings, server.url(), started_us);
    let mut progress = Progress::start(settings, &plan.key, started_us);
    let (sender, mut events) = mpsc::unbounded_channel();
    let workers = start_workers(settings, &plan, &sender);
    // The workers hold the senders that are left, so the events end with them.
    drop(sender);

    let mut tally = Tally::default();
    progress.follow(&mut events, &mut tally).await;
    let ended = all(workers).await;
    if tally.done() == 0 {
        // Nothing happened that could be summed up.
        ended?;
        bail!("the workers ended before they handled an item");
    }
    let summary = Summary::of(settings, &tally, &server.log(), started_us, now_us());
    print(&summary, settings.is_json)?;
    ended?;
    ensure!(tally.undecided == 0, "{} items had no decision: {}", tally.undecided, trouble(&tally));
    ensure!(tally.unrecorded == 0, "{} outcomes were not recorded: {}", tally.unrecorded, trouble(&tally));
    Ok(())
}

fn script(settings: &Settings) -> Script {
    Script {
        fail_from: settings.fail_from,
        fail_for: std::time::Duration::from_millis(settings.fail_for_ms),
        latency: std::time::Duration::from_millis(settings.latency_ms),
    }
}

fn plan(settings: &Settings, server: String, started_us: u64) -> Plan {
    Plan {
        redis: settings.redis.clone(),
        // Without a key given, runs that follow each other on one Redis do not meet.
        key: settings.key.clone().unwrap_or_else(|| format!("run-{started_us}-{}", std::process::id())),
        rate: settings.rate,
        // Runs that share a key share the queue, too.
        queue_size: 10_000,
        queue_timeout_ms: settings.queue_timeout_ms,
        failures: settings.failures,
        open_ms: settings.open_ms,
        server,
    }
}

/// A single worker needs no process of its own.
fn start_workers(settings: &Settings, plan: &Plan, events: &Events) -> JoinSet<Result<()>> {
    let mut workers = JoinSet::new();
    let step = settings.workers;
    for first in 0..step {
        let (items, concurrency) = (settings.items, settings.concurrency);
        let job = Job { plan: plan.clone(), items, first, step, concurrency };
        let events = events.clone();
        if step == 1 {
            workers.spawn(worker::run(job, events));
        } else {
            workers.spawn(worker::run_in_process(job, events));
        }
    }
    workers
}

/// Waits for all workers, and says what the first that failed had to say.
async fn all(mut workers: JoinSet<Result<()>>) -> Result<()> {
    let mut ended = Ok(());
    while let Some(worker) = workers.join_next().await {
        let worker = worker.context("a worker").flatten();
        ended = ended.and(worker);
    }
    ended
}

fn print(summary: &Summary, is_json: bool) -> Result<()> {
    if is_json {
        println!("{}", serde_json::to_string_pretty(summary)?);
    } else {
        println!("{summary}");
    }
    Ok(())
}

fn trouble(tally: &Tally) -> &str {
    tally.last_trouble.as_deref().unwrap_or("no reason was given")
}
