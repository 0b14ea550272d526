//! The settings of a Redis store.

use std::fmt;
use std::time::Duration;

use redis::{Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, TlsCertificates};

use super::connection::Opener;
use super::link::Link;
use super::sender::Sender;
use super::{LATEST, Redis};
use crate::key::escaped_prefix;
use crate::store::StoreError;

/// Why there is no store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConnectError {
    /// A setting is wrong. Quotes no password.
    #[error("{path}: {reason}")]
    Setting {
        /// Which setting, such as `url` or `nodes[2]`.
        path: String,
        /// What is wrong with it, and what is allowed.
        reason: String,
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
    /// [`ConnectError::Setting`] for the first setting that is wrong, [`ConnectError::Store`] where there is no connection
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
    /// [`ConnectError::Setting`] for the first setting that is wrong.
    pub fn connect_in_background(self) -> Result<Redis, ConnectError> {
        let store = self.build()?;
        store.link.open_in_background();
        Ok(store)
    }

    fn build(self) -> Result<Redis, ConnectError> {
        let limit = checked_limit("limit_ms", self.limit_ms)?;
        let connect_limit = checked_limit("connect_limit_ms", self.connect_limit_ms)?;
        let nodes = self.nodes()?;
        if nodes.iter().any(is_tls) {
            choose_crypto_provider();
        }
        let certificates = self.certificates(&nodes)?;
        let opener = Opener::new(nodes, self.is_cluster, certificates, connect_limit)
            .map_err(|error| setting("url", error.to_string()))?;
        Ok(Redis {
            link: Link::new(opener),
            prefix: escaped_prefix(&self.prefix),
            sender: Sender::new(limit + LATEST),
            limit,
        })
    }

    fn nodes(&self) -> Result<Vec<ConnectionInfo>, ConnectError> {
        let path = |index| if index == 0 { "url".to_owned() } else { format!("nodes[{index}]") };
        let parse = |(index, url): (usize, &String)| match Client::open(url.as_str()) {
            Ok(client) => {
                let info = client.get_connection_info().clone();
                check_query(url, &info).map_err(|reason| setting(path(index), reason))?;
                Ok(info)
            }
            Err(error) => Err(setting(path(index), format!("{error}; allowed: redis://, rediss:// or redis+unix://"))),
        };
        self.urls.iter().enumerate().map(parse).collect()
    }

    fn certificates(&self, nodes: &[ConnectionInfo]) -> Result<Option<TlsCertificates>, ConnectError> {
        if self.root_certificate.is_none() && self.client_certificate.is_none() {
            return Ok(None);
        }
        if !nodes.iter().all(is_tls) {
            return Err(setting("root_certificate", "certificates need URLs that begin with rediss://"));
        }
        let client_tls = self.client_certificate.clone();
        let client_tls = client_tls.map(|(client_cert, client_key)| ClientTlsConfig { client_cert, client_key });
        Ok(Some(TlsCertificates { client_tls, root_cert: self.root_certificate.clone() }))
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

fn checked_limit(path: &str, limit_ms: u64) -> Result<Duration, ConnectError> {
    if (1..=60_000).contains(&limit_ms) {
        Ok(Duration::from_millis(limit_ms))
    } else {
        Err(setting(path, format!("{limit_ms} is not from 1 to 60000")))
    }
}

/// What the client library takes no notice of is refused: `?db=3` would go to another database than it says.
fn check_query(url: &str, info: &ConnectionInfo) -> Result<(), String> {
    let (url, _) = url.split_once('#').unwrap_or((url, ""));
    let Some((_, query)) = url.split_once('?') else { return Ok(()) };
    let known: &[&str] = match info.addr() {
        ConnectionAddr::Unix(_) => &["db", "user", "pass", "protocol"],
        _ => &["protocol"],
    };
    let names = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")).0);
    match names.into_iter().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some("db") => Err("?db is not read here; the database is the path: redis://host/3".to_owned()),
        Some(name) => Err(format!("?{name} is not known; allowed: ?{}", known.join(", ?"))),
    }
}

fn setting(path: impl Into<String>, reason: impl Into<String>) -> ConnectError {
    ConnectError::Setting { path: path.into(), reason: reason.into() }
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
