//! How a process starts: its first decision without a compiler, a home or much address space.

use std::process::Command;

use tidegate::{Limit, RateLimiterConfig};

/// Set in the process that the test below starts of itself.
const IN_CHILD: &str = "TIDEGATE_TEST_CHILD";

/// Kibibytes of address space, which wasmtime's own choice for one instance alone would go beyond.
const ADDRESS_SPACE: &str = "2000000";

#[cfg(unix)]
#[test]
fn decides_where_address_space_is_short_and_there_is_no_home() -> anyhow::Result<()> {
    if std::env::var_os(IN_CHILD).is_some() {
        return decide();
    }
    let script = format!("ulimit -v {ADDRESS_SPACE} && exec \"$0\" --exact \"$1\"");
    let mut child = Command::new("sh");
    child.args(["-c", &script]).arg(std::env::current_exe()?);
    child.arg("decides_where_address_space_is_short_and_there_is_no_home");
    let output = child.env(IN_CHILD, "1").env("HOME", "/nonexistent").env_remove("XDG_CACHE_HOME").output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}

fn decide() -> anyhow::Result<()> {
    let gate = tidegate::blocking::Tidegate::builder().build()?;
    let config = RateLimiterConfig::new("api", Limit::per_second(1));
    let limiter = gate.rate_limiter(config)?;
    assert!(limiter.try_acquire("me")?.is_allowed());
    assert!(!limiter.try_acquire("me")?.is_allowed());
    Ok(())
}
