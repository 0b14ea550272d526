//! A run follows from its seed alone, and a failure can be seen again.

use std::process::{Command, Output};

use tidegate_simulation::generate;
use tidegate_simulation::run::{Trial, run};

fn simulate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_simulate")).args(arguments).output().expect("the simulation starts")
}

#[test]
fn the_same_seed_gives_the_same_run_byte_for_byte() {
    for seed in 0..60 {
        let [first, second] = [(); 2].map(|()| run(generate::scenario(seed), &Trial::default()).text());
        assert!(first == second, "seed {seed} gives two runs");
    }
}

#[test]
fn another_process_gives_the_same_run_byte_for_byte() {
    let [first, second] = [(); 2].map(|()| simulate(&["--seed", "9", "--record"]));
    assert!(first.status.success() && first.stdout.len() > 10_000);
    // The last line tells how long it took.
    let record = |output: &Output| {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().filter(|line| !line.contains("broke no promise")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(record(&first) == record(&second));
}

#[test]
fn different_seeds_give_different_runs() {
    let text = |seed| run(generate::scenario(seed), &Trial::default()).text();
    assert_ne!(text(1), text(2));
}

#[test]
fn a_failure_prints_a_smaller_scenario_and_the_command_that_replays_it() {
    let failed = simulate(&["--seeds", "50", "--flaw", "counts-once"]);
    assert_eq!(failed.status.code(), Some(1));
    let report = String::from_utf8_lossy(&failed.stdout);
    let command = report.lines().find_map(|line| line.strip_prefix("replay: cargo xtask simulate "));
    let command = command.expect("the report holds a command");
    assert!(command.contains("--without-"), "{report}");
    let replayed = simulate(&command.split(' ').collect::<Vec<_>>());
    assert_eq!(replayed.status.code(), Some(1));
    let broken =
        |text: &str| text.lines().find_map(|line| line.split_once("broken: ")).map(|(_, what)| what.to_owned());
    assert_eq!(broken(&String::from_utf8_lossy(&replayed.stdout)), broken(&report));
}
