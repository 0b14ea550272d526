//! Carrying bytes from one end of a connection to the other, by the rules.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Flow, Rules, Shared, Way};

/// How many pieces of bytes may be on their way. More wait at the sender, as in a network whose
/// buffers are full.
const ON_THE_WAY: usize = 4_096;
const PIECE: usize = 4_096;

/// Some bytes and when they arrive.
struct Piece {
    bytes: Vec<u8>,
    due: Instant,
}

/// One direction.
struct Lane<'a> {
    rules: watch::Receiver<Rules>,
    way: fn(&Rules) -> Way,
    lost: &'a AtomicU64,
}

/// Carries until one end has closed or broken, or the connection is reset.
pub(super) async fn between(mut client: TcpStream, mut server: TcpStream, number: u64, shared: &Shared) {
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let mut rules = shared.rules.subscribe();
    let counters = &shared.counters;
    let is_reset = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let lane = |way, lost| Lane { rules: shared.rules.subscribe(), way, lost };
        let requests = lane(|rules| rules.requests, &counters.lost_requests).carry(from_client, to_server);
        let replies = lane(|rules| rules.replies, &counters.lost_replies).carry(from_server, to_client);
        tokio::select! {
            // One direction may end before the other does.
            _ = async { tokio::try_join!(requests, replies) } => false,
            changed = rules.wait_for(|rules| rules.reset_up_to >= number) => changed.is_ok(),
        }
    };
    if is_reset {
        counters.resets.fetch_add(1, Ordering::SeqCst);
        // Closing then discards what is under way and tells the other end of a reset.
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

impl Lane<'_> {
    async fn carry(mut self, from: ReadHalf<'_>, to: WriteHalf<'_>) -> io::Result<()> {
        let (sender, receiver) = mpsc::channel(ON_THE_WAY);
        let rules = self.rules.clone();
        let way = self.way;
        tokio::try_join!(take_in(from, sender, || way(&rules.borrow()).delay_ms), self.give_out(to, receiver))?;
        Ok(())
    }

    /// Writes each piece when it is due, and closes the other end when there are no more.
    async fn give_out(&mut self, mut to: WriteHalf<'_>, mut pieces: mpsc::Receiver<Piece>) -> io::Result<()> {
        let mut is_lost = false;
        while let Some(Piece { bytes, due }) = pieces.recv().await {
            sleep_until(due).await;
            let way = self.way_to_go().await;
            is_lost |= way.flow == Flow::Lose;
            if is_lost {
                self.lost.fetch_add(bytes.len() as u64, Ordering::SeqCst);
                continue;
            }
            to.write_all(&bytes).await?;
            self.keep_to(way, bytes.len()).await;
        }
        if is_lost {
            // The end of it is lost like all before.
            return Ok(());
        }
        to.shutdown().await
    }

    /// Waits for as long as this many bytes take, unless the speed is changed meanwhile.
    async fn keep_to(&mut self, Way { bytes_per_s, .. }: Way, bytes: usize) {
        if bytes_per_s > 0 {
            let way = self.way;
            let time = Duration::from_secs(bytes as u64) / u32::try_from(bytes_per_s).unwrap_or(u32::MAX);
            // Either end of the waiting is good.
            let _ = timeout(time, self.rules.wait_for(|rules| way(rules).bytes_per_s != bytes_per_s)).await;
        }
    }

    /// The rules of this direction, once they let bytes go on.
    async fn way_to_go(&mut self) -> Way {
        let way = self.way;
        match self.rules.wait_for(|rules| way(rules).flow != Flow::Hold).await {
            Ok(rules) => way(&rules),
            // The proxy is gone, and this connection is about to be.
            Err(_) => Way { flow: Flow::Lose, ..Way::default() },
        }
    }
}

/// Reads, and notes when each piece is due.
async fn take_in(mut from: ReadHalf<'_>, pieces: mpsc::Sender<Piece>, delay_ms: impl Fn() -> u64) -> io::Result<()> {
    loop {
        let mut bytes = vec![0; PIECE];
        let count = from.read(&mut bytes).await?;
        if count == 0 {
            return Ok(());
        }
        bytes.truncate(count);
        let due = Instant::now() + Duration::from_millis(delay_ms());
        if pieces.send(Piece { bytes, due }).await.is_err() {
            return Ok(());
        }
    }
}
