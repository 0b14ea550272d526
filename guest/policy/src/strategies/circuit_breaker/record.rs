//! The state cell: what all hosts agree on, as a short text that changes only when the state does.
//!
//! ```text
//! c1 closed generation=<us> at=<us> [mode=<ordered mode>]
//! c1 open generation=<us> at=<us> since=<us> until=<us> reopenings=<n>
//! c1 half-open generation=<us> at=<us> since=<us> reopenings=<n> successes=<n> last-probe=<n> [probes=<n>+<us left>,...]
//! c2 half-open ... successes=<n> failed=<n> last-probe=<n> ...
//! ```
//!
//! `c2` is a circuit of which probes have failed without opening it again, as only some settings
//! have it.
//!
//! All times are microseconds since 1970. An absent cell is a closed circuit of generation 0
//! without an order.

use alloc::string::String;
use core::fmt::Write;

use super::config::Mode;
use super::half_open::Probing;
use super::open::Opened;
use super::{AHEAD_US, DAY_MS, FORGOTTEN_MS};
use crate::kv::MAX_LAG_MS;
use crate::text::Words;

/// What the state cell holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// The time of the last state change, made unique; 0: there was no change.
    pub(super) generation: u64,
    /// The latest time that the cell was written at.
    pub(super) at_us: u64,
    /// The generation in which the counts began: that of the last closing. Opening does not clear
    /// them.
    pub(super) since: u64,
    /// What the operator has ordered. The circuit is closed while there is an order.
    pub(super) order: Option<Mode>,
    pub(super) phase: Phase,
}

/// The state by the rules, whatever the mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    Closed,
    Open(Opened),
    HalfOpen(Probing),
}

impl Record {
    /// What an absent cell means.
    pub(super) const ABSENT: Self = Self { generation: 0, at_us: 0, since: 0, order: None, phase: Phase::Closed };

    /// Starts a new generation in this phase.
    pub(super) fn change(&mut self, phase: Phase, now_us: u64) {
        self.generation = now_us.max(self.generation.saturating_add(1));
        if phase == Phase::Closed {
            self.since = self.generation;
        }
        self.phase = phase;
    }

    /// Whether a cell in use must be written again, so that it does not expire. Once a day is
    /// enough.
    pub(super) fn is_stale(&self, now_us: u64) -> bool {
        self.generation > 0 && now_us.saturating_sub(self.at_us) >= DAY_MS * 1_000
    }

    /// How long the cell has a use when the counts have one for `counts_ms`. A day is added for
    /// [`Self::is_stale`].
    ///
    /// A closed record fences the outcomes of earlier generations, which come within a day, and
    /// dates the counts.
    pub(super) fn ttl_ms(&self, counts_ms: u64) -> u64 {
        let use_ms = match &self.phase {
            Phase::Closed if self.order.is_none() => counts_ms,
            Phase::Closed | Phase::HalfOpen(_) => FORGOTTEN_MS,
            Phase::Open(opened) => FORGOTTEN_MS + opened.until_us.saturating_sub(self.at_us).div_ceil(1_000),
        };
        use_ms + DAY_MS + MAX_LAG_MS
    }

    /// The text of the cell.
    pub(super) fn encode(&self) -> String {
        let mut text = String::from(if self.phase.probes_failed() { "c2 " } else { "c1 " });
        text.push_str(self.phase.name());
        let _ = write!(text, " generation={} at={}", self.generation, self.at_us);
        if self.phase != Phase::Closed {
            let _ = write!(text, " since={}", self.since);
        }
        match &self.phase {
            Phase::Closed => self.order.iter().for_each(|mode| text.extend([" mode=", mode_name(*mode)])),
            Phase::Open(opened) => opened.encode(&mut text),
            Phase::HalfOpen(probing) => probing.encode(&mut text, self.at_us),
        }
        text
    }

    /// Reads a text at a time. `None`: it is not ours, or cannot be true.
    pub(super) fn decode(text: &str, clock_us: u64) -> Option<Self> {
        let mut words = Words::of(text)?;
        let (version, name) = (words.word()?, words.word()?);
        let probes_failed = version == "c2";
        (version == "c1" || probes_failed && name == "half-open").then_some(())?;
        let (generation, at_us) = (words.number("generation")?, words.number("at")?);
        let mut record = Self { generation, at_us, since: generation, ..Self::ABSENT };
        if name == Phase::Closed.name() {
            record.order = decode_order(&mut words)?;
        } else {
            record.since = words.number("since")?;
            record.phase = Phase::decode(name, &mut words, at_us, probes_failed)?;
        }
        words.end()?;
        record.is_plausible(clock_us).then_some(record)
    }

    fn is_plausible(&self, clock_us: u64) -> bool {
        let in_order = self.since <= self.generation && self.generation > 0;
        in_order && self.generation.max(self.at_us) <= clock_us.saturating_add(AHEAD_US)
    }
}

impl Phase {
    fn name(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open(_) => "open",
            Self::HalfOpen(_) => "half-open",
        }
    }

    fn probes_failed(&self) -> bool {
        matches!(self, Self::HalfOpen(probing) if probing.failed > 0)
    }

    fn decode(name: &str, words: &mut Words<'_>, at_us: u64, probes_failed: bool) -> Option<Self> {
        match name {
            "open" => Opened::decode(words, at_us).map(Self::Open),
            "half-open" => Probing::decode(words, at_us, probes_failed).map(Self::HalfOpen),
            _ => None,
        }
    }
}

const ORDERS: [Mode; 4] = [Mode::ForcedOpen, Mode::ForcedClosed, Mode::Disabled, Mode::MetricsOnly];

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Normal => "normal",
        Mode::ForcedOpen => "forced-open",
        Mode::ForcedClosed => "forced-closed",
        Mode::Disabled => "disabled",
        Mode::MetricsOnly => "metrics-only",
    }
}

/// The outer option is whether the text is ours, the inner whether there is an order.
#[expect(clippy::option_option, reason = "the two say different things, and the caller asks for one with `?`")]
fn decode_order(words: &mut Words<'_>) -> Option<Option<Mode>> {
    match words.optional("mode") {
        None => Some(None),
        Some(name) => ORDERS.into_iter().find(|mode| mode_name(*mode) == name).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use proptest::prelude::*;

    use super::{ORDERS, Opened, Phase, Probing, Record};
    use crate::circuit_breaker::config::{HalfOpen, ProbeRule};

    const NOW_US: u64 = 1_700_000_000_000_000;

    fn half_open(reopenings: u32, successes: u32, failed: u32, probes: u32, now_us: u64) -> Phase {
        let mut probing = Probing::new(reopenings);
        let limits = HalfOpen { probes: 1_000, successes: 1, permit_ms: 30_000, rule: ProbeRule::FirstFailure };
        for after_us in 0..u64::from(probes) {
            probing.admit(&limits, now_us + after_us);
        }
        probing.release(probes / 2, now_us);
        probing.successes = successes;
        probing.failed = failed;
        Phase::HalfOpen(probing)
    }

    fn phase(now_us: u64) -> impl Strategy<Value = Phase> {
        prop_oneof![
            Just(Phase::Closed),
            (0..=2_592_000_000_000_u64, any::<u32>())
                .prop_map(move |(us, reopenings)| Phase::Open(Opened { until_us: now_us + us, reopenings })),
            (any::<u32>(), any::<u32>(), prop_oneof![Just(0), any::<u32>()], 0..1_000_u32)
                .prop_map(move |(reopenings, s, f, p)| half_open(reopenings, s, f, p, now_us)),
        ]
    }

    fn record() -> impl Strategy<Value = Record> {
        let times = (1..NOW_US, 0..NOW_US, prop::option::of(prop::sample::select(&ORDERS[..])));
        (times, phase(NOW_US)).prop_map(|((generation, since, order), phase)| {
            let closed = phase == Phase::Closed;
            let since = if closed { generation } else { since.min(generation) };
            Record { generation, at_us: NOW_US, since, order: order.filter(|_| closed), phase }
        })
    }

    proptest! {
        #[test]
        fn records_survive_their_text(record in record()) {
            let text = record.encode();
            prop_assert!(text.is_ascii());
            prop_assert_eq!(Record::decode(&text, NOW_US), Some(record), "{}", text);
        }

        #[test]
        fn what_is_left_of_a_cut_text_is_plausible_or_refused(record in record(), cut in any::<prop::sample::Index>()) {
            let text = record.encode();
            if let Some(read) = Record::decode(&text[..cut.index(text.len())], NOW_US) {
                prop_assert!(read.since <= read.generation && read.at_us <= NOW_US);
            }
        }

        #[test]
        fn no_text_panics(words in prop::collection::vec(r"c1|open|half-open|closed|[a-z-]{1,9}=[0-9+,a-z-]{0,30}|\PC", 0..9)) {
            let text: String = words.join(" ");
            let _ = Record::decode(&text, NOW_US);
        }
    }

    #[test]
    fn the_fullest_record_is_read_again() {
        let record =
            Record { generation: 1, at_us: NOW_US, since: 0, order: None, phase: half_open(0, 0, 0, 1_000, NOW_US) };
        assert_eq!(Record::decode(&record.encode(), NOW_US), Some(record));
    }

    #[test]
    fn refuses_what_cannot_be_true() {
        for text in [
            "",
            "c1",
            "c2 closed generation=1 at=1",
            "c1 shut generation=1 at=1",
            "c1 closed generation=0 at=0",
            "c1 closed generation=87400000001 at=1",
            "c1 closed generation=1 at=87400000001",
            "c1 closed generation=1 at=1 ",
            "c1 closed generation=1 at=1 mode=normal",
            "c1 closed generation=1 at=1 mode=",
            "c1 closed at=1 generation=1",
            "c1 closed generation=1 at=1 since=1",
            "c1 open generation=1 at=1 since=2 until=1 reopenings=0",
            "c1 open generation=1 at=1 since=0 until=2592000000002 reopenings=0",
            "c1 open generation=1 at=1",
            "c1 open generation=1 at=1 since=0 until=1 reopenings=4294967296",
            "c1 half-open generation=1 at=1 since=0 reopenings=0 successes=0 last-probe=1 probes=2+1",
            "c1 half-open generation=1 at=1 since=0 reopenings=0 successes=0 last-probe=2 probes=2+1,1+1",
            "c1 half-open generation=1 at=1 since=0 reopenings=0 successes=0 last-probe=2 probes=0+1",
            "c1 half-open generation=1 at=1 since=0 reopenings=0 successes=0 last-probe=1 probes=1+0",
            "c1 half-open generation=1 at=1 since=0 reopenings=0 successes=0 last-probe=1 probes=1+86400000001",
            "c1 half-open generation=1 at=1 since=0 reopenings=0 successes=0 last-probe=1 probes=",
            "c1 half-open generation=1 at=1 since=0 reopenings=0 successes=0 failed=1 last-probe=1",
            "c2 half-open generation=1 at=1 since=0 reopenings=0 successes=0 failed=0 last-probe=1",
            "c2 half-open generation=1 at=1 since=0 reopenings=0 successes=0 last-probe=1",
            "c2 open generation=1 at=1 since=0 until=1 reopenings=0",
        ] {
            assert_eq!(Record::decode(text, 1_000_000_000), None, "{text}");
        }
        assert!(Record::decode("c1 closed generation=1 at=87400000000", 1_000_000_000).is_some());
    }
}
