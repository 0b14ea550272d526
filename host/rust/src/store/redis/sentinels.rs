//! Sentinels, which know where the master of a name is.

use std::fmt;

use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    Client, ConnectionAddr, ConnectionInfo, ErrorKind, ProtocolVersion, RedisError, RedisResult, TlsCertificates,
    TlsMode,
};
use tokio::sync::Mutex;

use super::error::store_error;
use super::tcp;
use super::urls::is_tls;
use crate::store::StoreError;

/// See the module. They are asked three at a time, in their order; the first that names a server
/// which holds itself for the master counts.
pub(super) struct Sentinels {
    client: Mutex<SentinelClient>,
    master: String,
    addresses: String,
}

impl Sentinels {
    /// `server` is the master, with its name in place of a host. All Sentinels know us as they know
    /// the first.
    pub(super) fn new(
        server: &ConnectionInfo,
        sentinels: &[ConnectionInfo],
        certificates: Option<TlsCertificates>,
    ) -> RedisResult<Self> {
        let (ConnectionAddr::Tcp(master, _) | ConnectionAddr::TcpTls { host: master, .. }) = server.addr() else {
            return Err((ErrorKind::InvalidClientConfig, "a socket has no Sentinels").into());
        };
        let addresses = sentinels.iter().map(|sentinel| sentinel.addr().clone());
        let builder = SentinelClientBuilder::new(addresses, master, SentinelServerType::Master)?;
        let builder = to_sentinels(to_server(builder, server, certificates.as_ref()), sentinels.first(), certificates);
        let addresses: Vec<_> = sentinels.iter().map(|sentinel| sentinel.addr().to_string()).collect();
        Ok(Self { client: Mutex::new(builder.build()?), master: master.clone(), addresses: addresses.join(", ") })
    }

    /// A client of the server that is the master now.
    pub(super) async fn master(&self) -> Result<Client, StoreError> {
        self.client.lock().await.async_get_client().await.map_err(|error| self.told(&error))
    }

    fn told(&self, error: &RedisError) -> StoreError {
        if error.kind() == ErrorKind::MasterNameNotFoundBySentinel {
            let text = format!("the Sentinels {} know no master {:?} that is up", self.addresses, self.master);
            return StoreError::Away(text);
        }
        match store_error(error) {
            StoreError::Refused(text) => StoreError::Refused(format!("{text}, on the way to {self}")),
            StoreError::Away(text) => StoreError::Away(format!("{text}, on the way to {self}")),
            other => other,
        }
    }
}

impl fmt::Display for Sentinels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the master {:?} of the Sentinels {}", self.master, self.addresses)
    }
}

fn to_server(
    mut builder: SentinelClientBuilder,
    server: &ConnectionInfo,
    certificates: Option<&TlsCertificates>,
) -> SentinelClientBuilder {
    let redis = server.redis_settings();
    builder = builder
        .set_client_to_redis_db(redis.db())
        .set_client_to_redis_protocol(ProtocolVersion::RESP3)
        .set_client_to_redis_tcp_settings(tcp::settings());
    if let Some(user) = redis.username() {
        builder = builder.set_client_to_redis_username(user);
    }
    if let Some(password) = redis.password() {
        builder = builder.set_client_to_redis_password(password);
    }
    if is_tls(server) {
        builder = builder.set_client_to_redis_tls_mode(TlsMode::Secure);
        if let Some(certificates) = certificates {
            builder = builder.set_client_to_redis_certificates(certificates.clone());
        }
    }
    builder
}

fn to_sentinels(
    mut builder: SentinelClientBuilder,
    first: Option<&ConnectionInfo>,
    certificates: Option<TlsCertificates>,
) -> SentinelClientBuilder {
    builder = builder.set_client_to_sentinel_tcp_settings(tcp::settings());
    if let Some(user) = first.and_then(|first| first.redis_settings().username()) {
        builder = builder.set_client_to_sentinel_username(user);
    }
    if let Some(password) = first.and_then(|first| first.redis_settings().password()) {
        builder = builder.set_client_to_sentinel_password(password);
    }
    match certificates.filter(|_| first.is_some_and(is_tls)) {
        Some(certificates) => builder.set_client_to_sentinel_certificates(certificates),
        None => builder,
    }
}
