//! Runs the conformance suite: `cargo xtask conformance` builds what it needs and starts it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use lexopt::prelude::*;
use tidegate_conformance::cases::{self, Case};
use tidegate_conformance::drivers::{Driver, Places};
use tidegate_conformance::generate;
use tidegate_conformance::protocol::Run;
use tidegate_conformance::samples;
use tidegate_conformance::verdict::{Failure, judge};
use tidegate_test_support::redis_server::RedisServer;

const HELP: &str = "\
Usage: conformance [--seed N] [--events N] [--driver NAME]... [--case NAME] [--list] [--log] [--logs DIR]

  --seed N       generate events by this seed; by default 1
  --events N     how many at least; by default 100000
  --driver NAME  hold only this driver to the Rust driver's logs; rust, typescript, python or raw
  --case NAME    run only the cases whose names contain this; samples are cases of the names samples/FILE:LINE
  --list         name the cases and run nothing
  --log          show the Rust driver's logs
  --logs DIR     keep the logs of each driver in DIR/DRIVER.log, to compare two versions by
";

/// How many failures are shown.
const SHOWN: usize = 20;

#[derive(Default)]
struct Options {
    seed: u64,
    events: u64,
    drivers: Vec<String>,
    case: Option<String>,
    list: bool,
    log: bool,
    logs: Option<PathBuf>,
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
    let samples = chosen_samples(&options, &places)?;
    ensure!(!cases.is_empty() || !generated.is_empty() || !samples.is_empty(), "no case is so called");
    if options.list {
        for case in &cases {
            println!("{}", case.name);
        }
        for sample in &samples {
            println!("samples/{}", sample.name);
        }
        println!("{} cases", cases.len());
        return Ok(true);
    }
    let mut drivers = chosen_drivers(&options, &places)?;
    let mut direct = places.direct();
    if let Some(folder) = &options.logs {
        keep_logs(folder, drivers.iter_mut().chain([&mut direct]))?;
    }
    if options.log {
        show_logs(&drivers[0], &cases, &generated)?;
    }
    Ok(run(&options, &Work { cases, generated, samples }, drivers, direct, &places))
}

/// What is to be done.
struct Work {
    cases: Vec<Case>,
    generated: Vec<Run>,
    samples: Vec<samples::Sample>,
}

/// The pages' samples: all, or those that were asked for; none where only some drivers are
/// wanted.
fn chosen_samples(options: &Options, places: &Places) -> Result<Vec<samples::Sample>> {
    let mut samples = samples::all(&places.suite.join("../.."))?;
    for language in ["rust", "ts", "python"] {
        ensure!(samples.iter().any(|sample| sample.language == language), "no page has a sample in {language}");
    }
    samples.retain(|sample| match &options.case {
        Some(name) => format!("samples/{}", sample.name).contains(name),
        None => options.drivers.is_empty(),
    });
    Ok(samples)
}

/// Executes samples, each against an empty server.
fn execute(samples: &[samples::Sample], places: &Places) -> Vec<Failure> {
    let execute = |sample: &samples::Sample| {
        let server = RedisServer::start().context("a sample needs Redis")?;
        sample.run(places, &server.url())
    };
    let mut failures = Vec::new();
    for sample in samples {
        if let Err(error) = execute(sample) {
            let (driver, case) = (sample.language.clone(), format!("samples/{}", sample.name));
            failures.push(Failure { driver, case, what: format!("{error:#}") });
        }
    }
    failures
}

fn options() -> Result<Option<Options>> {
    let mut options = Options { seed: 1, events: 100_000, ..Options::default() };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seed") => options.seed = parser.value()?.parse()?,
            Long("events") => options.events = parser.value()?.parse()?,
            Long("driver") => options.drivers.push(parser.value()?.string()?),
            Long("case") => options.case = Some(parser.value()?.string()?),
            Long("list") => options.list = true,
            Long("log") => options.log = true,
            Long("logs") => options.logs = Some(parser.value()?.into()),
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

/// Has drivers keep their logs in a folder, each in an empty file.
fn keep_logs<'d>(folder: &Path, drivers: impl Iterator<Item = &'d mut Driver>) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for driver in drivers {
        let path = folder.join(format!("{}.log", driver.name));
        std::fs::write(&path, "").with_context(|| format!("{} cannot be written", path.display()))?;
        driver.kept_in = Some(path);
    }
    Ok(())
}

fn show_logs(driver: &Driver, cases: &[Case], generated: &[Run]) -> Result<()> {
    let runs: Vec<Run> = cases.iter().flat_map(|case| case.runs.clone()).chain(generated.iter().cloned()).collect();
    driver.play(&runs, &mut |case, log| println!("{case}\n  {}", log.join("\n  ")))
}

/// Runs all, prints what it came to, and tells whether all is right.
fn run(options: &Options, work: &Work, drivers: Vec<Driver>, direct: Driver, places: &Places) -> bool {
    let started = Instant::now();
    let Work { cases, generated, samples } = work;
    let runs: Vec<Run> = cases.iter().flat_map(|case| case.runs.clone()).collect();
    let expected: HashMap<_, _> =
        cases.iter().flat_map(|case| case.runs.iter().map(|run| (run.case.clone(), case.expected.clone()))).collect();
    let mut parts = Vec::new();
    if !runs.is_empty() {
        parts.push((&runs[..], judge(&runs, &expected, &drivers)));
    }
    if !generated.is_empty() {
        let all: Vec<Driver> = drivers.into_iter().chain([direct]).collect();
        parts.push((generated, judge(generated, &HashMap::new(), &all)));
    }
    for (runs, verdict) in &parts {
        println!("{}\n", verdict.table(runs));
    }
    let verdicts = parts.into_iter().flat_map(|(_, verdict)| verdict.failures);
    let failures: Vec<Failure> = verdicts.chain(execute(samples, places)).collect();
    show(options, &failures);
    let events: usize = generated.iter().map(|run| run.steps.len()).sum();
    println!(
        "{} cases in {} runs, {events} events by seed {}, {} samples",
        cases.len(),
        runs.len(),
        options.seed,
        samples.len()
    );
    // The generated events count as one case.
    let all = cases.len() + samples.len() + usize::from(!generated.is_empty());
    summary(all, &failures, started);
    failures.is_empty()
}

/// The last line, which `cargo xtask test` counts.
fn summary(all: usize, failures: &[Failure], started: Instant) {
    let case = |failure: &Failure| match failure.case.split_once('/') {
        Some(("generated", _)) => "generated".to_owned(),
        _ => failure.case.split('@').next().unwrap_or_default().to_owned(),
    };
    let failed = failures.iter().map(case).collect::<std::collections::BTreeSet<_>>().len();
    let outcome = if failed == 0 { "ok" } else { "FAILED" };
    let (passed, seconds) = (all.saturating_sub(failed), started.elapsed().as_secs_f64());
    println!("\ntest result: {outcome}. {passed} passed; {failed} failed; 0 ignored; finished in {seconds:.2}s");
}

/// Shows what is wrong and how to see it again.
fn show(options: &Options, failures: &[Failure]) {
    for failure in failures.iter().take(SHOWN) {
        println!("{}: {}\n    {}", failure.driver, failure.case, failure.what);
        if failure.case != "*" {
            println!("    again: cargo xtask conformance {} --case '{}'", again(options, failure), failure.case);
        }
    }
    if failures.len() > SHOWN {
        println!("and {} more", failures.len() - SHOWN);
    }
}

/// What besides the case's name says how to see a failure again.
fn again(options: &Options, failure: &Failure) -> String {
    let driver =
        if failure.case.starts_with("samples/") { String::new() } else { format!(" --driver {}", failure.driver) };
    format!("--seed {}{driver}", options.seed)
}
