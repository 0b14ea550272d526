//! The flags. A bad value ends the demo with one sentence that quotes it.

use std::ffi::OsString;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use lexopt::Arg::Long;
use lexopt::Parser;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
A workflow of many API calls behind a rate limiter and a circuit breaker. The server is a real one on
this machine, which fails for a while.

Usage: resilient-api-calls [flags]

  --items N              how many items the workflow has (100)
  --rate N               calls a second at most, over all workers (10)
  --store STORE          where the state lives: memory, or a URL redis://host:port (memory)
  --workers N            worker processes that share the limit and the circuit; more than 1 need Redis (1)
  --concurrency N        items that one worker handles at once (8)
  --queue-timeout-ms MS  how long an item may wait for the rate limiter (60000)
  --failures N           failures within 10 seconds that open the circuit (5)
  --open-ms MS           how long the circuit stays open (1000)
  --fail-from N          the request with which the server begins to fail; 0: it never does (20)
  --fail-for-ms MS       how long it then fails (3000)
  --latency-ms MS        how long an answer of the server takes (20)
  --key TEXT             whose calls these are: runs of one key on one Redis share limit and circuit
                         (one of its own for each run)
  --json                 print the summary as JSON
  --help                 print this
";

/// What to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// The demo.
    Run(Settings),
    /// The part of a worker process.
    Work,
    /// Say what the flags are.
    Help,
}

/// The settings of the demo. What they mean is told in [`HELP`].
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) items: u32,
    pub(crate) rate: u32,
    /// The URL of a Redis; none: memory.
    pub(crate) redis: Option<String>,
    pub(crate) workers: u32,
    pub(crate) concurrency: u32,
    pub(crate) queue_timeout_ms: u64,
    pub(crate) failures: u32,
    pub(crate) open_ms: u64,
    pub(crate) fail_from: u32,
    pub(crate) fail_for_ms: u64,
    pub(crate) latency_ms: u64,
    pub(crate) key: Option<String>,
    pub(crate) is_json: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            items: 100,
            rate: 10,
            redis: None,
            workers: 1,
            concurrency: 8,
            queue_timeout_ms: 60_000,
            failures: 5,
            open_ms: 1_000,
            fail_from: 20,
            fail_for_ms: 3_000,
            latency_ms: 20,
            key: None,
            is_json: false,
        }
    }
}

/// The longest time that a flag takes: a day.
const MAX_MS: u64 = 86_400_000;

/// Reads the flags.
///
/// # Errors
/// A sentence on the first one that is wrong.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let mut parser = Parser::from_args(arguments);
    let mut settings = Settings::default();
    while let Some(argument) = parser.next().map_err(see_help)? {
        let Long(flag) = argument else { return Err(see_help(argument.unexpected())) };
        let flag = flag.to_owned();
        match flag.as_str() {
            "help" => return Ok(Command::Help),
            "worker" => return Ok(Command::Work),
            "json" => settings.is_json = true,
            _ => settings.set(&flag, &mut parser)?,
        }
    }
    settings.check()?;
    Ok(Command::Run(settings))
}

impl Settings {
    fn set(&mut self, flag: &str, parser: &mut Parser) -> Result<(), String> {
        let mut value = || text(flag, parser);
        match flag {
            "items" => self.items = number(flag, &value()?, 1..=1_000_000)?,
            "rate" => self.rate = number(flag, &value()?, 1..=1_000_000)?,
            "store" => self.redis = store(value()?)?,
            "workers" => self.workers = number(flag, &value()?, 1..=32)?,
            "concurrency" => self.concurrency = number(flag, &value()?, 1..=256)?,
            "queue-timeout-ms" => self.queue_timeout_ms = number(flag, &value()?, 1..=MAX_MS)?,
            "failures" => self.failures = number(flag, &value()?, 1..=1_000)?,
            "open-ms" => self.open_ms = number(flag, &value()?, 1..=MAX_MS)?,
            "fail-from" => self.fail_from = number(flag, &value()?, 0..=1_000_000)?,
            "fail-for-ms" => self.fail_for_ms = number(flag, &value()?, 0..=MAX_MS)?,
            "latency-ms" => self.latency_ms = number(flag, &value()?, 0..=1_000)?,
            "key" => self.key = Some(value()?),
            _ => return Err(see_help(Long(flag).unexpected())),
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        if self.workers > 1 && self.redis.is_none() {
            return Err(format!(
                "--workers {} needs --store redis://host:port: each process has a memory of its own, so only a shared \
                 store can hold one limit for all",
                self.workers
            ));
        }
        Ok(())
    }
}

fn text(flag: &str, parser: &mut Parser) -> Result<String, String> {
    let value = parser.value().map_err(|_| format!("--{flag} needs a value; see --help"))?;
    value.into_string().map_err(|value| format!("--{flag} is \"{}\", must be text in UTF-8", value.display()))
}

fn number<T>(flag: &str, value: &str, allowed: RangeInclusive<T>) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display,
{
    match value.parse() {
        Ok(number) if allowed.contains(&number) => Ok(number),
        _ => {
            let (least, most) = allowed.into_inner();
            Err(format!("--{flag} is {value:?}, must be a whole number from {least} to {most}"))
        }
    }
}

fn store(value: String) -> Result<Option<String>, String> {
    let is_redis = ["redis://", "rediss://", "redis+unix://"].iter().any(|scheme| value.starts_with(scheme));
    match value.as_str() {
        "memory" => Ok(None),
        _ if is_redis => Ok(Some(value)),
        _ => Err(format!("--store is {:?}, must be memory or a URL redis://host:port", without_password(&value))),
    }
}

/// A URL that can be shown.
pub(crate) fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        _ => url.to_owned(),
    }
}

fn see_help(error: impl Display) -> String {
    format!("{error}; see --help")
}
