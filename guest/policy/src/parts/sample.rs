//! The calls that rates are taken over: the last N, or those of a window of time.

use alloc::collections::VecDeque;
use alloc::string::String;
use core::fmt::Write;

use crate::text::{Words, number, small};

/// A call that counts.
/// The most failures, calls or probes that a cell holds.
pub(crate) const MAX_REMEMBERED: u32 = 1_000;

/// Which calls the rates are taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// Calls whose outcome came in the last N milliseconds; 100 to 86,400,000. Slides in
    /// steps of a tenth.
    WindowMs(u64),
    /// The last N calls; 1 to 1,000.
    Calls(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) failed: bool,
    pub(crate) slow: bool,
    /// Nobody waited for the end of it, so it ends no row of failures. A sample does not tell it
    /// from a success.
    pub(crate) given_up: bool,
}

/// Sums over calls. They saturate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    pub(crate) calls: u32,
    pub(crate) failed: u32,
    pub(crate) slow: u32,
}

impl Tally {
    fn add(&mut self, outcome: Outcome, calls: u32) {
        self.calls = self.calls.saturating_add(calls);
        self.failed = self.failed.saturating_add(if outcome.failed { calls } else { 0 });
        self.slow = self.slow.saturating_add(if outcome.slow { calls } else { 0 });
    }

    fn plus(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            failed: self.failed.saturating_add(other.failed),
            slow: self.slow.saturating_add(other.slow),
        }
    }
}

/// What is remembered of the calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Recent {
    /// Nothing: no rule asks for it.
    Nothing,
    /// The last N calls.
    Calls(LastCalls),
    /// The calls of a window of time.
    Window(Window),
}

impl Recent {
    /// An empty sample of this kind.
    pub(crate) fn empty(sample: Option<Sample>) -> Self {
        match sample {
            None => Self::Nothing,
            Some(Sample::Calls(most)) => Self::Calls(LastCalls { most, runs: VecDeque::new() }),
            Some(Sample::WindowMs(window_ms)) => Self::Window(Window::empty(window_ms)),
        }
    }

    /// This sample as one of the kind that is asked for now: empty where it was taken in another
    /// way.
    pub(crate) fn adapted(self, sample: Option<Sample>) -> Self {
        match (Self::empty(sample), self) {
            (Self::Calls(wanted), Self::Calls(mut found)) => {
                found.most = wanted.most;
                found.trim();
                Self::Calls(found)
            }
            (Self::Window(wanted), Self::Window(found)) if wanted.step_us == found.step_us => Self::Window(found),
            (wanted, _) => wanted,
        }
    }

    /// Forgets what is too old by now.
    pub(crate) fn slide(&mut self, now_us: u64) {
        if let Self::Window(window) = self {
            window.slide(now_us);
        }
    }

    /// Adds a call whose outcome came now; false: nothing is remembered.
    pub(crate) fn add(&mut self, outcome: Outcome, now_us: u64) -> bool {
        let outcome = Outcome { given_up: false, ..outcome };
        match self {
            Self::Nothing => return false,
            Self::Calls(calls) => calls.add(outcome),
            Self::Window(window) => {
                window.slide(now_us);
                window.steps[0].add(outcome, 1);
            }
        }
        true
    }

    /// The sums over the sample.
    pub(crate) fn tally(&self) -> Tally {
        match self {
            Self::Nothing => Tally::default(),
            Self::Calls(calls) => calls.tally(),
            Self::Window(window) => window.steps.iter().fold(Tally::default(), |sum, step| sum.plus(*step)),
        }
    }

    /// Appends the sample as a word; nothing where it is empty.
    pub(crate) fn encode(&self, text: &mut String) {
        match self {
            Self::Calls(calls) if !calls.runs.is_empty() => calls.encode(text),
            Self::Window(window) if self.tally().calls > 0 => window.encode(text),
            _ => {}
        }
    }

    /// Reads what [`Self::encode`] wrote up to `at_us`. `None`: that is not ours.
    pub(crate) fn decode(words: &mut Words<'_>, at_us: u64) -> Option<Self> {
        if let Some(text) = words.optional("calls") {
            LastCalls::decode(text).map(Self::Calls)
        } else if let Some(text) = words.optional("window") {
            Window::decode(text, at_us).map(Self::Window)
        } else {
            Some(Self::Nothing)
        }
    }
}

/// The last calls, as runs of equal outcomes: `o12f3` is 12 good calls and then 3 failed ones. `s`
/// is slow, `b` both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LastCalls {
    most: u32,
    runs: VecDeque<(Outcome, u32)>,
}

impl LastCalls {
    fn add(&mut self, outcome: Outcome) {
        match self.runs.back_mut() {
            Some((last, calls)) if *last == outcome => *calls += 1,
            _ => self.runs.push_back((outcome, 1)),
        }
        self.trim();
    }

    fn trim(&mut self) {
        let mut surplus = self.tally().calls.saturating_sub(self.most);
        while let Some((_, calls)) = self.runs.front_mut().filter(|_| surplus > 0) {
            let taken = surplus.min(*calls);
            *calls -= taken;
            surplus -= taken;
            if *calls == 0 {
                self.runs.pop_front();
            }
        }
    }

    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        self.runs.iter().for_each(|(outcome, calls)| tally.add(*outcome, *calls));
        tally
    }

    fn encode(&self, text: &mut String) {
        text.push_str(" calls=");
        for (outcome, calls) in &self.runs {
            text.push(letter(*outcome));
            if *calls > 1 {
                let _ = write!(text, "{calls}");
            }
        }
    }

    fn decode(text: &str) -> Option<Self> {
        let mut last = Self { most: MAX_REMEMBERED, runs: VecDeque::new() };
        let (mut rest, mut room) = (text, MAX_REMEMBERED);
        while let Some(letter) = rest.chars().next() {
            let digits = &rest[letter.len_utf8()..];
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            let calls = if end == 0 { 1 } else { small(&digits[..end])? };
            room = room.checked_sub(calls).filter(|_| calls > 0)?;
            last.runs.push_back((outcome(letter)?, calls));
            rest = &digits[end..];
        }
        (!last.runs.is_empty()).then_some(last)
    }
}

fn letter(outcome: Outcome) -> char {
    match (outcome.failed, outcome.slow) {
        (false, false) => 'o',
        (true, false) => 'f',
        (false, true) => 's',
        (true, true) => 'b',
    }
}

fn outcome(letter: char) -> Option<Outcome> {
    let (failed, slow) = match letter {
        'o' => (false, false),
        'f' => (true, false),
        's' => (false, true),
        'b' => (true, true),
        _ => return None,
    };
    Some(Outcome { failed, slow, given_up: false })
}

const STEPS: usize = 10;

/// The calls of a window of time in ten steps, the newest first: `window=<length of a step in
/// microseconds>@<number of the newest step since 1970>:<calls>/<failed>/<slow>,...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    step_us: u64,
    newest: u64,
    steps: [Tally; STEPS],
}

impl Window {
    fn empty(window_ms: u64) -> Self {
        let step_us = window_ms.saturating_mul(1_000) / STEPS as u64;
        Self { step_us: step_us.max(1), newest: 0, steps: [Tally::default(); STEPS] }
    }

    fn slide(&mut self, now_us: u64) {
        let passed = (now_us / self.step_us).saturating_sub(self.newest);
        self.newest += passed;
        let left = usize::try_from(passed).map_or(STEPS, |passed| passed.min(STEPS));
        self.steps.rotate_right(left);
        self.steps[..left].fill(Tally::default());
    }

    fn encode(&self, text: &mut String) {
        let _ = write!(text, " window={}@{}:", self.step_us, self.newest);
        let used = self.steps.iter().rposition(|step| step.calls > 0).map_or(0, |last| last + 1);
        for (index, step) in self.steps[..used].iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let _ = write!(text, "{comma}{}/{}/{}", step.calls, step.failed, step.slow);
        }
    }

    fn decode(text: &str, at_us: u64) -> Option<Self> {
        let (head, list) = text.split_once(':')?;
        let (step_us, newest) = head.split_once('@')?;
        let (step_us, newest) = (number(step_us)?, number(newest)?);
        if step_us == 0 || newest > at_us / step_us {
            return None;
        }
        let mut window = Self { step_us, newest, steps: [Tally::default(); STEPS] };
        for (index, step) in list.split(',').enumerate() {
            *window.steps.get_mut(index)? = decode_step(step)?;
        }
        Some(window)
    }
}

fn decode_step(text: &str) -> Option<Tally> {
    let mut parts = text.split('/').map(small);
    let tally = Tally { calls: parts.next()??, failed: parts.next()??, slow: parts.next()?? };
    let plausible = parts.next().is_none() && tally.failed <= tally.calls && tally.slow <= tally.calls;
    plausible.then_some(tally)
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use proptest::prelude::*;

    use super::{Outcome, Recent, Sample, Tally};
    use crate::text::Words;

    const GOOD: Outcome = Outcome { failed: false, slow: false, given_up: false };
    const FAILED: Outcome = Outcome { failed: true, ..GOOD };

    fn encoded(recent: &Recent) -> String {
        let mut text = String::new();
        recent.encode(&mut text);
        text
    }

    fn decode(text: &str, at_us: u64) -> Option<Recent> {
        Recent::decode(&mut Words::of(text)?, at_us)
    }

    #[test]
    fn the_oldest_call_leaves_when_the_sample_is_full() {
        let mut recent = Recent::empty(Some(Sample::Calls(3)));
        for outcome in [FAILED, GOOD, GOOD, FAILED] {
            recent.add(outcome, 0);
        }
        assert_eq!(encoded(&recent), " calls=o2f");
        assert_eq!(recent.tally(), Tally { calls: 3, failed: 1, slow: 0 });
    }

    #[test]
    fn the_oldest_step_leaves_whole() {
        let mut recent = Recent::empty(Some(Sample::WindowMs(1_000)));
        recent.add(FAILED, 5_099_999);
        recent.add(GOOD, 5_100_000);
        assert_eq!(encoded(&recent), " window=100000@51:1/0/0,1/1/0");
        recent.slide(5_999_999);
        assert_eq!(recent.tally().calls, 2);
        recent.slide(6_000_000);
        assert_eq!(recent.tally(), Tally { calls: 1, failed: 0, slow: 0 });
        recent.slide(6_100_000);
        assert_eq!(encoded(&recent), "");
    }

    #[test]
    fn a_sample_taken_in_another_way_counts_as_empty() {
        let mut recent = Recent::empty(Some(Sample::WindowMs(1_000)));
        recent.add(GOOD, 1);
        assert_eq!(recent.clone().adapted(Some(Sample::WindowMs(1_000))).tally().calls, 1);
        assert_eq!(recent.clone().adapted(Some(Sample::WindowMs(2_000))).tally().calls, 0);
        assert_eq!(recent.clone().adapted(Some(Sample::Calls(10))).tally().calls, 0);
        assert_eq!(recent.adapted(None), Recent::Nothing);
    }

    #[test]
    fn refuses_implausible_text() {
        for text in [
            "calls=",
            "calls=x",
            "calls=o0",
            "calls=o01",
            "calls=o1001",
            "calls=o999f2",
            "calls=é",
            "calls=3",
            "calls=o99999999999999999999",
            "window=",
            "window=1@2",
            "window=0@0:1/0/0",
            "window=10@11:1/0/0",
            "window=10@5:1/2/0",
            "window=10@5:1/0/2",
            "window=10@5:1/0",
            "window=10@5:1/0/0/0",
            "window=10@5:",
            "window=1@1:0/0/0,0/0/0,0/0/0,0/0/0,0/0/0,0/0/0,0/0/0,0/0/0,0/0/0,0/0/0,1/0/0",
        ] {
            assert_eq!(decode(text, 100), None, "{text}");
        }
    }

    fn outcome() -> impl Strategy<Value = Outcome> {
        any::<(bool, bool)>().prop_map(|(failed, slow)| Outcome { failed, slow, given_up: false })
    }

    proptest! {
        #[test]
        fn samples_survive_their_text(
            window in any::<bool>(),
            calls in prop::collection::vec((outcome(), 0..400_u64), 1..300),
        ) {
            let sample = if window { Sample::WindowMs(100) } else { Sample::Calls(150) };
            let mut recent = Recent::empty(Some(sample));
            let mut now_us = 1_000_000;
            for (outcome, passed_us) in calls {
                now_us += passed_us;
                recent.add(outcome, now_us);
            }
            let text = encoded(&recent);
            let read = decode(text.trim_start(), now_us).map(|read| read.adapted(Some(sample)));
            prop_assert_eq!(read, Some(recent), "{}", text);
        }
    }
}
