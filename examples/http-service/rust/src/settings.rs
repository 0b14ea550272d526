//! The settings, from the environment.

use std::env;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tidegate::{Limit, WhenAway};

pub(crate) struct Settings {
    pub(crate) upstream_url: String,
    pub(crate) redis_url: Option<String>,
    pub(crate) port: u16,
    pub(crate) limit: Limit,
    pub(crate) when_away: WhenAway,
    pub(crate) upstream_timeout: Duration,
    pub(crate) open: Duration,
}

impl Settings {
    pub(crate) fn from_environment() -> Result<Self> {
        let hosts = number("HOSTS", 1)?;
        let when_away = match env::var("WHEN_AWAY").as_deref().unwrap_or("share") {
            // Without the store each process admits its part of the limit.
            "share" => WhenAway::Share { hosts: hosts.try_into()? },
            // The request is turned away.
            "error" => WhenAway::Error,
            other => bail!("WHEN_AWAY is {other}, must be share or error"),
        };
        Ok(Self {
            upstream_url: env::var("UPSTREAM_URL").context("UPSTREAM_URL is missing")?,
            redis_url: env::var("REDIS_URL").ok(),
            port: number("PORT", 0)?.try_into()?,
            limit: limit(number("LIMIT", 10)?.try_into()?)?,
            when_away,
            upstream_timeout: Duration::from_millis(number("UPSTREAM_TIMEOUT_MS", 1_000)?),
            open: Duration::from_millis(number("OPEN_MS", 1_000)?),
        })
    }
}

fn limit(permits: u32) -> Result<Limit> {
    Ok(match env::var("WINDOW").as_deref().unwrap_or("second") {
        "second" => Limit::per_second(permits),
        "minute" => Limit::per_minute(permits),
        "hour" => Limit::per_hour(permits),
        "day" => Limit::per_day(permits),
        other => bail!("WINDOW is {other}, must be one of second, minute, hour, day"),
    })
}

fn number(name: &str, usual: u64) -> Result<u64> {
    let Ok(text) = env::var(name) else { return Ok(usual) };
    text.parse().with_context(|| format!("{name} is {text}, must be a whole number from 0"))
}
