//! Where connections come in, and how they are refused.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Result;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use super::{Shared, carry};

/// How many connections may wait to be taken.
const BACKLOG: u32 = 1_024;

/// The proxy's port.
#[derive(Debug)]
pub(super) struct Door {
    /// Bound and never listening: it keeps the port ours while nothing listens on it, which is what
    /// refuses connections.
    keeper: TcpSocket,
    listening: Option<JoinHandle<()>>,
    address: SocketAddr,
}

impl Door {
    pub(super) fn open(shared: &Arc<Shared>) -> Result<Self> {
        let keeper = bound_to(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let address = keeper.local_addr()?;
        let mut door = Self { keeper, listening: None, address };
        door.reopen(shared)?;
        Ok(door)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Nothing listens when it returns.
    pub(super) fn shut(&mut self) {
        let Some(listening) = self.listening.take() else { return };
        listening.abort();
        // The listener is gone when its task is.
        let handle = tokio::runtime::Handle::current();
        let _ = handle.block_on(listening);
    }

    pub(super) fn reopen(&mut self, shared: &Arc<Shared>) -> Result<()> {
        if self.listening.is_none() {
            let listener = bound_to(self.keeper.local_addr()?)?.listen(BACKLOG)?;
            self.listening = Some(tokio::spawn(take_connections(listener, Arc::clone(shared))));
        }
        Ok(())
    }
}

fn bound_to(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Two sockets of this process share the port, of which one listens.
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn take_connections(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        // A connection that was gone before it was taken is nobody's concern.
        let Ok((client, _)) = listener.accept().await else { continue };
        let number = shared.counters.connections.fetch_add(1, Ordering::SeqCst) + 1;
        tokio::spawn(serve(client, number, Arc::clone(&shared)));
    }
}

async fn serve(client: TcpStream, number: u64, shared: Arc<Shared>) {
    let server = shared.rules.borrow().server;
    match TcpStream::connect(server).await {
        Ok(server) => carry::between(client, server, number, &shared).await,
        // The client learns of it as it would from a server that ended just now.
        Err(_) => drop(client.set_zero_linger()),
    }
}
