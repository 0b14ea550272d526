//! Rate limiter settings.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::away::WhenAway;
use crate::runtime::wit::rate_limiter as wit;
use crate::settings::{self, Spelling};
use crate::time::ms;

/// How permits are counted. In the promises A(D) is the number of permits admitted in any half-open
/// span of time of length D, W the window and L the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase", tag = "name", deny_unknown_fields)]
pub enum Algorithm {
    /// `A(W) <= L`: a strict sliding window in bounded state. Permits that follow each other are a
    /// group, which leaves W after its last permit; it ends after `W / sub_windows` or `L / 128`
    /// permits, whichever is first. Below 256 that is each permit, so it admits exactly what
    /// [`Self::SlidingLog`] does; above, by the default, at least 0.985 of that.
    SlidingWindow {
        /// 1 to 100; by default 64.
        #[serde(default = "default_sub_windows")]
        sub_windows: u32,
    },
    /// `A(D) <= burst + D * L / W`: the generic cell rate algorithm. With a burst of 1, permits are
    /// evenly spaced.
    Gcra {
        /// Permits that an idle key can spend at once; by default the limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        burst: Option<u32>,
    },
    /// `A(D) <= burst + D * L / W`: a bucket of `burst` tokens that refills continuously. Decides
    /// as [`Self::Gcra`] does.
    TokenBucket {
        /// Permits that an idle key can spend at once; by default the limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        burst: Option<u32>,
    },
    /// `A(W) <= L` in each window aligned to 1970, so `A(W) <= 2 * L`.
    FixedWindow,
    /// Aligned windows, weighted with the one before: `A(W) <= 2 * L - 1`, and close to L for even
    /// traffic.
    SlidingWindowCounter,
    /// `A(W) <= L`, each permit coming back exactly W after it was given, at a cost that grows with
    /// L; at most 10,000.
    SlidingLog,
}

fn default_sub_windows() -> u32 {
    64
}

impl Default for Algorithm {
    /// The strict sliding window with 64 sub-windows.
    fn default() -> Self {
        Self::SlidingWindow { sub_windows: default_sub_windows() }
    }
}

/// A unit of a window's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WindowUnit {
    /// 1 ms.
    Millisecond,
    /// 1,000 ms.
    Second,
    /// 60 s.
    Minute,
    /// 3,600 s.
    Hour,
    /// 24 h.
    Day,
}

/// At most `limit` permits in a window of `window_count` units.
///
/// As text: `"10/second".parse::<Limit>()`, `"100/5minutes"`, `"1000 per day"`. JSON may have that,
/// too, or the fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limit {
    /// Permits; 0 to 4,294,967,295. For GCRA and token bucket at most 1,000,000 in a second. 0:
    /// every call is denied, and told no time to come back at.
    pub limit: u32,
    /// The unit of the window's length.
    pub window: WindowUnit,
    /// How many units; by default 1. The window is 1 ms to 366 days.
    pub window_count: u64,
    /// How permits are counted; by default the strict sliding window.
    pub algorithm: Algorithm,
}

/// A [`Limit`] as JSON has it field by field.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct LimitFields {
    pub(super) limit: u32,
    pub(super) window: WindowUnit,
    #[serde(default = "default_window_count")]
    pub(super) window_count: u64,
    #[serde(default)]
    pub(super) algorithm: Algorithm,
}

fn default_window_count() -> u64 {
    1
}

impl Limit {
    /// At most `limit` permits in `window_count` units, by the strict sliding window.
    pub fn new(limit: u32, window: WindowUnit, window_count: u64) -> Self {
        Self { limit, window, window_count, algorithm: Algorithm::default() }
    }

    /// At most `limit` permits in every second.
    pub fn per_second(limit: u32) -> Self {
        Self::new(limit, WindowUnit::Second, 1)
    }

    /// At most `limit` permits in every minute.
    pub fn per_minute(limit: u32) -> Self {
        Self::new(limit, WindowUnit::Minute, 1)
    }

    /// At most `limit` permits in every hour.
    pub fn per_hour(limit: u32) -> Self {
        Self::new(limit, WindowUnit::Hour, 1)
    }

    /// At most `limit` permits in every day of 24 hours.
    pub fn per_day(limit: u32) -> Self {
        Self::new(limit, WindowUnit::Day, 1)
    }

    /// At most `limit` permits in every `window`, which is rounded up to whole milliseconds.
    pub fn per(limit: u32, window: Duration) -> Self {
        Self::new(limit, WindowUnit::Millisecond, ms(window))
    }

    /// Counted by `algorithm`.
    #[must_use]
    pub fn by(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    fn to_wit(self) -> wit::Limit {
        let unit = match self.window {
            WindowUnit::Millisecond => wit::WindowUnit::Millisecond,
            WindowUnit::Second => wit::WindowUnit::Second,
            WindowUnit::Minute => wit::WindowUnit::Minute,
            WindowUnit::Hour => wit::WindowUnit::Hour,
            WindowUnit::Day => wit::WindowUnit::Day,
        };
        let algorithm = match self.algorithm {
            Algorithm::SlidingWindow { sub_windows } => {
                wit::Algorithm::SlidingWindow(wit::SlidingWindow { sub_windows })
            }
            Algorithm::Gcra { burst } => wit::Algorithm::Gcra(wit::Bucket { burst }),
            Algorithm::TokenBucket { burst } => wit::Algorithm::TokenBucket(wit::Bucket { burst }),
            Algorithm::FixedWindow => wit::Algorithm::FixedWindow,
            Algorithm::SlidingWindowCounter => wit::Algorithm::SlidingWindowCounter,
            Algorithm::SlidingLog => wit::Algorithm::SlidingLog,
        };
        wit::Limit { limit: self.limit, window: wit::Window { unit, count: self.window_count }, algorithm }
    }
}

/// What happens to a call that is over a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase", tag = "behavior", deny_unknown_fields)]
pub enum OnLimit {
    /// It is denied.
    #[default]
    Reject,
    /// It is given the next free place, and told when that is.
    Delay {
        /// The longest wait in milliseconds; beyond it the call is denied; 1 to 86,400,000.
        max_wait_ms: u64,
    },
    /// It waits in a queue shared by all hosts on the store: higher priority first, then who came
    /// first.
    Queue {
        /// How many may wait; 1 to 10,000.
        max_size: u32,
        /// How long one may wait in milliseconds; 1 to 86,400,000.
        timeout_ms: u64,
        /// A waiter that is later than this at the time it was told is passed over until it comes,
        /// in milliseconds; 1 to `timeout_ms`; by default 1,000 or `timeout_ms`, the less.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grace_ms: Option<u64>,
    },
}

impl OnLimit {
    /// Reserve a place at most `max_wait` away, rounded up to whole milliseconds.
    pub fn delay(max_wait: Duration) -> Self {
        Self::Delay { max_wait_ms: ms(max_wait) }
    }

    /// Wait in a queue of `max_size` for at most `timeout`, rounded up to whole milliseconds.
    pub fn queue(max_size: u32, timeout: Duration) -> Self {
        Self::Queue { max_size, timeout_ms: ms(timeout), grace_ms: None }
    }

    fn to_wit(self) -> wit::OnLimit {
        match self {
            Self::Reject => wit::OnLimit::Reject,
            Self::Delay { max_wait_ms } => wit::OnLimit::Delay(wit::Delay { max_wait_ms }),
            Self::Queue { max_size, timeout_ms, grace_ms } => {
                let grace_ms = grace_ms.unwrap_or_else(|| timeout_ms.clamp(1, 1_000));
                wit::OnLimit::Queue(wit::Queue { max_size, timeout_ms, grace_ms })
            }
        }
    }
}

/// Permits that a host takes from the shared limits in one charge and spends on its own: what it
/// holds costs no round trip.
///
/// How many it takes adapts to the key: a key's first call takes no more than its own, each lease
/// that was spent in time doubles the next, and no host takes more than a quarter of what the
/// limits admit at once. What is left when a lease ends is given back. Leases never over-admit: for
/// that, GCRA and token bucket work with a burst that is smaller by what comes back in `life_ms`,
/// and with the sliding window and the log every permit counts longer by that time. A host that
/// dies strands one lease at most.
///
/// All hosts of a limiter must be configured alike. On the memory store there is no round trip to
/// save, and no lease is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lease {
    /// The most permits that a host takes at once; 2 to 1,000,000.
    pub max_permits: u32,
    /// How long it may hold them, in milliseconds; 1 to 60,000.
    pub life_ms: u64,
}

impl Lease {
    /// At most N permits, for at most `life`, which is rounded up to whole milliseconds.
    pub fn new(max_permits: u32, life: Duration) -> Self {
        Self { max_permits, life_ms: ms(life) }
    }

    fn to_wit(self) -> wit::Lease {
        wit::Lease { max_permits: self.max_permits, life_ms: self.life_ms }
    }
}

/// A rate limiter's settings. They are checked by
/// [`Tidegate::rate_limiter`](crate::Tidegate::rate_limiter).
///
/// As JSON: `{"name": "api", "limits": [{"limit": 10, "window": "second"}], "onLimit": {"behavior":
/// "reject"}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RateLimiterConfig {
    /// Limiters of the same name on the same store share the state of their keys. Any text.
    pub name: String,
    /// The limits of one key, 1 to 8: a call needs room in all of them, and is charged in all of
    /// them or in no limit.
    pub limits: Vec<Limit>,
    /// What to do with a call over a limit; by default it is denied.
    #[serde(default)]
    pub on_limit: OnLimit,
    /// Permits to hold in advance, only where a call over a limit is denied; by default every call
    /// is charged by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// What to answer while the store is away; by default an error.
    #[serde(default)]
    pub when_away: WhenAway,
}

impl RateLimiterConfig {
    /// One limit; a call over it is denied.
    pub fn new(name: impl Into<String>, limit: Limit) -> Self {
        let (on_limit, when_away) = (OnLimit::Reject, WhenAway::Error);
        Self { name: name.into(), limits: vec![limit], on_limit, lease: None, when_away }
    }

    /// Reads settings from JSON text. They are checked when they are opened.
    ///
    /// # Errors
    /// [`Error::Config`](crate::Error::Config) with every field that is unknown, missing or of a
    /// wrong type, and [`Error::Json`](crate::Error::Json) where the text is not JSON.
    pub fn from_json(text: &str) -> Result<Self, crate::Error> {
        Self::from_json_as(text, Spelling::Json)
    }

    /// The same for settings that were written in another way.
    #[doc(hidden)]
    pub fn from_json_as(text: &str, spelling: Spelling) -> Result<Self, crate::Error> {
        Ok(settings::read("rate-limiter", text, spelling)?)
    }

    /// One more limit on the same keys.
    #[must_use]
    pub fn and(mut self, limit: Limit) -> Self {
        self.limits.push(limit);
        self
    }

    /// What to do with a call over a limit.
    #[must_use]
    pub fn on_limit(mut self, on_limit: OnLimit) -> Self {
        self.on_limit = on_limit;
        self
    }

    /// Hold permits in advance.
    #[must_use]
    pub fn lease(mut self, lease: Lease) -> Self {
        self.lease = Some(lease);
        self
    }

    /// What to answer while the store is away.
    #[must_use]
    pub fn when_away(mut self, when_away: WhenAway) -> Self {
        self.when_away = when_away;
        self
    }

    pub(crate) fn to_wit(&self) -> wit::Config {
        let limits = self.limits.iter().map(|limit| limit.to_wit()).collect();
        wit::Config { limits, on_limit: self.on_limit.to_wit(), lease: self.lease.map(Lease::to_wit) }
    }
}
