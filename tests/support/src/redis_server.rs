//! Redis servers of a test's own: on free ports, with nothing persisted, ended with the value that
//! holds them.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use redis::cluster_routing::Slot;
use tidegate::key::EntityKey;

use crate::process::{free_port, program, spawn};
use crate::tls::{Authority, ServerFiles};

/// How often a port that was free may turn out to be taken before the test is given up.
const MAX_TRIES: usize = 5;

/// Replication goes by sockets alone: a file that it left behind would be loaded by the next server
/// to start. A replica need not wait for others to come.
const WITHOUT_FILES: [&str; 6] =
    ["--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0", "--repl-diskless-load", "swapdb"];

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

    /// A server that speaks TLS only, with a certificate for `localhost` and `127.0.0.1` that
    /// `authority` issued.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_tls(authority: &Authority) -> Result<Self> {
        Self::start_tls_with(&authority.server_files()?)
    }

    /// A server that speaks TLS only, with these files.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_tls_with(files: &ServerFiles) -> Result<Self> {
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

    /// Makes it a replica of `master`, or of whoever is reached on this port, and waits until it
    /// has all that is there.
    ///
    /// # Errors
    /// If a server does not answer or they do not come together.
    pub fn replicate(&self, master_port: u16) -> Result<()> {
        redis::cmd("REPLICAOF").arg("127.0.0.1").arg(master_port).exec(&mut self.client()?)?;
        self.wait_until_replicating()
    }

    /// Makes a replica a master, with all that it has.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn promote(&self) -> Result<()> {
        Ok(redis::cmd("REPLICAOF").arg("NO").arg("ONE").exec(&mut self.client()?)?)
    }

    /// Returns when this replica has all that its master has done before.
    ///
    /// # Errors
    /// If one does not answer, or the replica does not come to have it.
    pub fn wait_until_it_has_all_of(&self, master: &Self) -> Result<()> {
        let info: String = redis::cmd("INFO").arg("replication").query(&mut master.client()?)?;
        let done = number_in(&info, "master_repl_offset").context("no offset")?;
        let has_it = |info: &str| number_in(info, "slave_repl_offset").is_some_and(|applied| applied >= done);
        self.wait_for(&["INFO", "replication"], has_it)
    }

    /// Returns when a replica has all that was there when it came.
    ///
    /// # Errors
    /// If it does not answer or does not come to have it.
    pub fn wait_until_replicating(&self) -> Result<()> {
        self.wait_for(&["INFO", "replication"], |info| info.contains("master_link_status:up"))
    }

    /// Asks until the answer is so: what nobody announces.
    ///
    /// # Errors
    /// If it does not answer, or not so within half a minute.
    pub fn wait_for(&self, question: &[&str], is_so: impl Fn(&str) -> bool) -> Result<()> {
        let mut client = self.client()?;
        let mut answer = String::new();
        for _ in 0..1_500 {
            let mut command = redis::cmd(question[0]);
            answer = command.arg(&question[1..]).query(&mut client)?;
            if is_so(&answer) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!("{question:?} is answered by {answer}")
    }

    /// Sets a setting of the running server.
    ///
    /// # Errors
    /// If it does not answer or there is no such setting.
    pub fn configure(&self, setting: &str, value: &str) -> Result<()> {
        Ok(redis::cmd("CONFIG").arg("SET").arg(setting).arg(value).exec(&mut self.client()?)?)
    }

    /// Makes or changes a user of the running server, by rules separated by spaces.
    ///
    /// # Errors
    /// If it does not answer or a rule is wrong.
    pub fn set_user(&self, name: &str, rules: &str) -> Result<()> {
        let rules: Vec<&str> = rules.split(' ').collect();
        Ok(redis::cmd("ACL").arg("SETUSER").arg(name).arg(rules).exec(&mut self.client()?)?)
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

/// A Redis Cluster of three masters.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

/// How many masters a cluster has.
const MASTERS: usize = 3;

/// The slots of each master.
const SLOTS: [(u16, u16); MASTERS] = [(0, 5460), (5461, 10922), (10923, 16383)];

impl RedisCluster {
    /// Starts the nodes, without replicas, gives each a third of the slots, and waits until all
    /// agree.
    ///
    /// # Errors
    /// If a node does not start or they do not come together.
    pub fn start() -> Result<Self> {
        Self::start_nodes(MASTERS)
    }

    /// Like [`Self::start`], with a replica of each master: that of node 0 is node 3, and so on.
    /// Masters go on while another is away.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_with_replicas() -> Result<Self> {
        let cluster = Self::start_nodes(2 * MASTERS)?;
        for (index, replica) in cluster.nodes[MASTERS..].iter().enumerate() {
            let id: String = redis::cmd("CLUSTER").arg("MYID").query(&mut cluster.nodes[index].client()?)?;
            redis::cmd("CLUSTER").arg("REPLICATE").arg(id).exec(&mut replica.client()?)?;
        }
        cluster.nodes[MASTERS..].iter().try_for_each(RedisServer::wait_until_replicating)?;
        for node in &cluster.nodes {
            node.configure("cluster-require-full-coverage", "no")?;
        }
        Ok(cluster)
    }

    fn start_nodes(count: usize) -> Result<Self> {
        let start = |_| start_somewhere("redis", cluster_args);
        let nodes = (0..count).map(start).collect::<Result<Vec<_>>>()?;
        let cluster = Self { nodes };
        cluster.join()?;
        Ok(cluster)
    }

    /// Which master an entity was given to at the start.
    ///
    /// # Panics
    /// Never: every slot was given to a master.
    pub fn master_of(entity: &EntityKey) -> usize {
        let slot = Slot::for_key(entity.tag());
        let has_it = |(first, last): &(u16, u16)| (*first..=*last).any(|number| Slot::new(number) == Some(slot));
        SLOTS.iter().position(has_it).expect("every slot has a master")
    }

    /// The nodes: the masters, then the replicas.
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// The nodes, to stop or kill one.
    pub fn nodes_mut(&mut self) -> &mut [RedisServer] {
        &mut self.nodes
    }

    fn join(&self) -> Result<()> {
        for (index, range) in SLOTS.into_iter().enumerate() {
            let mut node = self.nodes[index].client()?;
            let mut command = redis::cmd("CLUSTER");
            // Redis 6.2 takes no range.
            command.arg("ADDSLOTS").arg((range.0..=range.1).collect::<Vec<_>>());
            command.exec(&mut node)?;
        }
        for (index, node) in self.nodes.iter().enumerate() {
            redis::cmd("CLUSTER").arg("SET-CONFIG-EPOCH").arg(index + 1).exec(&mut node.client()?)?;
        }
        for other in &self.nodes[1..] {
            let mut first = self.nodes[0].client()?;
            redis::cmd("CLUSTER").arg("MEET").arg("127.0.0.1").arg(other.port()).exec(&mut first)?;
        }
        let known = format!("cluster_known_nodes:{}", self.nodes.len());
        self.nodes.iter().try_for_each(|node| {
            node.wait_for(&["CLUSTER", "INFO"], |info| info.contains("cluster_state:ok") && info.contains(&known))
        })
    }
}

/// The number in a line `name:number` of an answer to `INFO`.
fn number_in(info: &str, name: &str) -> Option<u64> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.trim().parse().ok())
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

fn start_somewhere(scheme: &'static str, args_on: impl Fn(u16) -> Vec<String>) -> Result<RedisServer> {
    start_plainly(scheme, |port| {
        let mut args = args_on(port);
        args.extend(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"].map(ToOwned::to_owned));
        args.extend(WITHOUT_FILES.map(ToOwned::to_owned));
        Ok(args)
    })
}

/// A Sentinel. It keeps what it learns in a file of `folder`, which begins with these settings.
pub(crate) fn start_sentinel(
    scheme: &'static str,
    folder: &Path,
    settings: impl Fn(u16) -> String,
) -> Result<RedisServer> {
    start_plainly(scheme, |port| {
        let file = folder.join(format!("{port}.conf"));
        std::fs::write(&file, settings(port))?;
        Ok(vec![file.to_string_lossy().into_owned(), "--sentinel".to_owned()])
    })
}

fn start_plainly(scheme: &'static str, args_on: impl Fn(u16) -> Result<Vec<String>>) -> Result<RedisServer> {
    for _ in 0..MAX_TRIES {
        let port = free_port()?;
        let args = args_on(port)?;
        if let Some(process) = spawn(&args)? {
            return Ok(RedisServer { process, port, scheme, args });
        }
    }
    bail!("{} did not start on any of {MAX_TRIES} free ports", program().display())
}
