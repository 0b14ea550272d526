//! How connections to servers are kept.

#[cfg(target_os = "linux")]
use std::time::Duration;

use redis::io::tcp::TcpSettings;

/// Commits are small and someone waits for each: they are sent at once.
pub(super) fn settings() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    // A node that vanished without a word must not hold its connection for minutes.
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(Duration::from_secs(1));
    settings
}
