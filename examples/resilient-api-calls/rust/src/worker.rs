//! Workers: tasks that handle items, in this process or in one of its own.

use std::io::Write as _;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::event::{Event, Events};
use crate::workflow::{Plan, Workflow};

/// What one worker has to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    /// What all workers have in common.
    pub(crate) plan: Plan,
    /// How many items there are in all.
    pub(crate) items: u32,
    /// This worker handles `first`, `first + step` and so on.
    pub(crate) first: u32,
    /// How many workers there are.
    pub(crate) step: u32,
    /// How many items it handles at once.
    pub(crate) concurrency: u32,
}

/// Does a job in this process.
pub(crate) async fn run(job: Job, events: Events) -> Result<()> {
    let workflow = Arc::new(Workflow::open(job.plan.clone(), events).await?);
    let next = Arc::new(AtomicU32::new(job.first));
    let mut tasks = JoinSet::new();
    for _ in 0..job.concurrency {
        let (workflow, next, items, step) = (Arc::clone(&workflow), Arc::clone(&next), job.items, job.step);
        tasks.spawn(async move {
            loop {
                let item = next.fetch_add(step, Ordering::Relaxed);
                if item >= items {
                    break;
                }
                workflow.handle(item).await;
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.context("a task of the workflow")?;
    }
    // All tasks have ended, so this is the last one who holds it.
    if let Some(workflow) = Arc::into_inner(workflow) {
        workflow.close().await;
    }
    Ok(())
}

/// Does a job in a process of its own, and passes on what that tells.
pub(crate) async fn run_in_process(job: Job, events: Events) -> Result<()> {
    let name = format!("worker process {} of {}", job.first + 1, job.step);
    let mut process = start().with_context(|| format!("starting {name}"))?;
    let mut input = process.stdin.take().context("it has no input")?;
    let output = process.stdout.take().context("it has no output")?;
    input.write_all(&serde_json::to_vec(&job)?).await.with_context(|| format!("telling {name} its job"))?;
    drop(input);

    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await? {
        let event: Event = serde_json::from_str(&line).with_context(|| format!("{name} said {line:?}"))?;
        // Only a demo that has ended does not listen.
        let _ = events.send(event);
    }
    let status = process.wait().await?;
    ensure!(status.success(), "{name} ended with {status}");
    Ok(())
}

/// The job comes by the standard input: a URL with a password is no business of the list of
/// processes.
fn start() -> Result<Child> {
    let program = std::env::current_exe()?;
    let mut command = Command::new(program);
    command.arg("--worker").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    Ok(command.spawn()?)
}

/// The worker process: reads its job, and writes what happens as lines of JSON.
pub(crate) async fn work() -> Result<()> {
    let job: Job = serde_json::from_reader(std::io::stdin()).context("reading the job")?;
    let (sender, mut events) = mpsc::unbounded_channel();
    let worker = tokio::spawn(run(job, sender));
    while let Some(event) = events.recv().await {
        let mut line = serde_json::to_vec(&event)?;
        line.push(b'\n');
        std::io::stdout().lock().write_all(&line).context("nobody reads what this worker tells")?;
    }
    worker.await?
}
