//! Runs the conformance suite: `cargo xtask conformance` builds what it needs and starts it.

use std::collections::HashMap;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use lexopt::prelude::*;
use tidegate_conformance::cases::{self, Case};
use tidegate_conformance::drivers::{Driver, Places};
use tidegate_conformance::generate;
use tidegate_conformance::protocol::Run;
use tidegate_conformance::verdict::{Verdict, judge};

const HELP: &str = "\
Usage: conformance [--seed N] [--events N] [--driver NAME]... [--case NAME] [--list] [--log]

  --seed N       generate events by this seed; by default 1
  --events N     how many at least; by default 100000
  --driver NAME  hold only this driver to the Rust driver's logs; rust, typescript, python or raw
  --case NAME    run only the cases whose names contain this
  --list         name the cases and run nothing
  --log          show the Rust driver's logs
";

/// How many failures are shown.
const SHOWN: usize = 20;

struct Options {
    seed: u64,
    events: u64,
    drivers: Vec<String>,
    case: Option<String>,
    list: bool,
    log: bool,
}

fn main() -> ExitCode {
    match conformance() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn conformance() -> Result<bool> {
    let Some(options) = options()? else {
        print!("{HELP}");
        return Ok(true);
    };
    let places = Places::find()?;
    let cases = chosen(&options, cases::read_all(&places.suite.join("cases"))?);
    let generated = generated(&options);
    ensure!(!cases.is_empty() || !generated.is_empty(), "no case is so called");
    if options.list {
        cases.iter().for_each(|case| println!("{}", case.name));
        println!("{} cases", cases.len());
        return Ok(true);
    }
    let drivers = chosen_drivers(&options, &places)?;
    if options.log {
        show_logs(&drivers[0], &cases, &generated)?;
    }
    Ok(run(&options, &cases, &generated, drivers, &places))
}

fn options() -> Result<Option<Options>> {
    let mut options = Options { seed: 1, events: 100_000, drivers: Vec::new(), case: None, list: false, log: false };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seed") => options.seed = parser.value()?.parse()?,
            Long("events") => options.events = parser.value()?.parse()?,
            Long("driver") => options.drivers.push(parser.value()?.string()?),
            Long("case") => options.case = Some(parser.value()?.string()?),
            Long("list") => options.list = true,
            Long("log") => options.log = true,
            Long("help") | Short('h') => return Ok(None),
            other => bail!(other.unexpected()),
        }
    }
    Ok(Some(options))
}

fn chosen(options: &Options, mut cases: Vec<Case>) -> Vec<Case> {
    if let Some(name) = &options.case {
        // The name of a run is that of its case with the store.
        cases.retain(|case| case.name.contains(name) || case.runs.iter().any(|run| run.case == *name));
    }
    cases
}

/// All generated runs, or the one that was asked for.
fn generated(options: &Options) -> Vec<Run> {
    let count = options.events.div_ceil(generate::CALLS as u64);
    let Some(name) = &options.case else { return (0..count).map(|index| generate::run(options.seed, index)).collect() };
    let index = name.strip_prefix("generated/").and_then(|rest| rest.rsplit('/').next()?.parse().ok());
    index.map(|index| generate::run(options.seed, index)).into_iter().collect()
}

/// The Rust driver, which all others are compared with, and those that were asked for.
fn chosen_drivers(options: &Options, places: &Places) -> Result<Vec<Driver>> {
    let all = places.drivers();
    for name in &options.drivers {
        ensure!(all.iter().any(|driver| driver.name == *name), "there is no driver {name:?}");
    }
    let is_chosen =
        |driver: &Driver| options.drivers.is_empty() || driver.name == "rust" || options.drivers.contains(&driver.name);
    Ok(all.into_iter().filter(is_chosen).collect())
}

fn show_logs(driver: &Driver, cases: &[Case], generated: &[Run]) -> Result<()> {
    let runs: Vec<Run> = cases.iter().flat_map(|case| case.runs.clone()).chain(generated.iter().cloned()).collect();
    driver.play(&runs, &mut |case, log| println!("{case}\n  {}", log.join("\n  ")))
}

/// Runs all, prints what it came to, and tells whether all is right.
fn run(options: &Options, cases: &[Case], generated: &[Run], drivers: Vec<Driver>, places: &Places) -> bool {
    let started = Instant::now();
    let runs: Vec<Run> = cases.iter().flat_map(|case| case.runs.clone()).collect();
    let expected: HashMap<_, _> =
        cases.iter().flat_map(|case| case.runs.iter().map(|run| (run.case.clone(), case.expected.clone()))).collect();
    let mut parts = Vec::new();
    if !runs.is_empty() {
        parts.push((&runs[..], judge(&runs, &expected, &drivers)));
    }
    if !generated.is_empty() {
        let all: Vec<Driver> = drivers.into_iter().chain([places.direct()]).collect();
        parts.push((generated, judge(generated, &HashMap::new(), &all)));
    }
    for (runs, verdict) in &parts {
        println!("{}\n", verdict.table(runs));
        show(options, verdict);
    }
    let failed: usize = parts.iter().map(|(_, verdict)| verdict.failures.len()).sum();
    let events: usize = generated.iter().map(|run| run.steps.len()).sum();
    let passed = cases.len() + usize::from(!generated.is_empty());
    println!("{} cases in {} runs, and {events} events by seed {}", cases.len(), runs.len(), options.seed);
    let (outcome, passed) = if failed == 0 { ("ok", passed) } else { ("FAILED", passed.saturating_sub(failed)) };
    let seconds = started.elapsed().as_secs_f64();
    println!("\ntest result: {outcome}. {passed} passed; {failed} failed; 0 ignored; finished in {seconds:.2}s");
    failed == 0
}

/// Shows what is wrong and how to see it again.
fn show(options: &Options, verdict: &Verdict) {
    for failure in verdict.failures.iter().take(SHOWN) {
        println!("{}: {}\n    {}", failure.driver, failure.case, failure.what);
        if failure.case != "*" {
            let seed = options.seed;
            println!(
                "    again: cargo xtask conformance --seed {seed} --driver {} --case '{}'",
                failure.driver, failure.case
            );
        }
    }
    if verdict.failures.len() > SHOWN {
        println!("and {} more", verdict.failures.len() - SHOWN);
    }
}
