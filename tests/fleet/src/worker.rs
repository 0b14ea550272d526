//! A worker process, as the test sees it.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command as Program, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use crate::endurance::{Endured, Loads, Watch};
use crate::protocol::{Answer, Command, Endure, Place, Said};
use crate::strategies::circuit_breaker::protocol::{Circuit, Reported};
use crate::strategies::rate_limiter::load::Toll;
use crate::strategies::rate_limiter::protocol::{Decide, Decided, Hammer, Hammered};
use crate::strategies::{circuit_breaker, rate_limiter};

/// A running worker, killed with the value that holds it.
#[derive(Debug)]
pub struct Worker {
    process: Child,
    /// None: it was told that there are no more.
    commands: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
    /// Ends with all that the worker wrote to stderr.
    complaints: Option<JoinHandle<String>>,
}

impl Worker {
    /// Starts `program` and waits until it is connected.
    ///
    /// # Errors
    /// If it does not start or cannot connect.
    pub fn start(program: &str, place: &Place) -> Result<Self> {
        Self::start_program(Program::new(program), place)
    }

    /// Starts a worker in whatever language: a program that takes the place as its last argument.
    ///
    /// # Errors
    /// If it does not start or cannot connect.
    pub fn start_program(mut program: Program, place: &Place) -> Result<Self> {
        let mut process = program
            .arg(serde_json::to_string(place)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {program:?}"))?;
        let commands = Some(process.stdin.take().context("no stdin")?);
        let answers = BufReader::new(process.stdout.take().context("no stdout")?).lines();
        let stderr = process.stderr.take().context("no stderr")?;
        let complaints = Some(thread::spawn(move || pass_on(stderr)));
        let mut worker = Self { process, commands, answers, complaints };
        match worker.hear()? {
            Answer::Said(Said::Ready) => Ok(worker),
            other => bail!("the worker is not ready: {other:?}"),
        }
    }

    /// Ends the process by SIGKILL, with no chance to give anything back.
    ///
    /// # Errors
    /// If it cannot be waited for.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait().context("waiting for the worker")?;
        Ok(())
    }

    /// Gives a command and does not wait for its answer.
    ///
    /// # Errors
    /// If the worker is gone.
    pub fn tell(&mut self, command: impl Into<Command>) -> Result<()> {
        let commands = self.commands.as_mut().context("the worker was told to end")?;
        writeln!(commands, "{}", serde_json::to_string(&command.into())?).context("the worker is gone")
    }

    /// Lets the process end by itself, and makes sure that it does and that nothing in it has
    /// panicked.
    ///
    /// # Errors
    /// If it does not end within a minute, ends with a failure, or has written of a panic to
    /// stderr.
    pub fn finish(mut self) -> Result<()> {
        // It ends when there are no more commands.
        self.commands = None;
        let status = self.wait_a_minute()?;
        let complaints = self.complaints.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        ensure!(status.success() && !complaints.contains("panicked"), "the worker ended with {status}: {complaints}");
        Ok(())
    }

    fn wait_a_minute(&mut self) -> Result<std::process::ExitStatus> {
        for _ in 0..6_000 {
            if let Some(status) = self.process.try_wait()? {
                return Ok(status);
            }
            // Nobody announces the end of a process to a thread that will not wait for it for ever.
            thread::sleep(Duration::from_millis(10));
        }
        bail!("the worker does not end")
    }

    /// Waits for the next answer.
    ///
    /// # Errors
    /// If the worker is gone, or its call ended in an error.
    pub fn hear(&mut self) -> Result<Answer> {
        let line = self.answers.next().context("the worker is gone")??;
        match serde_json::from_str(&line).with_context(|| line.clone())? {
            Answer::Said(Said::Failed(error)) => bail!("the worker's call failed: {error}"),
            answer => Ok(answer),
        }
    }

    /// Asks a limiter once.
    ///
    /// # Errors
    /// As [`Self::hear`].
    pub fn decide(&mut self, decide: Decide) -> Result<Decided> {
        self.tell(rate_limiter::Command::Decide(decide))?;
        self.hear_decided()
    }

    /// Reads how a limiter stands.
    ///
    /// # Errors
    /// As [`Self::hear`].
    pub fn peek(&mut self, decide: Decide) -> Result<Decided> {
        self.tell(rate_limiter::Command::Peek(decide))?;
        self.hear_decided()
    }

    /// Asks a circuit.
    ///
    /// # Errors
    /// As [`Self::hear`].
    pub fn circuit(&mut self, circuit: Circuit) -> Result<Reported> {
        self.tell(circuit_breaker::Command::Circuit(circuit))?;
        match self.hear()? {
            Answer::CircuitBreaker(circuit_breaker::Answer::Reported(reported)) => Ok(reported),
            other => bail!("the answer to another question: {other:?}"),
        }
    }

    /// Lets the worker keep up loads until [`Self::stop`].
    ///
    /// # Errors
    /// As [`Self::hear`].
    pub fn begin(&mut self, loads: &Loads) -> Result<()> {
        self.tell(Endure::Begin(loads.clone()))?;
        match self.hear()? {
            Answer::Said(Said::Begun) => Ok(()),
            other => bail!("the answer to another question: {other:?}"),
        }
    }

    /// Lets the loads end.
    ///
    /// # Errors
    /// As [`Self::hear`], and if calls hang.
    pub fn stop(&mut self) -> Result<Endured> {
        self.tell(Endure::Stop)?;
        match self.hear()? {
            Answer::Said(Said::Endured(mut endured)) => {
                endured.tolls.iter_mut().for_each(Toll::date_charges);
                Ok(endured)
            }
            other => bail!("the answer to another question: {other:?}"),
        }
    }

    fn hear_seen(&mut self) -> Result<()> {
        match self.hear()? {
            Answer::Said(Said::Seen) => Ok(()),
            other => bail!("the answer to another question: {other:?}"),
        }
    }

    /// Waits for what came of [`rate_limiter::Command::ComeBack`].
    ///
    /// # Errors
    /// As [`Self::hear`].
    pub fn hear_came_back(&mut self) -> Result<Vec<Decided>> {
        match self.hear()? {
            Answer::RateLimiter(rate_limiter::Answer::CameBack(decided)) => Ok(decided),
            other => bail!("the answer to another question: {other:?}"),
        }
    }

    fn hear_decided(&mut self) -> Result<Decided> {
        match self.hear()? {
            Answer::RateLimiter(rate_limiter::Answer::Decided(decided)) => Ok(decided),
            other => bail!("the answer to another question: {other:?}"),
        }
    }

    fn hear_hammered(&mut self) -> Result<Hammered> {
        match self.hear()? {
            Answer::RateLimiter(rate_limiter::Answer::Hammered(hammered)) => Ok(hammered),
            other => bail!("the answer to another question: {other:?}"),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.kill();
    }
}

/// Lets all workers hammer at once, and returns what came of it in each.
///
/// # Errors
/// As [`Worker::hear`].
pub fn hammer(workers: &mut [Worker], hammer: &Hammer) -> Result<Vec<Hammered>> {
    let command = rate_limiter::Command::Hammer(hammer.clone());
    workers.iter_mut().try_for_each(|worker| worker.tell(command.clone()))?;
    workers.iter_mut().map(Worker::hear_hammered).collect()
}

/// Waits until each worker has seen it.
///
/// # Errors
/// As [`Worker::hear`], and if it does not come within a minute; then it tells what came instead.
pub fn watch(workers: &mut [Worker], watch: &Watch) -> Result<()> {
    let command = Endure::Watch(watch.clone());
    workers.iter_mut().try_for_each(|worker| worker.tell(command.clone()))?;
    workers.iter_mut().try_for_each(Worker::hear_seen)
}

/// Shows what a worker writes to stderr, and keeps it.
fn pass_on(stderr: ChildStderr) -> String {
    let mut kept = String::new();
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        eprintln!("{line}");
        kept.push_str(&line);
        kept.push('\n');
    }
    kept
}
