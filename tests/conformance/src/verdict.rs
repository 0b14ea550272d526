//! Compares the logs of all drivers and tells what is wrong.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::cases::Expected;
use crate::drivers::Driver;
use crate::expect;
use crate::protocol::Run;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The driver.
    pub driver: String,
    /// The run, or `*`: all.
    pub case: String,
    /// What.
    pub what: String,
}

/// What one driver came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Column {
    /// The driver.
    pub driver: String,
    /// The runs whose logs are right.
    pub right: Vec<String>,
    /// Answers in all its logs.
    pub answers: usize,
}

/// What all came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Driver by driver.
    pub columns: Vec<Column>,
    /// All that is wrong.
    pub failures: Vec<Failure>,
}

type Logs = HashMap<String, Vec<String>>;

/// What cases expect, by their names.
pub type Expectations = HashMap<String, Expected>;

/// Plays all runs on all drivers. The first driver's logs are what the others must have; every log
/// must show what is expected; every driver must report every run once.
///
/// # Panics
/// If judging one of them does.
pub fn judge(runs: &[Run], expected: &Expectations, drivers: &[Driver]) -> Verdict {
    let Some((reference, others)) = drivers.split_first() else { return Verdict::default() };
    let mut logs = Logs::new();
    let mut verdict =
        judge_one(reference, runs, expected, None, &mut |case, log| drop(logs.insert(case.to_owned(), log)));
    let logs = &logs;
    let verdicts = std::thread::scope(|scope| {
        let judged = |driver| scope.spawn(move || judge_one(driver, runs, expected, Some(logs), &mut |_, _| {}));
        let threads: Vec<_> = others.iter().map(judged).collect();
        threads.into_iter().map(|thread| thread.join().expect("judging does not panic")).collect::<Vec<_>>()
    });
    for other in verdicts {
        verdict.columns.extend(other.columns);
        verdict.failures.extend(other.failures);
    }
    verdict
}

fn judge_one(
    driver: &Driver,
    runs: &[Run],
    expected: &Expectations,
    reference: Option<&Logs>,
    keep: &mut dyn FnMut(&str, Vec<String>),
) -> Verdict {
    let mut column = Column { driver: driver.name.clone(), ..Column::default() };
    let mut open: HashMap<&str, &Run> = runs.iter().map(|run| (run.case.as_str(), run)).collect();
    let mut failures = Vec::new();
    let mut fail = |case: &str, what: String| {
        failures.push(Failure { driver: driver.name.clone(), case: case.to_owned(), what });
    };
    let played = driver.play(runs, &mut |case, log| {
        let Some(run) = open.remove(case) else {
            return fail(case, "it was not asked for, or is reported twice".to_owned());
        };
        column.answers += log.iter().filter(|line| line.starts_with("{\"step\":")).count();
        if let Err(error) = driver.keep(case, &log) {
            fail(case, format!("{error:#}"));
        }
        let differs = reference.and_then(|logs| differs(logs.get(case), &log));
        match differs.or_else(|| wrong(run, &log, expected.get(case))) {
            Some(what) => fail(case, what),
            None => column.right.push(case.to_owned()),
        }
        keep(case, log);
    });
    if let Err(error) = played {
        fail("*", format!("{error:#}"));
    }
    let mut missing: Vec<&str> = open.into_keys().collect();
    missing.sort_unstable();
    for case in missing {
        fail(case, "it is not reported".to_owned());
    }
    Verdict { columns: vec![column], failures }
}

/// How a log differs from that of the first driver.
fn differs(reference: Option<&Vec<String>>, log: &[String]) -> Option<String> {
    match reference {
        None => Some("there is no log to compare it with".to_owned()),
        Some(reference) => (reference != log).then(|| difference(reference, log)),
    }
}

/// What is wrong with a log.
fn wrong(run: &Run, log: &[String], expected: Option<&Expected>) -> Option<String> {
    let opened = |line: &String| line.starts_with("{\"open\":") && line.ends_with("\"problems\":[]}");
    match expected {
        Some(expected) => {
            let misses = expect::misses(expected, log);
            (!misses.is_empty()).then(|| misses.join("\n    "))
        }
        // Of a generated case it is known that its settings are valid and that each call has an
        // answer.
        None if log.len() != run.policies.len() + run.steps.len() || !log.first().is_some_and(opened) => {
            Some(format!("its log has {} lines, first {:?}", log.len(), log.first()))
        }
        None => None,
    }
}

/// The first line in which two logs differ.
fn difference(reference: &[String], log: &[String]) -> String {
    let at = reference.iter().zip(log).take_while(|(one, other)| one == other).count();
    let line = |log: &[String]| log.get(at).cloned().unwrap_or_else(|| "(nothing)".to_owned());
    format!("line {} is\n      {}\n    and in the first driver's log\n      {}", at + 1, line(log), line(reference))
}

impl Verdict {
    /// A table of groups of cases by drivers: how many are right, of how many.
    pub fn table(&self, runs: &[Run]) -> String {
        let group = |case: &str| case.split('/').next().unwrap_or_default().to_owned();
        let mut groups: Vec<String> = runs.iter().map(|run| group(&run.case)).collect();
        groups.dedup();
        let mut table = format!("{:<18}{:>8}", "runs of", "all");
        for column in &self.columns {
            let _ = write!(table, "{:>13}", column.driver);
        }
        for name in groups {
            let of_group = |cases: &mut dyn Iterator<Item = &String>| cases.filter(|case| group(case) == name).count();
            let _ = write!(table, "\n{name:<18}{:>8}", of_group(&mut runs.iter().map(|run| &run.case)));
            for column in &self.columns {
                let _ = write!(table, "{:>13}", of_group(&mut column.right.iter()));
            }
        }
        let _ = write!(table, "\n{:<18}{:>8}", "answers", "");
        for column in &self.columns {
            let _ = write!(table, "{:>13}", column.answers);
        }
        table
    }
}
