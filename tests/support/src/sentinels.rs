//! A master with replicas, and Sentinels that watch over them: on free ports, ended with the value
//! that holds them.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::redis_server::{RedisServer, start_sentinel};
use crate::tls::Authority;

/// The name that the Sentinels know the master by.
pub const MASTER: &str = "mymaster";

/// After so long without an answer a Sentinel holds a server for down.
pub const DOWN_AFTER: Duration = Duration::from_millis(500);

/// So long a failover may take. One that came to nothing, because no Sentinel was chosen to do it
/// or none has heard from the replica lately, is tried again after twice that.
pub const FAILOVER_TIMEOUT: Duration = Duration::from_secs(1);

/// Servers, of which one is the master, and their Sentinels.
#[derive(Debug)]
pub struct Watched {
    servers: Vec<RedisServer>,
    sentinels: Vec<RedisServer>,
    /// After the Sentinels, which write into it to the end.
    folder: Folder,
}

/// Where Sentinels keep what they learn.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    fn of(master: &RedisServer) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("tidegate-sentinels-{}-{}", std::process::id(), master.port()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Watched {
    /// Starts a master, this many replicas and this many Sentinels, most of which must agree, and
    /// waits until all know each other.
    ///
    /// # Errors
    /// If one does not start or they do not come together.
    pub fn start(replicas: usize, sentinels: usize) -> Result<Self> {
        let servers = (0..=replicas).map(|_| RedisServer::start()).collect::<Result<Vec<_>>>()?;
        servers[1..].iter().try_for_each(|replica| replica.replicate(servers[0].port()))?;
        let folder = Folder::of(&servers[0])?;
        let mut watched = Self { servers, sentinels: Vec::new(), folder };
        for _ in 0..sentinels {
            watched.sentinels.push(watched.sentinel(1 + sentinels / 2)?);
        }
        watched.wait_until_all_know_each_other(sentinels)?;
        Ok(watched)
    }

    /// A master and a Sentinel that speak TLS only, with certificates that `authority` issued.
    ///
    /// # Errors
    /// If one does not start.
    pub fn start_tls(authority: &Authority) -> Result<Self> {
        let (servers, files) = (vec![RedisServer::start_tls(authority)?], authority.server_files()?);
        let folder = Folder::of(&servers[0])?;
        let sentinel = start_sentinel("rediss", &folder.0, |port| {
            let lines = [
                format!("port 0\ntls-port {port}\ntls-auth-clients no\ntls-replication yes"),
                format!(
                    "tls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}",
                    files.certificate, files.key, files.authority
                ),
                watching(&servers[0], 1),
            ];
            lines.join("\n")
        })?;
        Ok(Self { servers, sentinels: vec![sentinel], folder })
    }

    fn sentinel(&self, quorum: usize) -> Result<RedisServer> {
        start_sentinel("redis", &self.folder.0, |port| format!("port {port}\n{}", watching(&self.servers[0], quorum)))
    }

    fn wait_until_all_know_each_other(&self, sentinels: usize) -> Result<()> {
        let parts =
            ["status=ok".to_owned(), format!("slaves={}", self.servers.len() - 1), format!("sentinels={sentinels}\r")];
        self.sentinels.iter().try_for_each(|sentinel| {
            sentinel.wait_for(&["INFO", "sentinel"], |info| parts.iter().all(|part| info.contains(part)))
        })
    }

    /// The URL of a store: all Sentinels, and the master's name.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port())).collect();
        let url = self.servers[0].url();
        let scheme = url.split_once("://").map_or("redis", |(scheme, _)| scheme);
        format!("{scheme}+sentinel://{}/{MASTER}", hosts.join(","))
    }

    /// The servers; the first was the master at the start.
    pub fn servers(&self) -> &[RedisServer] {
        &self.servers
    }

    /// The servers, to stop or kill one.
    pub fn servers_mut(&mut self) -> &mut [RedisServer] {
        &mut self.servers
    }

    /// The Sentinels.
    pub fn sentinels(&self) -> &[RedisServer] {
        &self.sentinels
    }

    /// The Sentinels, to stop or kill one.
    pub fn sentinels_mut(&mut self) -> &mut [RedisServer] {
        &mut self.sentinels
    }

    /// Has the Sentinels put a replica in the master's place, though the master is well.
    ///
    /// # Errors
    /// If the first Sentinel does not answer, or holds no replica for fit within half a minute.
    pub fn fail_over(&self) -> Result<()> {
        let mut sentinel = self.sentinels.first().context("there is no Sentinel")?.client()?;
        for _ in 0..1_500 {
            match redis::cmd("SENTINEL").arg("FAILOVER").arg(MASTER).exec(&mut sentinel) {
                // It asks replicas now and then how they are, and says to nobody when it has.
                Err(error) if error.code() == Some("NOGOODSLAVE") => thread::sleep(Duration::from_millis(20)),
                done => return Ok(done?),
            }
        }
        bail!("the Sentinel holds no replica for fit")
    }
}

/// The settings of a Sentinel but for its port.
fn watching(master: &RedisServer, quorum: usize) -> String {
    let lines = [
        "bind 127.0.0.1".to_owned(),
        format!("sentinel monitor {MASTER} 127.0.0.1 {} {quorum}", master.port()),
        format!("sentinel down-after-milliseconds {MASTER} {}", DOWN_AFTER.as_millis()),
        format!("sentinel failover-timeout {MASTER} {}", FAILOVER_TIMEOUT.as_millis()),
    ];
    lines.join("\n") + "\n"
}
