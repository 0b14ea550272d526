//! What one would do on Redis by hand: the floor, and the script that is the least that limits.

use std::hint::black_box;

use anyhow::Result;
use redis::aio::MultiplexedConnection;
use redis::{Client, Script};

/// GCRA as one would write it: exact, on the server's clock, with an expiry.
///
/// KEYS[1] the bucket; ARGV the microseconds a permit takes, and those a burst takes. Reply: the
/// microseconds to wait, 0: go.
const GCRA: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local wait = full + ARGV[1] - now - ARGV[2]
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%.0f', full + ARGV[1]), 'PX', 2000)
return 0";

/// A connection as the store of Tidegate has it: shared by all callers, without a delay.
#[derive(Clone)]
pub struct PlainRedis {
    connection: MultiplexedConnection,
    digest: String,
}

impl PlainRedis {
    /// Connects, and teaches the server the script.
    ///
    /// # Errors
    /// If the server is away.
    pub async fn connect(url: &str) -> Result<Self> {
        let connection = Client::open(url)?.get_multiplexed_async_connection().await?;
        let digest = redis::cmd("SCRIPT").arg("LOAD").arg(GCRA).query_async(&mut connection.clone()).await?;
        debug_assert_eq!(digest, Script::new(GCRA).get_hash());
        Ok(Self { connection, digest })
    }

    /// One GET.
    ///
    /// # Panics
    /// If the server is away.
    pub async fn get(mut self) {
        let value: Option<String> =
            redis::cmd("GET").arg("hot").query_async(&mut self.connection).await.expect("redis answers");
        black_box(value);
    }

    /// One EVALSHA, which lets everyone go.
    ///
    /// # Panics
    /// If the server is away.
    pub async fn gcra(mut self, key: &str) {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.digest).arg(1).arg(key).arg(1).arg(1_000_000_000_000_u64);
        let wait: u64 = command.query_async(&mut self.connection).await.expect("redis answers");
        assert_eq!(wait, 0, "there is room for all");
    }
}
