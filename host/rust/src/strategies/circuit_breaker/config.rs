//! Circuit breaker settings.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::pattern::{ErrorPattern, Others};
use super::report::Mode;
use crate::away::WhenAway;
use crate::runtime::wit::circuit_breaker as wit;
use crate::settings::{self, Spelling};
use crate::time::ms;

/// Which calls the rates are taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Sample {
    /// Calls whose outcome came in the last N milliseconds; 100 to 86,400,000. Slides in
    /// steps of a tenth.
    WindowMs(u64),
    /// The last N calls; 1 to 1,000.
    Calls(u32),
}

/// Open after this many failures within a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FailureCount {
    /// How many; 1 to 1,000.
    pub count: u32,
    /// Within how many milliseconds; 1 to 86,400,000. Exact: each failure leaves at its own age.
    pub within_ms: u64,
}

/// Open at a share of slow calls.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SlowRate {
    /// In percent of the sample; more than 0, at most 100.
    pub percent: f64,
    /// A call is slow when it took at least this many milliseconds; 1 to 86,400,000.
    pub slower_than_ms: u64,
}

/// When a closed circuit opens: on the first rule met, in the order of the fields. At least one is
/// needed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Trip {
    /// After this many failures within a time.
    pub failures: Option<FailureCount>,
    /// After this many failures with no success between them; 1 to 1,000,000.
    pub consecutive: Option<u32>,
    /// At this share of failed calls in the sample, in percent; more than 0, at most 100.
    pub failure_rate_percent: Option<f64>,
    /// At a share of slow calls in the sample.
    pub slow_rate: Option<SlowRate>,
    /// What the rates are taken over; by default the last 60 seconds.
    pub sample: Sample,
    /// No rate opens the circuit before the sample holds this many calls; by default 10.
    pub minimum_calls: u32,
}

impl Default for Trip {
    fn default() -> Self {
        Self {
            failures: None,
            consecutive: None,
            failure_rate_percent: None,
            slow_rate: None,
            sample: Sample::WindowMs(60_000),
            minimum_calls: 10,
        }
    }
}

/// How the open time grows when a probe has failed again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Backoff {
    /// Each reopening multiplies the open time by this; 1 to 100.
    pub factor: f64,
    /// It never grows past this many milliseconds; at least `openMs`, at most 30 days.
    pub cap_ms: u64,
}

/// What ends the half-open state. A probe that was given up, or whose error is ignored, has not
/// ended.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ProbeRule {
    /// [`HalfOpen::successes`] close the circuit; the first failure opens it again.
    #[default]
    FirstFailure,
    /// This many probes decide: of them [`HalfOpen::successes`] close the circuit, and it opens
    /// again as soon as too many have failed for that.
    Ratio {
        /// How many; `successes` to 1,000,000.
        of: u32,
    },
    /// When this many probes have ended, the circuit opens again if this share of them failed, and
    /// else closes. [`HalfOpen::successes`] means nothing.
    Rate {
        /// The share in percent; more than 0, at most 100.
        percent: f64,
        /// How many; 1 to 1,000,000.
        of: u32,
    },
}

/// What a half-open circuit admits, and what ends it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HalfOpen {
    /// Probes in flight at once; 1 to 1,000; by default 1. By [`ProbeRule::Ratio`] and
    /// [`ProbeRule::Rate`] never more than are still to end.
    pub probes: u32,
    /// Successes that close the circuit; 1 to 1,000,000; by default 1.
    pub successes: u32,
    /// A probe whose outcome has not come after this many milliseconds is given up; 1 to
    /// 86,400,000; by default 60,000.
    pub permit_ms: u64,
    /// What closes the circuit or opens it again; by default the first failure opens it.
    pub rule: ProbeRule,
}

impl Default for HalfOpen {
    fn default() -> Self {
        Self { probes: 1, successes: 1, permit_ms: 60_000, rule: ProbeRule::FirstFailure }
    }
}

/// A circuit breaker's settings. They are checked by
/// [`Tidegate::circuit_breaker`](crate::Tidegate::circuit_breaker).
///
/// As JSON: `{"name": "payments", "trip": {"consecutive": 5}, "openMs": 30000}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CircuitBreakerConfig {
    /// Circuits of the same name on the same store are one circuit. Any text.
    pub name: String,
    /// When to open.
    pub trip: Trip,
    /// How long the circuit stays open, in milliseconds; 1 to 30 days; by default 30,000.
    #[serde(default = "default_open_ms")]
    pub open_ms: u64,
    /// How the open time grows; by default it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
    /// How to find out that the trouble is over.
    #[serde(default)]
    pub half_open: HalfOpen,
    /// Errors that count as failures; empty, as by default: all. At most 100.
    #[serde(default)]
    pub monitored: Vec<ErrorPattern>,
    /// What any other error counts as; by default nothing.
    #[serde(default)]
    pub others: Others,
    /// Errors that are ignored though monitored: neither a failure nor a success. At most 100.
    #[serde(default)]
    pub ignored: Vec<ErrorPattern>,
    /// Whether errors of Tidegate's own within a guarded call, such as the denial of a limiter or
    /// the refusal of another circuit, count as failures; by default they count as nothing.
    #[serde(default)]
    pub count_refusals: bool,
    /// The mode while no operator has ordered one; by default normal.
    #[serde(default)]
    pub mode: Mode,
    /// What to answer while the store is away; by default what this host's own state says.
    #[serde(default = "default_when_away")]
    pub when_away: WhenAway,
}

fn default_when_away() -> WhenAway {
    WhenAway::Own
}

fn default_open_ms() -> u64 {
    30_000
}

impl CircuitBreakerConfig {
    /// Opens by these rules, for 30 seconds; one success of one probe closes it.
    pub fn new(name: impl Into<String>, trip: Trip) -> Self {
        Self {
            name: name.into(),
            trip,
            open_ms: default_open_ms(),
            backoff: None,
            half_open: HalfOpen::default(),
            monitored: Vec::new(),
            others: Others::Ignored,
            ignored: Vec::new(),
            count_refusals: false,
            mode: Mode::Normal,
            when_away: default_when_away(),
        }
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
        Ok(settings::read("circuit-breaker", text, spelling)?)
    }

    /// Settings that are allowed and rarely meant, each by its path and the rest of a sentence:
    /// shares below one percent, most often written as a fraction.
    #[doc(hidden)]
    pub fn doubts(&self, spelling: Spelling) -> Vec<(String, String)> {
        let probes = match self.half_open.rule {
            ProbeRule::Rate { percent, .. } => Some(percent),
            _ => None,
        };
        let shares = [
            ("trip.failure-rate-percent", self.trip.failure_rate_percent),
            ("trip.slow-rate.percent", self.trip.slow_rate.map(|rule| rule.percent)),
            ("half-open.rule.rate.percent", probes),
        ];
        let below_one =
            shares.into_iter().filter_map(|(path, share)| Some((path, share.filter(|share| *share < 1.0)?)));
        let sentence = |(path, share): (&str, f64)| {
            let rest = "less than one call in a hundred: 50 is half of them";
            (spelling.name(path), format!("of circuit breaker {:?} is {share}, {rest}", self.name))
        };
        below_one.map(sentence).collect()
    }

    /// Opens after this many failures with no success between them.
    pub fn consecutive(name: impl Into<String>, failures: u32) -> Self {
        Self::new(name, Trip { consecutive: Some(failures), ..Trip::default() })
    }

    /// Opens after `count` failures within a time.
    pub fn failures(name: impl Into<String>, count: u32, within: Duration) -> Self {
        let failures = Some(FailureCount { count, within_ms: ms(within) });
        Self::new(name, Trip { failures, ..Trip::default() })
    }

    /// Opens when this share of the calls of the last 60 seconds failed, 10 at least.
    pub fn failure_rate(name: impl Into<String>, percent: f64) -> Self {
        Self::new(name, Trip { failure_rate_percent: Some(percent), ..Trip::default() })
    }

    /// Stays open for this time.
    #[must_use]
    pub fn open_for(mut self, time: Duration) -> Self {
        self.open_ms = ms(time);
        self
    }

    /// Grows the open time with each reopening, up to a cap.
    #[must_use]
    pub fn backoff(mut self, factor: f64, cap: Duration) -> Self {
        self.backoff = Some(Backoff { factor, cap_ms: ms(cap) });
        self
    }

    /// Admits this many probes at once while half-open, and closes after this many successes.
    #[must_use]
    pub fn half_open(mut self, half_open: HalfOpen) -> Self {
        self.half_open = half_open;
        self
    }

    /// Counts errors that match one of these patterns as failures, and others as `others` says.
    #[must_use]
    pub fn monitored(mut self, patterns: impl IntoIterator<Item = ErrorPattern>, others: Others) -> Self {
        (self.monitored, self.others) = (patterns.into_iter().collect(), others);
        self
    }

    /// Ignores errors that match one of these patterns.
    #[must_use]
    pub fn ignored(mut self, patterns: impl IntoIterator<Item = ErrorPattern>) -> Self {
        self.ignored = patterns.into_iter().collect();
        self
    }

    /// Whether errors of Tidegate's own within a guarded call count as failures.
    #[must_use]
    pub fn count_refusals(mut self, count: bool) -> Self {
        self.count_refusals = count;
        self
    }

    /// What to answer while the store is away; by default [`WhenAway::Own`].
    #[must_use]
    pub fn when_away(mut self, when_away: WhenAway) -> Self {
        self.when_away = when_away;
        self
    }

    pub(crate) fn to_wit(&self) -> wit::Config {
        wit::Config {
            trip: self.trip.to_wit(),
            open_ms: self.open_ms,
            backoff: self.backoff.map(|backoff| wit::Backoff { factor: backoff.factor, cap_ms: backoff.cap_ms }),
            half_open: wit::HalfOpen {
                probes: self.half_open.probes,
                successes: self.half_open.successes,
                permit_ms: self.half_open.permit_ms,
                rule: self.half_open.rule.to_wit(),
            },
            monitored: self.monitored.iter().map(ErrorPattern::to_wit).collect(),
            others: match self.others {
                Others::Ignored => wit::Others::Ignored,
                Others::Success => wit::Others::Success,
            },
            ignored: self.ignored.iter().map(ErrorPattern::to_wit).collect(),
            mode: self.mode.into(),
        }
    }
}

impl ProbeRule {
    fn to_wit(self) -> wit::ProbeRule {
        match self {
            Self::FirstFailure => wit::ProbeRule::FirstFailure,
            Self::Ratio { of } => wit::ProbeRule::Ratio(of),
            Self::Rate { percent, of } => wit::ProbeRule::Rate(wit::ProbeRate { percent, of }),
        }
    }
}

impl Trip {
    fn to_wit(self) -> wit::Trip {
        wit::Trip {
            failures: self.failures.map(|rule| wit::FailureCount { count: rule.count, within_ms: rule.within_ms }),
            consecutive: self.consecutive,
            failure_rate: self.failure_rate_percent.map(|percent| wit::FailureRate { percent }),
            slow_rate: self
                .slow_rate
                .map(|rule| wit::SlowRate { percent: rule.percent, slower_than_ms: rule.slower_than_ms }),
            sample: match self.sample {
                Sample::WindowMs(ms) => wit::Sample::WindowMs(ms),
                Sample::Calls(calls) => wit::Sample::Calls(calls),
            },
            minimum_calls: self.minimum_calls,
        }
    }
}
