//! Cells that hold what nobody here wrote.

use proptest::prelude::*;
use tidegate_policy::circuit_breaker::{CircuitBreaker, Config, Effect, METRICS, STATE, State};
use tidegate_policy::fake::FakeWorld;
use tidegate_policy::kv::{Cell, Kv};

use crate::common::{Circuit, START_US, on_failure_rate, on_failures};
use crate::script::{Clocks, Step, config, steps};

const YEAR_MS: u64 = 31_536_000_000;

fn foreign_texts() -> Vec<String> {
    let now_us = START_US;
    let texts = [
        "",
        " ",
        "0",
        "c1",
        "m1",
        "null",
        "{\"state\":\"open\"}",
        "\0",
        "😀",
        "c1 open",
        "c9 closed generation=1 at=1",
        "c1 closed generation=18446744073709551615 at=18446744073709551615",
        "c1 open generation=1 at=1 since=1 until=18446744073709551615 reopenings=4294967295",
        "c1 half-open generation=1 at=1 since=1 reopenings=0 successes=99999999999 last-probe=1",
        "m1 since=18446744073709551615 at=18446744073709551615 consecutive=4294967295",
        "m1 since=0 at=1 consecutive=0 failures=1,2",
        "m1 since=0 at=1 consecutive=0 calls=o4294967295",
        "m1 since=0 at=1 consecutive=0 window=0@0:1/0/0",
    ];
    let mut texts: Vec<_> = texts.map(ToString::to_string).to_vec();
    texts.push(format!(
        "c1 open generation={now_us} at={now_us} since=0 until={} reopenings=0",
        now_us + 2_592_000_000_001
    ));
    texts.push("c1 ".repeat(33_000));
    texts.push("9".repeat(100_000));
    texts.push(format!("m1 since=0 at={now_us} consecutive=1 failures={now_us}{}", ",0".repeat(50_000)));
    texts
}

#[test]
fn foreign_values_count_as_absent_and_are_reported() {
    for text in foreign_texts() {
        let mut circuit = Circuit::opened(&on_failures());
        circuit.world.corrupt(&text);
        let report = circuit.admit();
        assert_eq!(
            (report.effect, report.state, report.generation),
            (Effect::Admitted, State::Closed, 0),
            "{text:.60}"
        );
        assert_eq!((report.failures, report.last_failure_us, report.discarded), (0, None, 2), "{text:.60}");
    }
}

#[test]
fn a_circuit_over_foreign_values_opens_as_any_other_and_overwrites_them() {
    for text in foreign_texts() {
        for config in [on_failures(), on_failure_rate(tidegate_policy::circuit_breaker::Sample::Calls(4))] {
            let mut circuit = Circuit::new(&config);
            for field in [STATE, METRICS] {
                circuit.world.put(Cell::shared(0, field), Some(&text), YEAR_MS);
            }
            assert_eq!(circuit.failure().discarded, 2, "{text:.60}");
            let opened = (0..3).map(|_| circuit.failure()).find(|report| report.state == State::Open);
            assert_eq!(opened.map(|report| report.discarded), Some(1), "{text:.60}");
            assert_eq!((circuit.admit().effect, circuit.status().discarded), (Effect::RefusedOpen, 0), "{text:.60}");
        }
    }
}

#[test]
fn a_value_cut_anywhere_is_never_a_trap() {
    let mut circuit = Circuit::probing(&on_failures());
    circuit.permit();
    let cells: Vec<_> = circuit.world.live_cells().map(|(cell, text)| (cell, text.to_string())).collect();
    assert_eq!(cells.len(), 2);
    for (cell, text) in cells {
        for length in 0..text.len() {
            let mut cut = circuit.clone();
            cut.world.put(cell, Some(&text[..length]), YEAR_MS);
            let report = cut.admit();
            assert!(report.discarded <= 1);
            cut.fail(report.permit);
        }
    }
}

#[test]
fn an_open_time_that_cannot_be_true_does_not_hold_a_circuit_open() {
    let mut circuit = Circuit::new(&on_failures());
    let far_us = START_US + 86_400_000_001;
    let text = format!("c1 open generation=1 at={far_us} since=0 until={far_us} reopenings=0");
    circuit.world.put(Cell::shared(0, STATE), Some(&text), YEAR_MS);
    let report = circuit.admit();
    assert_eq!((report.effect, report.discarded), (Effect::Admitted, 1));
}

/// A stored text: ours with one number changed, or anything.
fn text() -> impl Strategy<Value = String> {
    let number = || prop_oneof![0..3_u64, Just(START_US), START_US..START_US + 100_000_000_000, any::<u64>()];
    let small = || prop_oneof![0..5_u64, any::<u64>()];
    let times = (number(), number(), number(), number());
    let counts = (small(), small(), small(), number());
    prop_oneof![
        r"\PC{0,60}",
        "[a-z0-9 =,+/:@-]{0,80}",
        (times.clone(), small()).prop_map(|((generation, at, since, until), reopenings)| format!(
            "c1 open generation={generation} at={at} since={since} until={until} reopenings={reopenings}"
        )),
        (times.clone(), counts).prop_map(|((generation, at, since, _), (reopenings, successes, last, left))| format!(
            "c1 half-open generation={generation} at={at} since={since} reopenings={reopenings} successes={successes} \
             last-probe={last} probes={last}+{left}"
        )),
        (times, small(), small()).prop_map(|((since, at, last, failure), calls, failed)| format!(
            "m1 since={since} at={at} consecutive={calls} last-failure={last} failures={failure},1 calls=o{calls}f{failed}"
        )),
        (number(), small(), small()).prop_map(|(at, calls, failed)| format!(
            "m1 since=0 at={at} consecutive={calls} window=10000@{}:{calls}/{failed}/0,{calls}/0/{failed}",
            at / 10_000
        )),
    ]
}

fn run(config: &Config, steps: &[Step], texts: &[(usize, bool, String)], start_us: u64) {
    let breaker = CircuitBreaker::open(config).expect("the configuration is sound");
    let (mut world, mut permits) = (FakeWorld::at_us(start_us), vec![]);
    for (index, step) in steps.iter().enumerate() {
        for (_, state, text) in texts.iter().filter(|(at, ..)| at % steps.len() == index) {
            let field = if *state { STATE } else { METRICS };
            world.put(Cell::shared(0, field), Some(text), YEAR_MS);
        }
        world.set_us(step.time_us(world.time_us()));
        let Some(report) = step.call(&breaker, &mut world, &permits) else { continue };
        assert!(report.discarded <= 2 && report.failed <= report.calls && report.slow <= report.calls);
        permits.extend((report.effect == Effect::Admitted).then_some(report.permit));
    }
}

proptest! {
    #[test]
    fn no_stored_text_is_a_trap(
        config in config(),
        steps in steps(Clocks::Leap),
        texts in prop::collection::vec((any::<usize>(), any::<bool>(), text()), 1..20),
    ) {
        run(&config, &steps, &texts, START_US);
    }

    #[test]
    fn no_time_is_a_trap(
        config in config(),
        steps in prop::collection::vec(prop_oneof![Just(Step::Admit), Just(Step::Status), Just(Step::Reset),
            (0..9_usize).prop_map(|back| Step::Fail { back, elapsed_ms: u64::MAX, counts: true }),
            (0..9_usize).prop_map(|back| Step::Succeed { back, elapsed_ms: u64::MAX })], 1..50),
        texts in prop::collection::vec((any::<usize>(), any::<bool>(), text()), 0..9),
        start_us in prop_oneof![Just(0), Just(u64::MAX), any::<u64>()],
    ) {
        run(&config, &steps, &texts, start_us);
    }
}
