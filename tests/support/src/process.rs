//! The processes of Redis servers.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result};

/// A port that nobody listens on now.
pub(crate) fn free_port() -> Result<u16> {
    // A cluster node talks to the others on the port 10000 above its own.
    loop {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        if port < 55_536 {
            return Ok(port);
        }
    }
}

/// The server that tests start: that of the environment, or the one in the path.
pub(crate) fn program() -> PathBuf {
    std::env::var_os("TIDEGATE_REDIS_SERVER").map_or_else(|| PathBuf::from("redis-server"), PathBuf::from)
}

/// Starts a server and reads its log until it is ready; `None` if it ended before that.
pub(crate) fn spawn(args: &[String]) -> Result<Option<Child>> {
    let mut process = Command::new(program())
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} is needed: on Debian, apt-get install redis-server", program().display()))?;
    let mut log = BufReader::new(process.stdout.take().context("no log")?).lines();
    // A Sentinel says its number when it is.
    let is_ready = |line: &str| line.contains("Ready to accept connections") || line.contains("Sentinel ID is");
    if log.any(|line| line.is_ok_and(|line| is_ready(&line))) {
        // A server whose log is not read comes to a halt when the pipe is full.
        thread::spawn(move || log.for_each(drop));
        return Ok(Some(process));
    }
    process.wait()?;
    Ok(None)
}
