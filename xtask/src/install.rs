//! Installs what is missing with Debian's package manager, where that is at hand and allowed.

use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};

use crate::paths;

/// Redis, which the tests and benchmarks start on ports of their own.
pub(crate) fn redis() -> Result<()> {
    let missing = || ["redis-server", "redis-cli"].iter().any(|name| paths::program(name).is_none());
    if !missing() {
        return Ok(());
    }
    let advice = "install redis-server and redis-cli, 6.2 or later (Debian: `apt-get install redis-server`; macOS: `brew \
                  install redis`)";
    apt_get(&["redis-server", "redis-tools"]).context(advice)?;
    ensure!(!missing(), "redis-server or redis-cli is still not in the path; {advice}");
    Ok(())
}

/// What sets the time of day back for one process, which one of the cases needs.
pub(crate) fn faketime() -> Result<()> {
    if paths::program("faketime").is_some() {
        return Ok(());
    }
    apt_get(&["faketime"]).context("install faketime (Debian: `apt-get install faketime`)")
}

/// What makes the certificates of servers that tests start.
pub(crate) fn openssl() -> Result<()> {
    if paths::program("openssl").is_some() {
        return Ok(());
    }
    apt_get(&["openssl"]).context("install openssl (Debian: `apt-get install openssl`)")
}

/// The browser in which the TypeScript package is tried; another is taken by `TIDEGATE_CHROMIUM`.
pub(crate) fn chromium() -> Result<()> {
    if std::env::var_os("TIDEGATE_CHROMIUM").is_some() || paths::program("chromium").is_some() {
        return Ok(());
    }
    apt_get(&["chromium"]).context(
        "install Chromium (Debian: `apt-get install chromium`), or say in TIDEGATE_CHROMIUM where it or Chrome is",
    )
}

/// Installs Debian packages, and says so. The error tells why it cannot.
pub(crate) fn apt_get(packages: &[&str]) -> Result<()> {
    let become_root = how_to_become_root()?;
    println!("installing {} with apt-get", packages.join(" "));
    let install = [&["install", "--yes", "--no-install-recommends"], packages].concat();
    if run(&become_root, &install)?.status.success() {
        return Ok(());
    }
    // The lists of a fresh machine are empty or old.
    run(&become_root, &["update"])?;
    let output = run(&become_root, &install)?;
    ensure!(output.status.success(), "apt-get install {}: {}", packages.join(" "), last_line(&output.stderr));
    Ok(())
}

/// What to put in front of apt-get: nothing for root, else sudo where it asks for no password.
fn how_to_become_root() -> Result<Vec<&'static str>> {
    if paths::program("apt-get").is_none() {
        bail!("there is no apt-get here");
    }
    let id = Command::new("id").arg("-u").output().context("id cannot be started")?;
    if id.stdout.trim_ascii() == b"0" {
        return Ok(vec![]);
    }
    let sudo = Command::new("sudo").args(["-n", "true"]).output();
    ensure!(
        sudo.is_ok_and(|output| output.status.success()),
        "apt-get needs root, and sudo is not there or asks for a password"
    );
    Ok(vec!["sudo", "-n"])
}

fn run(become_root: &[&str], arguments: &[&str]) -> Result<Output> {
    let words = [become_root, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"], arguments].concat();
    Command::new(words[0]).args(&words[1..]).output().with_context(|| format!("{} cannot be started", words[0]))
}

/// The last line of what a program said, which is where it says why.
pub(crate) fn last_line(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing").trim().to_string()
}
