//! One connection to a Redis server or cluster, and how it is opened.

use std::time::Duration;

use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::SingleNodeRoutingInfo;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, ProtocolVersion, PushInfo, PushKind, RedisError,
    RedisResult, ServerErrorKind, TlsCertificates, Value,
};

use super::error::store_error;
use super::sentinels::Sentinels;
use super::{tcp, wire};
use crate::store::StoreError;

/// How often a cluster may point a command at another node before it is given up.
const MAX_REDIRECTS: usize = 5;

/// How many commands may wait for the connection to take them up before their callers wait.
const QUEUED_COMMANDS: usize = 1024;

/// A connection that many callers share.
#[derive(Clone)]
pub(super) enum Connection {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Connection {
    /// Sends a command once and waits for its answer. A command is sent again only where the
    /// cluster said that it was not run.
    pub(super) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Single(connection) => connection.send_packed_command(command).await?.extract_error(),
            Self::Cluster(connection) => send_to_cluster(connection, command).await,
        }
    }

    /// Whether the connection must be given up with the first broken pipe. A cluster's heals
    /// itself, node by node.
    pub(super) fn is_single(&self) -> bool {
        matches!(self, Self::Single(_))
    }
}

async fn send_to_cluster(connection: &mut ClusterConnection, command: &Cmd) -> RedisResult<Value> {
    let mut result = send_once(connection, command).await;
    let mut owner: Option<String> = None;
    for _ in 0..MAX_REDIRECTS {
        let Err(error) = &result else { break };
        let Some((node, _)) = error.redirect_node() else { break };
        if error.kind() == ErrorKind::Server(ServerErrorKind::Ask) {
            let Some(node) = address(node) else { break };
            result = send_to(connection, command, node, true).await;
        } else if owner.as_deref() == Some(node) {
            // The slots were learnt anew, from a node that has not heard of this one yet. So it is
            // asked by its address.
            let Some(address) = address(node) else { break };
            let asked = send_to(connection, command, address, false).await;
            result = asked.map_err(|error| if is_unconnected(&error) { unreachable(node) } else { error });
            break;
        } else {
            // The connection has begun to learn the slots anew, and takes up nothing else before it
            // has.
            owner = Some(node.to_owned());
            result = send_once(connection, command).await;
        }
    }
    result
}

fn unreachable(node: &str) -> RedisError {
    let text = "the cluster's node for this entity cannot be reached";
    RedisError::from((ErrorKind::ClusterConnectionNotFound, text, node.to_owned()))
}

async fn send_once(connection: &mut ClusterConnection, command: &Cmd) -> RedisResult<Value> {
    connection.req_packed_command(command).await?.extract_error()
}

fn is_unconnected(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::ClusterConnectionNotFound)
}

/// Sends a command to one node, whatever slots it is known to have. `is_asking`: the slot is on its
/// way there, and the node answers only after the command `ASKING`.
async fn send_to(
    connection: &mut ClusterConnection,
    command: &Cmd,
    node: SingleNodeRoutingInfo,
    is_asking: bool,
) -> RedisResult<Value> {
    let mut pipeline = redis::pipe();
    if is_asking {
        pipeline.cmd("ASKING").ignore();
    }
    pipeline.add_command(command.clone());
    let mut values = connection.route_pipeline(pipeline, 0, 1 + usize::from(is_asking), node).await?;
    values.pop().unwrap_or_default().extract_error()
}

fn address(node: &str) -> Option<SingleNodeRoutingInfo> {
    let (host, port) = node.rsplit_once(':')?;
    Some(SingleNodeRoutingInfo::ByAddress { host: host.to_owned(), port: port.parse().ok()? })
}

/// Where connections lead.
pub(super) enum Destination {
    /// To this server.
    Single(Box<ConnectionInfo>),
    /// To a cluster with these nodes.
    Cluster(Vec<ConnectionInfo>),
    /// To the master that these Sentinels know by the name that is the server's host here.
    Master { server: Box<ConnectionInfo>, sentinels: Vec<ConnectionInfo> },
}

impl Destination {
    /// Servers, nodes and Sentinels.
    pub(super) fn nodes(&self) -> impl Iterator<Item = &ConnectionInfo> {
        let (one, many): (Option<&ConnectionInfo>, &[ConnectionInfo]) = match self {
            Self::Single(server) => (Some(server), &[]),
            Self::Cluster(nodes) => (None, nodes),
            Self::Master { server, sentinels } => (Some(server), sentinels),
        };
        one.into_iter().chain(many)
    }
}

/// Opens connections.
pub(super) struct Opener {
    target: Target,
    client_name: String,
    timeout: Duration,
}

enum Target {
    Single(Box<Client>),
    Cluster(Box<ClusterClient>),
    Master(Box<Sentinels>),
}

impl Opener {
    /// Checks the settings; opens nothing yet.
    pub(super) fn new(
        destination: Destination,
        certificates: Option<TlsCertificates>,
        client_name: String,
        timeout: Duration,
    ) -> RedisResult<Self> {
        let target = match destination {
            Destination::Single(server) => Target::Single(Box::new(match certificates {
                Some(certificates) => Client::build_with_tls(with_settings(*server), certificates)?,
                None => Client::open(with_settings(*server))?,
            })),
            Destination::Cluster(nodes) => Target::Cluster(Box::new(cluster(nodes, certificates, timeout)?)),
            Destination::Master { server, sentinels } => {
                Target::Master(Box::new(Sentinels::new(&server, &sentinels, certificates)?))
            }
        };
        Ok(Self { target, client_name, timeout })
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.target, Target::Cluster(_))
    }

    /// Opens a connection and teaches the server the script. `on_close` is called when the server
    /// closes it later on.
    pub(super) async fn open(&self, on_close: impl Fn() + Send + Sync + 'static) -> Result<Connection, StoreError> {
        tokio::time::timeout(self.timeout, self.open_unbounded(on_close)).await.unwrap_or_else(|_| {
            let to = match &self.target {
                Target::Master(sentinels) => format!(" to {sentinels}"),
                Target::Single(_) | Target::Cluster(_) => String::new(),
            };
            Err(StoreError::Away(format!("no connection{to} within {} ms", self.timeout.as_millis())))
        })
    }

    async fn open_unbounded(&self, on_close: impl Fn() + Send + Sync + 'static) -> Result<Connection, StoreError> {
        let mut connection = match &self.target {
            Target::Single(client) => single(client, on_close).await,
            Target::Cluster(client) => client.get_async_connection().await.map(Connection::Cluster),
            Target::Master(sentinels) => single(&sentinels.master().await?, on_close).await,
        }
        .map_err(|error| store_error(&error))?;
        self.introduce(&mut connection).await.map_err(|error| store_error(&error))?;
        Ok(connection)
    }

    async fn introduce(&self, connection: &mut Connection) -> RedisResult<()> {
        if !self.client_name.is_empty() {
            // A name is a courtesy: whoever may not have one does without, and a connection that is
            // broken says so next.
            let _ = connection.send(redis::cmd("CLIENT").arg("SETNAME").arg(&self.client_name)).await;
        }
        connection.send(redis::cmd("SCRIPT").arg("LOAD").arg(wire::SCRIPT)).await.map(drop)
    }
}

async fn single(client: &Client, on_close: impl Fn() + Send + Sync + 'static) -> RedisResult<Connection> {
    let config = AsyncConnectionConfig::new()
        // That of `open` is in force, and says in its error how long it was.
        .set_connection_timeout(None)
        .set_response_timeout(None)
        .set_pipeline_buffer_size(QUEUED_COMMANDS)
        .set_push_sender(move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                on_close();
            }
            Ok::<(), ()>(())
        });
    client.get_multiplexed_async_connection_with_config(&config).await.map(Connection::Single)
}

fn cluster(
    nodes: Vec<ConnectionInfo>,
    certificates: Option<TlsCertificates>,
    timeout: Duration,
) -> RedisResult<ClusterClient> {
    let mut builder = ClusterClientBuilder::new(nodes.into_iter().map(with_settings))
        .tcp_settings(tcp::settings())
        .connection_timeout(timeout)
        .response_timeout(timeout)
        // A command whose connection broke may have run: sending it again could charge twice.
        .retries(0);
    if let Some(certificates) = certificates {
        builder = builder.certs(certificates);
    }
    builder.build()
}

/// RESP3 is what tells a connection at once that the server has closed it.
fn with_settings(node: ConnectionInfo) -> ConnectionInfo {
    let redis = node.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    node.set_redis_settings(redis).set_tcp_settings(tcp::settings())
}
