//! Fixed seeds: fleets that broke no promise and must not begin to.

use tidegate_simulation::run::Trial;
use tidegate_simulation::shrink::Failure;
use tidegate_simulation::{generate, hiccups};

fn no_promise_is_broken(seeds: std::ops::Range<u64>) {
    let trial = Trial::default();
    for seed in seeds {
        if let Some(failure) = Failure::find(generate::scenario(seed), &trial) {
            panic!("{}", failure.shrunk(&trial).report(""));
        }
    }
}

#[test]
fn a_thousand_fleets_break_no_promise() {
    no_promise_is_broken(0..1_000);
}

#[test]
fn another_thousand_fleets_break_no_promise() {
    no_promise_is_broken(1_000_000..1_001_000);
}

#[test]
fn a_thousand_fleets_with_nothing_but_hiccups_break_no_promise() {
    no_promise_is_broken(hiccups::FIRST..hiccups::FIRST + 1_000);
}
