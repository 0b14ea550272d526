//! The settings of a Redis store.

use std::fmt;
use std::time::Duration;

use redis::{ClientTlsConfig, TlsCertificates};

use super::connection::{Destination, Opener};
use super::link::Link;
use super::sender::Sender;
use super::urls::{self, is_tls, masked};
use super::{LATEST, Redis};
use crate::error::{Error, Problem};
use crate::key::escaped_prefix;
use crate::store::StoreError;

/// Why there is no store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConnectError {
    /// Settings are wrong: everything that is. Quotes no password.
    #[error("the Redis store is not a valid configuration: {}", crate::error::list(.problems))]
    Settings {
        /// All problems, with paths such as `url` or `nodes[2]`.
        problems: Vec<Problem>,
    },
    /// The server cannot be reached or refuses us.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Settings { problems } => Self::Config { name: "the Redis store".to_owned(), problems },
            ConnectError::Store(error) => Self::Store(error),
        }
    }
}

/// The settings of a [`Redis`] store.
///
/// A URL reads `redis://[user[:password]@]host[:port][/db]`, with `rediss` for TLS, or
/// `redis+unix:///path[?db=3]`. What a URL says beyond that is refused.
/// `redis+sentinel://[user[:password]@]host[:port][,host[:port]...]/master-name[/db]` asks
/// Sentinels for the master; `rediss+sentinel` speaks TLS with them and with the servers. User and
/// password are those of the servers; the Sentinels' own are `?sentinel_user=` and
/// `?sentinel_password=`.
#[derive(Clone)]
pub struct RedisBuilder {
    urls: Vec<String>,
    sentinels: Vec<String>,
    is_cluster: bool,
    prefix: String,
    client_name: String,
    timeout_ms: u64,
    connect_timeout_ms: u64,
    root_certificate: Option<Vec<u8>>,
    client_certificate: Option<(Vec<u8>, Vec<u8>)>,
}

impl RedisBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            urls: vec![url.to_owned()],
            sentinels: Vec::new(),
            is_cluster: false,
            prefix: "tidegate".to_owned(),
            client_name: "tidegate".to_owned(),
            timeout_ms: 250,
            connect_timeout_ms: 2_000,
            root_certificate: None,
            client_certificate: None,
        }
    }

    /// The server is a node of a Redis Cluster, which tells of the others.
    #[must_use]
    pub fn cluster(mut self) -> Self {
        self.is_cluster = true;
        self
    }

    /// One more node of a Redis Cluster to ask for the others, should the first be away.
    #[must_use]
    pub fn node(mut self, url: &str) -> Self {
        self.urls.push(url.to_owned());
        self.cluster()
    }

    /// One more Sentinel to ask for the master. The host of the store's own URL is then the
    /// master's name, and has no port:
    ///
    /// ```
    /// # use tidegate::store::redis::Redis;
    /// let store = Redis::builder("redis://user:password@mymaster/0")
    ///     .sentinel("redis://10.0.0.1:26379")
    ///     .sentinel("redis://10.0.0.2:26379");
    /// ```
    ///
    /// The Sentinels are asked each time a connection is opened: at first, when the old one broke,
    /// and when a master says that it was made a replica.
    #[must_use]
    pub fn sentinel(mut self, url: &str) -> Self {
        self.sentinels.push(url.to_owned());
        self
    }

    /// What all keys begin with; `tidegate` unless set. Hosts share cells if they share server and
    /// prefix: staging and production on one Redis share limits unless each has a prefix of its
    /// own.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// What `CLIENT LIST` calls the connections; `tidegate` unless set, and nothing where it is
    /// empty. A user who may not run `CLIENT SETNAME` goes without. In a cluster, a connection that
    /// is opened anew later on has no name.
    #[must_use]
    pub fn client_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.client_name);
        self
    }

    /// How long an answer may take, in milliseconds, from when a commit is handed to the
    /// connection; 1 to 60,000, 250 unless set.
    #[must_use]
    pub fn timeout_ms(mut self, timeout_ms: u64) -> Self {
        self.timeout_ms = timeout_ms;
        self
    }

    /// How long opening a connection may take, in milliseconds; 1 to 60,000, 2,000 unless set.
    #[must_use]
    pub fn connect_timeout_ms(mut self, connect_timeout_ms: u64) -> Self {
        self.connect_timeout_ms = connect_timeout_ms;
        self
    }

    /// Whom to trust for the server's certificate in place of the public authorities: certificates
    /// in PEM.
    #[must_use]
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificate = Some(pem.into());
        self
    }

    /// The certificate and private key to show to the server, both in PEM.
    #[must_use]
    pub fn client_certificate(mut self, certificate_pem: impl Into<Vec<u8>>, key_pem: impl Into<Vec<u8>>) -> Self {
        self.client_certificate = Some((certificate_pem.into(), key_pem.into()));
        self
    }

    /// Connects, and teaches the server the commit script.
    ///
    /// # Errors
    /// [`ConnectError::Settings`] with all settings that are wrong, [`ConnectError::Store`] where
    /// there is no connection within the timeout or the server refuses it.
    pub async fn connect(self) -> Result<Redis, ConnectError> {
        let store = self.build()?;
        store.link.open().await?;
        Ok(store)
    }

    /// Connects in the background. Calls wait for that as long as they may; after three attempts
    /// that were refused they fail at once, with what is in the way.
    ///
    /// # Errors
    /// [`ConnectError::Settings`] with all settings that are wrong.
    pub fn connect_in_background(self) -> Result<Redis, ConnectError> {
        let store = self.build()?;
        store.link.open_in_background();
        Ok(store)
    }

    fn build(self) -> Result<Redis, ConnectError> {
        let mut problems = Vec::new();
        let timeout = checked_timeout(&mut problems, "timeout_ms", self.timeout_ms);
        let connect_timeout = checked_timeout(&mut problems, "connect_timeout_ms", self.connect_timeout_ms);
        check_name(&mut problems, &self.client_name);
        let destination = self.destination(&mut problems);
        let certificates = destination.as_ref().and_then(|destination| self.certificates(destination, &mut problems));
        let Some(destination) = destination.filter(|_| problems.is_empty()) else {
            return Err(ConnectError::Settings { problems });
        };
        if destination.nodes().any(is_tls) {
            choose_crypto_provider();
        }
        let opener = Opener::new(destination, certificates, self.client_name, connect_timeout).map_err(|error| {
            setting("url", masked(&self.urls[0]), format!("one that a client can be made of: {error}"))
        })?;
        Ok(Redis {
            link: Link::new(opener),
            prefix: escaped_prefix(&self.prefix),
            sender: Sender::new(timeout + LATEST),
            timeout,
        })
    }

    fn destination(&self, problems: &mut Vec<Problem>) -> Option<Destination> {
        let named = match urls::of_sentinels(&self.urls[0]) {
            Some(Err(allowed)) => {
                problems.push(problem("url", masked(&self.urls[0]), allowed));
                return None;
            }
            Some(Ok(named)) => Some(named),
            None if self.sentinels.is_empty() => None,
            None => Some(urls::Named { master: self.urls[0].clone(), sentinels: Vec::new() }),
        };
        match named {
            Some(named) => self.master(&named, problems),
            None => self.servers(problems),
        }
    }

    /// The one server, or the nodes of a cluster.
    fn servers(&self, problems: &mut Vec<Problem>) -> Option<Destination> {
        let mut nodes = Vec::new();
        for (index, url) in self.urls.iter().enumerate() {
            let path = index.checked_sub(1).map_or_else(|| "url".to_owned(), |node| format!("nodes[{node}]"));
            nodes.extend(urls::read(&path, url, url, problems));
        }
        if self.is_cluster {
            Some(Destination::Cluster(nodes))
        } else {
            nodes.pop().map(Box::new).map(Destination::Single)
        }
    }

    /// The master that Sentinels know, by its name.
    fn master(&self, named: &urls::Named, problems: &mut Vec<Problem>) -> Option<Destination> {
        let url = &self.urls[0];
        if self.is_cluster {
            let path = if self.urls.len() > 1 { "nodes" } else { "cluster" };
            let allowed = "left out: Sentinels tell of one master, and a cluster has several";
            problems.push(problem(path, "given".to_owned(), allowed.to_owned()));
        }
        if urls::names_port(&named.master) {
            let allowed = "without a port: beside Sentinels the host is the master's name";
            problems.push(problem("url", masked(url), allowed.to_owned()));
        }
        let server = urls::read("url", &named.master, url, problems);
        let mut sentinels = Vec::new();
        for sentinel in &named.sentinels {
            sentinels.extend(urls::read("url", sentinel, url, problems));
        }
        for (index, sentinel) in self.sentinels.iter().enumerate() {
            sentinels.extend(urls::read_sentinel(
                &format!("sentinels[{index}]"),
                sentinel,
                sentinels.first(),
                problems,
            ));
        }
        Some(Destination::Master { server: Box::new(server?), sentinels })
    }

    fn certificates(&self, destination: &Destination, problems: &mut Vec<Problem>) -> Option<TlsCertificates> {
        let of_root = self.root_certificate.as_ref().map(|_| "root_certificate");
        let given = of_root.or_else(|| self.client_certificate.as_ref().map(|_| "client_certificate"))?;
        // Sentinels may do without TLS where their servers do not.
        let has_use = match destination {
            Destination::Master { .. } => destination.nodes().any(is_tls),
            Destination::Single(_) | Destination::Cluster(_) => destination.nodes().all(is_tls),
        };
        if !has_use {
            let (value, allowed) = ("given".to_owned(), "left out unless all URLs begin with rediss://".to_owned());
            problems.push(problem(given, value, allowed));
        }
        let client_tls = self.client_certificate.clone();
        let client_tls = client_tls.map(|(client_cert, client_key)| ClientTlsConfig { client_cert, client_key });
        Some(TlsCertificates { client_tls, root_cert: self.root_certificate.clone() })
    }
}

impl fmt::Debug for RedisBuilder {
    /// Shows no URL and no key: they hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RedisBuilder")
            .field("is_cluster", &self.is_cluster)
            .field("prefix", &self.prefix)
            .field("client_name", &self.client_name)
            .field("timeout_ms", &self.timeout_ms)
            .field("connect_timeout_ms", &self.connect_timeout_ms)
            .finish_non_exhaustive()
    }
}

fn checked_timeout(problems: &mut Vec<Problem>, path: &str, timeout_ms: u64) -> Duration {
    if !(1..=60_000).contains(&timeout_ms) {
        problems.push(problem(path, timeout_ms.to_string(), "1 to 60000".to_owned()));
    }
    Duration::from_millis(timeout_ms)
}

fn check_name(problems: &mut Vec<Problem>, name: &str) {
    if !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        let allowed = "letters, digits and signs of ASCII, without spaces and line ends";
        problems.push(problem("client_name", format!("{name:?}"), allowed.to_owned()));
    }
}

fn problem(path: &str, value: String, allowed: String) -> Problem {
    Problem { path: path.to_owned(), value, allowed }
}

fn setting(path: &str, value: String, allowed: String) -> ConnectError {
    ConnectError::Settings { problems: vec![problem(path, value, allowed)] }
}

/// The client library takes the process's provider of cryptography and panics without one. A choice
/// of the application stands.
fn choose_crypto_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been faster: then its choice stands.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
