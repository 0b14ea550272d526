//! Runs simulated fleets that try to break what Tidegate promises.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use lexopt::prelude::*;
use tidegate_simulation::mutants::{self, Mutant};
use tidegate_simulation::run::{self, Trial};
use tidegate_simulation::scenario::Cuts;
use tidegate_simulation::shrink::Failure;
use tidegate_simulation::{flaw, generate, mutant, random};

const HELP: &str = "\
Runs simulated fleets that try to break what Tidegate promises.

  --seeds N            run this many fleets, by the seeds 0 to N - 1 (default 200)
  --first S            start with another seed than 0; `random` takes one that the clock gives
  --go-on              do not stop at a fleet that breaks a promise
  --seed S             run the fleet of this seed only
  --without-hosts L    leave out the hosts of these numbers: 0,2
  --without-actors L   leave out actors
  --without-faults L   leave out faults
  --calls N            at most this many calls of each actor
  --record             print what was observed
  --flaw NAME          with a store or a ledger that is wrong
  --mutant NAME        with a policy that is wrong
  --mutants FILE       the component that holds the wrong policies; `cargo xtask simulate` builds it
  --prove              show for each flaw and mutant the first seed that catches it
";

#[derive(Default)]
struct Arguments {
    first: u64,
    goes_on: bool,
    seeds: Option<u64>,
    cuts: Cuts,
    record: bool,
    prove: bool,
    flaw: Option<String>,
    mutant: Option<String>,
    mutants: Option<PathBuf>,
}

fn main() -> ExitCode {
    match parse().and_then(|arguments| arguments.map_or(Ok(true), |arguments| simulate(&arguments))) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn parse() -> Result<Option<Arguments>> {
    let mut arguments = Arguments::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seeds") => arguments.seeds = Some(parser.value()?.parse()?),
            Long("first") => arguments.first = first(&parser.value()?.string()?)?,
            Long("go-on") => arguments.goes_on = true,
            Long("seed") => (arguments.first, arguments.seeds) = (parser.value()?.parse()?, Some(1)),
            Long("without-hosts") => arguments.cuts.hosts = list(&parser.value()?.string()?)?,
            Long("without-actors") => arguments.cuts.actors = list(&parser.value()?.string()?)?,
            Long("without-faults") => arguments.cuts.faults = list(&parser.value()?.string()?)?,
            Long("calls") => arguments.cuts.calls = parser.value()?.parse()?,
            Long("record") => arguments.record = true,
            Long("prove") => arguments.prove = true,
            Long("flaw") => arguments.flaw = Some(parser.value()?.string()?),
            Long("mutant") => arguments.mutant = Some(parser.value()?.string()?),
            Long("mutants") => arguments.mutants = Some(parser.value()?.into()),
            Long("help") | Short('h') => {
                print!("{HELP}");
                return Ok(None);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(arguments))
}

fn first(text: &str) -> Result<u64> {
    if text == "random" {
        Ok(random::seed_of_now())
    } else {
        text.parse().with_context(|| format!("{text:?} is no seed"))
    }
}

fn list(text: &str) -> Result<BTreeSet<usize>> {
    text.split(',').map(|part| part.parse().with_context(|| format!("{part:?} is not a number"))).collect()
}

/// Whether all promises were kept.
fn simulate(arguments: &Arguments) -> Result<bool> {
    let seeds = arguments.seeds.unwrap_or(200);
    if arguments.prove {
        return prove(arguments, arguments.seeds.unwrap_or(3_000));
    }
    let (trial, extra) = trial(arguments)?;
    let (started, mut fleets, mut calls, mut broken) = (Instant::now(), 0, 0, 0);
    let first = arguments.first;
    println!("seeds {first} to {}", first + seeds - 1);
    for seed in first..first + seeds {
        let scenario = generate::scenario(seed).cut(&arguments.cuts);
        if arguments.record {
            print!("{}", run::run(scenario.clone(), &trial).text());
        }
        let record = run::run(scenario, &trial);
        (fleets, calls) = (fleets + 1, calls + record.calls.len());
        if let Some(violation) = tidegate_simulation::checks::check(&record).into_iter().next() {
            let failure = Failure { scenario: record.scenario, violation }.shrunk(&trial);
            print!("seed {seed}, {}", failure.report(&extra));
            broken += 1;
            if !arguments.goes_on {
                break;
            }
        }
    }
    let promises = if broken == 0 { "no promise".to_owned() } else { format!("a promise in {broken}") };
    println!("{fleets} fleets made {calls} calls in {:.1} s and broke {promises}", started.elapsed().as_secs_f64());
    Ok(broken == 0)
}

/// What is put to the test, and the arguments that say so.
fn trial(arguments: &Arguments) -> Result<(Trial, String)> {
    let mut trial = Trial::default();
    if let Some(name) = &arguments.flaw {
        trial.flaw = Some(flaw::named(name).with_context(|| format!("there is no flaw {name:?}"))?);
        return Ok((trial, format!(" --flaw {name}")));
    }
    let Some(name) = &arguments.mutant else { return Ok((trial, String::new())) };
    trial.component = Some(mutant::in_force(&component(arguments)?, name)?);
    Ok((trial, format!(" --mutant {name}")))
}

fn component(arguments: &Arguments) -> Result<Vec<u8>> {
    let Some(file) = &arguments.mutants else { bail!("--mutants must name the component that holds the mutants") };
    std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))
}

/// Whether every flaw and mutant is caught.
fn prove(arguments: &Arguments, seeds: u64) -> Result<bool> {
    let component = component(arguments)?;
    let flaws = flaw::FLAWS.iter().map(|(name, flaw)| (*name, Ok(Trial { flaw: Some(*flaw), ..Trial::default() })));
    let mutants = mutants::all().filter(|mutant| !mutant.needs_places).map(|Mutant { name, .. }| {
        let component = mutant::in_force(&component, name);
        (*name, component.map(|component| Trial { component: Some(component), ..Trial::default() }))
    });
    let mut all = true;
    for (name, trial) in flaws.chain(mutants) {
        let trial = trial?;
        let caught = (0..seeds).find_map(|seed| Failure::find(generate::scenario(seed), &trial));
        all &= caught.is_some();
        let outcome = caught.map(|failure| format!("seed {:<6} {}", failure.scenario.seed, failure.violation.promise));
        println!("{name:<32} {}", outcome.unwrap_or_else(|| format!("not caught in {seeds} seeds")));
    }
    Ok(all)
}
