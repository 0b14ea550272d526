//! Drives the conformance cases on the Rust host: cases as JSON lines in, decision logs out.
//!
//! By the component that the host was built with; with the path of a component, by that one through
//! wasmtime's component API.

mod host;
mod log;
mod strategies;

use std::io::{BufRead as _, Write as _};

use anyhow::{Context as _, Result};
use serde::Serialize;
use tidegate_conformance::protocol::Run;
use tidegate_test_support::component::with_other_inside;

use self::host::Stage;
use self::log::Line;

/// Where log lines go.
pub(crate) struct Log<W>(W);

impl<W: std::io::Write> Log<W> {
    pub(crate) fn line(&mut self, line: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.0, line)?;
        Ok(self.0.write_all(b"\n")?)
    }
}

fn main() -> Result<()> {
    let component = std::env::args_os().nth(1).map(std::fs::read).transpose()?;
    let component = component.map(|component| with_other_inside(&component));
    // The gates of all runs share what this one has loaded.
    let _first = host::builder(component.as_deref()).build()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let mut log = Log(std::io::BufWriter::new(std::io::stdout().lock()));
    for line in std::io::stdin().lock().lines() {
        let run: Run = serde_json::from_str(&line?).context("a line is no run")?;
        log.line(&Line::Case { case: &run.case })?;
        runtime.block_on(play(&run, component.as_deref(), &mut log)).with_context(|| run.case.clone())?;
        log.line(&Line::End { end: &run.case })?;
        log.0.flush()?;
    }
    Ok(())
}

/// Plays one run.
async fn play<W: std::io::Write>(run: &Run, component: Option<&[u8]>, log: &mut Log<W>) -> Result<()> {
    let mut stage = Stage::new(run, component)?;
    let mut valid = true;
    for policy in &run.policies {
        let problems = stage.open(policy)?;
        valid &= problems.is_empty();
        log.line(&Line::Open { open: &policy.id, problems: &problems })?;
    }
    if !valid {
        return Ok(());
    }
    for (index, step) in run.steps.iter().enumerate() {
        let answer = stage.make(step).await?;
        for commit in stage.take_commits() {
            log.line(&Line::Commit { commit })?;
        }
        log.line(&log::Step { step: index, answer })?;
    }
    Ok(())
}
