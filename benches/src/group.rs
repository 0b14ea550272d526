//! Works that are shown beside each other, and how they are timed.

use std::time::{Duration, Instant};

use crate::settings::Settings;

/// How many times a work is first done to find out how long it takes.
const FIRST_COUNT: u64 = 64;

type Run<'a> = Box<dyn FnMut(u64) -> Duration + 'a>;
type Remark<'a> = Box<dyn Fn() -> String + 'a>;

/// Works that are shown beside each other. They are measured in turns, so that whatever else the
/// machine does meets them alike.
pub struct Group<'a> {
    title: String,
    works: Vec<Work<'a>>,
}

struct Work<'a> {
    name: String,
    /// Whether the others are held against it.
    is_beside: bool,
    /// Does the work this many times and tells how long that took.
    run: Run<'a>,
    budgets: Vec<Budget>,
    remark: Option<Remark<'a>>,
}

/// The most that a work may take of what a floor or a peer takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// The ratio of times.
    pub most: f64,
    /// The floor or peer.
    pub of: &'static str,
}

/// What came of a group.
#[derive(Debug)]
pub struct Measured {
    /// The group's title.
    pub title: String,
    /// One for each work.
    pub lines: Vec<Line>,
}

/// What came of a work.
#[derive(Debug)]
pub struct Line {
    /// The work's name.
    pub name: String,
    /// The median time of doing it once, in nanoseconds.
    pub ns: f64,
    /// The floors and peers, and the median of its time over theirs of the same turn.
    pub ratios: Vec<(String, f64)>,
    /// What it is held to.
    pub budgets: Vec<Budget>,
    /// What else there is to say.
    pub remark: Option<String>,
}

impl<'a> Group<'a> {
    /// An empty group.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), works: Vec::new() }
    }

    /// Adds a floor or a peer, against which the other works are held. `run` does it this many
    /// times and tells how long that took.
    #[must_use]
    pub fn beside(self, name: &str, run: impl FnMut(u64) -> Duration + 'a) -> Self {
        self.add(name, true, Box::new(run))
    }

    /// Adds a work. `run` does it this many times and tells how long that took.
    #[must_use]
    pub fn work(self, name: &str, run: impl FnMut(u64) -> Duration + 'a) -> Self {
        self.add(name, false, Box::new(run))
    }

    /// Holds the work that was added last to a budget.
    #[must_use]
    pub fn at_most(mut self, most: f64, of: &'static str) -> Self {
        if let Some(work) = self.works.last_mut() {
            work.budgets.push(Budget { most, of });
        }
        self
    }

    /// Says something about the work that was added last, once all is measured.
    #[must_use]
    pub fn remark(mut self, remark: impl Fn() -> String + 'a) -> Self {
        if let Some(work) = self.works.last_mut() {
            work.remark = Some(Box::new(remark));
        }
        self
    }

    /// Measures all works.
    pub fn measure(mut self, settings: &Settings) -> Measured {
        eprintln!("measuring {}", self.title);
        self.works.retain(|work| settings.wants_by(&work.name));
        let counts: Vec<u64> = self.works.iter_mut().map(|work| work.enough(settings.sample())).collect();
        let mut samples = vec![Vec::new(); self.works.len()];
        for _ in 0..settings.samples() {
            for (index, work) in self.works.iter_mut().enumerate() {
                samples[index].push(per_one(work.run.as_mut()(counts[index]), counts[index]));
            }
        }
        let lines = (0..self.works.len()).map(|index| self.line(index, &samples)).collect();
        Measured { title: self.title, lines }
    }

    fn line(&self, index: usize, samples: &[Vec<f64>]) -> Line {
        let work = &self.works[index];
        let beside = |other: &usize| *other != index && self.works[*other].is_beside;
        let ratio = |other: usize| {
            let turns = samples[index].iter().zip(&samples[other]).map(|(ns, other)| ns / other);
            (self.works[other].name.clone(), median(turns.collect()))
        };
        Line {
            name: work.name.clone(),
            ns: median(samples[index].clone()),
            ratios: (0..self.works.len()).filter(beside).map(ratio).collect(),
            budgets: work.budgets.clone(),
            remark: work.remark.as_ref().map(|remark| remark()),
        }
    }

    fn add(mut self, name: &str, is_beside: bool, run: Run<'a>) -> Self {
        let name = name.to_owned();
        self.works.push(Work { name, is_beside, run, budgets: Vec::new(), remark: None });
        self
    }
}

impl Work<'_> {
    /// How many times to do it for a sample to be long enough. Approached in steps, which warms up
    /// as well.
    fn enough(&mut self, sample: Duration) -> u64 {
        let mut count = FIRST_COUNT;
        loop {
            let took = self.run.as_mut()(count);
            if took >= sample {
                return count;
            }
            let wanted = sample.as_nanos() * 6 / 5 * u128::from(count) / took.as_nanos().max(1);
            count = u64::try_from(wanted).unwrap_or(u64::MAX).clamp(count + 1, count.saturating_mul(100));
        }
    }
}

/// Does a work this many times, one after the other, and tells how long that took.
pub fn timed(count: u64, mut work: impl FnMut()) -> Duration {
    let start = Instant::now();
    for _ in 0..count {
        work();
    }
    start.elapsed()
}

#[expect(clippy::cast_precision_loss, reason = "nobody reads that many digits")]
fn per_one(took: Duration, count: u64) -> f64 {
    took.as_nanos() as f64 / count as f64
}

fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_of_times_of_the_same_turn() {
        let settings = Settings { quick: true, ..Settings::default() };
        let clock = std::cell::Cell::new(1);
        let slower = || {
            clock.set(clock.get() + 1);
            clock.get()
        };
        // Both get slower with every turn, as on a machine that is shared.
        let group = Group::new("a group")
            .beside("floor", |count| Duration::from_millis(slower() * count))
            .work("work", |count| Duration::from_millis(3 * clock.get() * count))
            .at_most(4.0, "floor");
        let measured = group.measure(&settings);
        assert_eq!(measured.lines[1].ratios, [("floor".to_owned(), 3.0)]);
        assert!(measured.lines[0].ratios.is_empty());
    }
}
