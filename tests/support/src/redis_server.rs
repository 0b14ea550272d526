//! Redis servers of a test's own: on free ports, with nothing persisted, ended with the value that holds them.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};

use crate::tls::Authority;

/// How often a port that was free may turn out to be taken before the test is given up.
const MAX_TRIES: usize = 5;

/// A running `redis-server`.
#[derive(Debug)]
pub struct RedisServer {
    process: Child,
    port: u16,
    scheme: &'static str,
    args: Vec<String>,
}

impl RedisServer {
    /// Starts a server and waits until it takes connections.
    ///
    /// # Errors
    /// If there is no `redis-server` or it does not start.
    pub fn start() -> Result<Self> {
        Self::start_with(&[])
    }

    /// Like [`Self::start`], with more arguments.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_with(args: &[&str]) -> Result<Self> {
        start_somewhere("redis", |port| {
            let mut all = vec!["--port".to_owned(), port.to_string()];
            all.extend(args.iter().map(ToString::to_string));
            all
        })
    }

    /// A server that speaks TLS only, with a certificate for `localhost` and `127.0.0.1` that `authority` issued.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_tls(authority: &Authority) -> Result<Self> {
        let files = authority.server_files()?;
        start_somewhere("rediss", |port| {
            let port = port.to_string();
            let args: [&str; 12] = [
                "--port",
                "0",
                "--tls-port",
                &port,
                "--tls-cert-file",
                &files.certificate,
                "--tls-key-file",
                &files.key,
                "--tls-ca-cert-file",
                &files.authority,
                "--tls-auth-clients",
                "no",
            ];
            args.map(ToOwned::to_owned).to_vec()
        })
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its URL, without credentials.
    pub fn url(&self) -> String {
        let host = if self.scheme == "rediss" { "localhost" } else { "127.0.0.1" };
        format!("{}://{host}:{}", self.scheme, self.port)
    }

    /// Its URL with a user and a password.
    pub fn url_of(&self, user: &str, password: &str) -> String {
        format!("{}://{user}:{password}@127.0.0.1:{}", self.scheme, self.port)
    }

    /// Ends the process at once, as a crash does.
    ///
    /// # Errors
    /// If it cannot be waited for.
    pub fn kill(&mut self) -> Result<()> {
        // It may have ended by itself.
        let _ = self.process.kill();
        self.process.wait().context("waiting for redis-server")?;
        Ok(())
    }

    /// Starts it anew on its port, empty.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        self.process = spawn(&self.args)?.context("the port was taken meanwhile")?;
        Ok(())
    }

    /// Stops the process in its tracks: connections stay and nothing is answered.
    ///
    /// # Errors
    /// If the signal cannot be sent.
    pub fn pause(&self) -> Result<()> {
        self.signal("-STOP")
    }

    /// Lets a paused process go on.
    ///
    /// # Errors
    /// If the signal cannot be sent.
    pub fn resume(&self) -> Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> Result<()> {
        let status = Command::new("kill").arg(signal).arg(self.process.id().to_string()).status()?;
        ensure!(status.success(), "kill {signal} ended with {status}");
        Ok(())
    }

    /// A plain connection to look at what is really stored.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn client(&self) -> Result<redis::Connection> {
        Ok(redis::Client::open(self.url())?.get_connection()?)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.kill();
        // Only a cluster node has one.
        let _ = std::fs::remove_file(table_of(self.port));
    }
}

/// A Redis Cluster of three masters without replicas.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts the nodes, gives each a third of the slots, and waits until all agree.
    ///
    /// # Errors
    /// If a node does not start or they do not come together.
    pub fn start() -> Result<Self> {
        let start = |_| start_somewhere("redis", cluster_args);
        let nodes = (0..3).map(start).collect::<Result<Vec<_>>>()?;
        let cluster = Self { nodes };
        cluster.join()?;
        Ok(cluster)
    }

    /// The nodes.
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// The nodes, to stop or kill one.
    pub fn nodes_mut(&mut self) -> &mut [RedisServer] {
        &mut self.nodes
    }

    fn join(&self) -> Result<()> {
        for (index, range) in [(0, 5460), (5461, 10922), (10923, 16383)].into_iter().enumerate() {
            let mut node = self.nodes[index].client()?;
            let mut command = redis::cmd("CLUSTER");
            command.arg("ADDSLOTSRANGE").arg(range.0).arg(range.1);
            command.exec(&mut node)?;
            redis::cmd("CLUSTER").arg("SET-CONFIG-EPOCH").arg(index + 1).exec(&mut node)?;
        }
        for other in &self.nodes[1..] {
            let mut first = self.nodes[0].client()?;
            redis::cmd("CLUSTER").arg("MEET").arg("127.0.0.1").arg(other.port()).exec(&mut first)?;
        }
        self.nodes.iter().try_for_each(wait_until_joined)
    }
}

fn cluster_args(port: u16) -> Vec<String> {
    // The node's table of the others is the only file that a cluster node insists on.
    let table = table_of(port);
    let table = table.to_string_lossy();
    ["--port", &port.to_string(), "--cluster-enabled", "yes", "--cluster-config-file", &table]
        .into_iter()
        .chain(["--cluster-node-timeout", "2000"])
        .map(ToOwned::to_owned)
        .collect()
}

fn table_of(port: u16) -> PathBuf {
    std::env::temp_dir().join(format!("tidegate-nodes-{}-{port}.conf", std::process::id()))
}

fn wait_until_joined(node: &RedisServer) -> Result<()> {
    let mut client = node.client()?;
    // Nodes learn of each other by gossip, which nobody announces.
    for _ in 0..600 {
        let info: String = redis::cmd("CLUSTER").arg("INFO").query(&mut client)?;
        if info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3") {
            return Ok(());
        }
        thread::sleep(std::time::Duration::from_millis(50));
    }
    bail!("the cluster did not come together")
}

fn start_somewhere(scheme: &'static str, args_on: impl Fn(u16) -> Vec<String>) -> Result<RedisServer> {
    for _ in 0..MAX_TRIES {
        let port = free_port()?;
        let mut args = args_on(port);
        args.extend(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"].map(ToOwned::to_owned));
        if let Some(process) = spawn(&args)? {
            return Ok(RedisServer { process, port, scheme, args });
        }
    }
    bail!("redis-server did not start on any of {MAX_TRIES} free ports")
}

fn free_port() -> Result<u16> {
    // A cluster node talks to the others on the port 10000 above its own.
    loop {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        if port < 55_536 {
            return Ok(port);
        }
    }
}

/// Starts a server and reads its log until it is ready; `None` if it ended before that.
fn spawn(args: &[String]) -> Result<Option<Child>> {
    let mut process = Command::new("redis-server")
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("redis-server is needed: on Debian, apt-get install redis-server")?;
    let mut log = BufReader::new(process.stdout.take().context("no log")?).lines();
    let is_ready = log.any(|line| line.is_ok_and(|line| line.contains("Ready to accept connections")));
    if is_ready {
        // A server whose log is not read comes to a halt when the pipe is full.
        thread::spawn(move || log.for_each(drop));
        return Ok(Some(process));
    }
    process.wait()?;
    Ok(None)
}
