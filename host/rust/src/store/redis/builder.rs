//! The settings of a Redis store.

use std::fmt;
use std::time::Duration;

use redis::{Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, TlsCertificates};

use super::connection::Opener;
use super::link::Link;
use super::sender::Sender;
use super::{LATEST, Redis};
use crate::error::Problem;
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

/// The settings of a [`Redis`] store.
///
/// A URL reads `redis://[user[:password]@]host[:port][/db]`, with `rediss` for TLS, or `redis+unix:///path[?db=3]`. What a URL says
/// beyond that is refused.
#[derive(Clone)]
pub struct RedisBuilder {
    urls: Vec<String>,
    is_cluster: bool,
    prefix: String,
    limit_ms: u64,
    connect_limit_ms: u64,
    root_certificate: Option<Vec<u8>>,
    client_certificate: Option<(Vec<u8>, Vec<u8>)>,
}

impl RedisBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            urls: vec![url.to_owned()],
            is_cluster: false,
            prefix: "tidegate".to_owned(),
            limit_ms: 250,
            connect_limit_ms: 2_000,
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

    /// What all keys begin with; `tidegate` unless set. Hosts share cells if they share server and prefix.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// How long an answer may take, in milliseconds, from when a commit is handed to the connection; 1 to 60,000, 250 unless set.
    #[must_use]
    pub fn limit_ms(mut self, limit_ms: u64) -> Self {
        self.limit_ms = limit_ms;
        self
    }

    /// How long opening a connection may take, in milliseconds; 1 to 60,000, 2,000 unless set.
    #[must_use]
    pub fn connect_limit_ms(mut self, connect_limit_ms: u64) -> Self {
        self.connect_limit_ms = connect_limit_ms;
        self
    }

    /// Whom to trust for the server's certificate in place of the public authorities: certificates in PEM.
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
    /// [`ConnectError::Settings`] with all settings that are wrong, [`ConnectError::Store`] where there is no connection
    /// within the time limit or the server refuses it.
    pub async fn connect(self) -> Result<Redis, ConnectError> {
        let store = self.build()?;
        store.link.open().await?;
        Ok(store)
    }

    /// Connects in the background. Calls wait for that as long as they may; after three attempts that were refused they fail at once, with
    /// what is in the way.
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
        let limit = checked_limit(&mut problems, "limit_ms", self.limit_ms);
        let connect_limit = checked_limit(&mut problems, "connect_limit_ms", self.connect_limit_ms);
        let nodes = self.nodes(&mut problems);
        let certificates = self.certificates(&nodes, &mut problems);
        if !problems.is_empty() {
            return Err(ConnectError::Settings { problems });
        }
        if nodes.iter().any(is_tls) {
            choose_crypto_provider();
        }
        let opener = Opener::new(nodes, self.is_cluster, certificates, connect_limit).map_err(|error| {
            setting("url", masked(&self.urls[0]), format!("one that a client can be made of: {error}"))
        })?;
        Ok(Redis {
            link: Link::new(opener),
            prefix: escaped_prefix(&self.prefix),
            sender: Sender::new(limit + LATEST),
            limit,
        })
    }

    fn nodes(&self, problems: &mut Vec<Problem>) -> Vec<ConnectionInfo> {
        let mut nodes = Vec::new();
        for (index, url) in self.urls.iter().enumerate() {
            let path = index.checked_sub(1).map_or_else(|| "url".to_owned(), |node| format!("nodes[{node}]"));
            match Client::open(url.as_str()) {
                Ok(client) => {
                    let info = client.get_connection_info().clone();
                    problems.extend(check_query(url, &info).map(|allowed| problem(&path, masked(url), allowed)));
                    nodes.push(info);
                }
                Err(_) => problems.push(problem(&path, masked(url), URLS.to_owned())),
            }
        }
        nodes
    }

    fn certificates(&self, nodes: &[ConnectionInfo], problems: &mut Vec<Problem>) -> Option<TlsCertificates> {
        let of_root = self.root_certificate.as_ref().map(|_| "root_certificate");
        let given = of_root.or_else(|| self.client_certificate.as_ref().map(|_| "client_certificate"))?;
        if !nodes.iter().all(is_tls) {
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
            .field("limit_ms", &self.limit_ms)
            .field("connect_limit_ms", &self.connect_limit_ms)
            .finish_non_exhaustive()
    }
}

/// What URLs are read.
const URLS: &str =
    "a URL such as redis://[user[:password]@]host[:port][/db], with rediss for TLS, or redis+unix:///path";

fn checked_limit(problems: &mut Vec<Problem>, path: &str, limit_ms: u64) -> Duration {
    if !(1..=60_000).contains(&limit_ms) {
        problems.push(problem(path, limit_ms.to_string(), "1 to 60000".to_owned()));
    }
    Duration::from_millis(limit_ms)
}

/// What must be where the client library takes no notice of something: `?db=3` would go to another database than it says.
fn check_query(url: &str, info: &ConnectionInfo) -> Option<String> {
    let (url, _) = url.split_once('#').unwrap_or((url, ""));
    let (_, query) = url.split_once('?')?;
    let known: &[&str] = match info.addr() {
        ConnectionAddr::Unix(_) => &["db", "user", "pass", "protocol"],
        _ => &["protocol"],
    };
    let names = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")).0);
    match names.into_iter().find(|name| !known.contains(name))? {
        "db" => Some("without ?db: the database is the path, as in redis://host/3".to_owned()),
        name => Some(format!("without ?{name}: what is read here is ?{}", known.join(", ?"))),
    }
}

/// A URL in quotation marks, without who we are and our password.
fn masked(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (&url[..scheme.len() + 3], rest));
    let rest = rest.rsplit_once('@').map_or_else(|| rest.to_owned(), |(_, host)| format!("***@{host}"));
    let (place, query) = rest.split_once('?').unwrap_or((&rest, ""));
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name @ ("user" | "pass"), _)) => format!("{name}=***"),
        _ => pair.to_owned(),
    });
    let query = pairs.collect::<Vec<_>>().join("&");
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{:?}", format!("{scheme}{place}{mark}{query}"))
}

fn problem(path: &str, value: String, allowed: String) -> Problem {
    Problem { path: path.to_owned(), value, allowed }
}

fn setting(path: &str, value: String, allowed: String) -> ConnectError {
    ConnectError::Settings { problems: vec![problem(path, value, allowed)] }
}

fn is_tls(node: &ConnectionInfo) -> bool {
    matches!(node.addr(), ConnectionAddr::TcpTls { .. })
}

/// The client library takes the process's provider of cryptography and panics without one. A choice of the application stands.
fn choose_crypto_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been faster: then its choice stands.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
