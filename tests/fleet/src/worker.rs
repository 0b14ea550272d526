//! A worker process, as the test sees it.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command as Program, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::protocol::{Answer, Circuit, Command, Decide, Decided, Hammer, Hammered, Place, Reported};

/// A running worker, killed with the value that holds it.
#[derive(Debug)]
pub struct Worker {
    process: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
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
            .spawn()
            .with_context(|| format!("starting {program:?}"))?;
        let commands = process.stdin.take().context("no stdin")?;
        let answers = BufReader::new(process.stdout.take().context("no stdout")?).lines();
        let mut worker = Self { process, commands, answers };
        match worker.hear()? {
            Answer::Ready => Ok(worker),
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
    pub fn tell(&mut self, command: &Command) -> Result<()> {
        writeln!(self.commands, "{}", serde_json::to_string(command)?).context("the worker is gone")
    }

    /// Waits for the next answer.
    ///
    /// # Errors
    /// If the worker is gone, or its call ended in an error.
    pub fn hear(&mut self) -> Result<Answer> {
        let line = self.answers.next().context("the worker is gone")??;
        match serde_json::from_str(&line).with_context(|| line.clone())? {
            Answer::Failed(error) => bail!("the worker's call failed: {error}"),
            answer => Ok(answer),
        }
    }

    /// Asks a limiter once.
    ///
    /// # Errors
    /// As [`Self::hear`].
    pub fn decide(&mut self, decide: Decide) -> Result<Decided> {
        self.tell(&Command::Decide(decide))?;
        self.hear_decided()
    }

    /// Reads how a limiter stands.
    ///
    /// # Errors
    /// As [`Self::hear`].
    pub fn peek(&mut self, decide: Decide) -> Result<Decided> {
        self.tell(&Command::Peek(decide))?;
        self.hear_decided()
    }

    /// Asks a circuit.
    ///
    /// # Errors
    /// As [`Self::hear`].
    pub fn circuit(&mut self, circuit: Circuit) -> Result<Reported> {
        self.tell(&Command::Circuit(circuit))?;
        match self.hear()? {
            Answer::Reported(reported) => Ok(reported),
            other => bail!("the answer to another question: {other:?}"),
        }
    }

    /// Waits for what came of [`Command::ComeBack`].
    ///
    /// # Errors
    /// As [`Self::hear`].
    pub fn hear_came_back(&mut self) -> Result<Vec<Decided>> {
        match self.hear()? {
            Answer::CameBack(decided) => Ok(decided),
            other => bail!("the answer to another question: {other:?}"),
        }
    }

    fn hear_decided(&mut self) -> Result<Decided> {
        match self.hear()? {
            Answer::Decided(decided) => Ok(decided),
            other => bail!("the answer to another question: {other:?}"),
        }
    }

    fn hear_hammered(&mut self) -> Result<Hammered> {
        match self.hear()? {
            Answer::Hammered(hammered) => Ok(hammered),
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
    let command = Command::Hammer(hammer.clone());
    workers.iter_mut().try_for_each(|worker| worker.tell(&command))?;
    workers.iter_mut().map(Worker::hear_hammered).collect()
}
