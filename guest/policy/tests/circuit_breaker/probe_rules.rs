//! What ends the half-open state: the first failure, N of M probes, or their failure
//! rate.

use tidegate_policy::circuit_breaker::{
    Cause, Config, Effect, HalfOpen, Permit, ProbeRate, ProbeRule, Report, STATE, State,
};
use tidegate_policy::kv::{Cell, Kv};

use crate::common::{Circuit, START_US, on_failures, on_slow_rate};

fn half_open(probes: u32, successes: u32, rule: ProbeRule) -> Config {
    let half_open = HalfOpen { probes, successes, permit_ms: 1_000, rule };
    Config { half_open, ..on_failures() }
}

fn rate(percent: f64, of: u32) -> ProbeRule {
    ProbeRule::Rate(ProbeRate { percent, of })
}

/// Makes probes that end so, one after the other: `s` succeeds, `f` fails. All but the last leave
/// the circuit half-open.
fn probe(circuit: &mut Circuit, outcomes: &str) -> Report {
    let mut last = None;
    for (place, outcome) in outcomes.chars().enumerate() {
        let report = if outcome == 's' { circuit.success() } else { circuit.failure() };
        let ends = place + 1 == outcomes.len();
        assert!(ends || report.state == State::HalfOpen, "{outcomes} at {place}: {report:?}");
        last = Some(report);
    }
    last.expect("at least one probe")
}

#[test]
fn so_many_of_so_many_probes_decide_as_soon_as_they_can() {
    for (outcomes, state) in [
        ("ss", State::Closed),
        ("sfs", State::Closed),
        ("fss", State::Closed),
        ("ff", State::Open),
        ("sff", State::Open),
        ("fsf", State::Open),
        ("sf", State::HalfOpen),
    ] {
        let mut circuit = Circuit::probing(&half_open(1, 2, ProbeRule::Ratio(3)));
        assert_eq!(probe(&mut circuit, outcomes).state, state, "{outcomes}");
    }
}

#[test]
fn the_failure_rate_decides_when_so_many_probes_have_ended() {
    for (percent, outcomes, state) in [
        (50.0, "ssss", State::Closed),
        (50.0, "fsss", State::Closed),
        (50.0, "ffss", State::Open),
        (50.01, "ffss", State::Closed),
        (25.0, "sssf", State::Open),
        (100.0, "fffs", State::Closed),
        (100.0, "ffff", State::Open),
    ] {
        let mut circuit = Circuit::probing(&half_open(1, 1, rate(percent, 4)));
        let report = probe(&mut circuit, outcomes);
        assert_eq!(report.state, state, "{percent} {outcomes}");
        let cause = if state == State::Open { Cause::ProbeFailed } else { Cause::ProbesSucceeded };
        assert_eq!(report.event.cause, cause);
    }
}

#[test]
fn no_more_probes_are_in_flight_than_are_still_to_end() {
    for rule in [ProbeRule::Ratio(3), rate(50.0, 3)] {
        let mut circuit = Circuit::probing(&half_open(10, 2, rule));
        let permits: Vec<Permit> = (0..3).map(|_| circuit.permit()).collect();
        let refused = circuit.admit();
        assert_eq!((refused.effect, refused.retry_after_ms), (Effect::RefusedProbes, 1_000), "{rule:?}");
        circuit.fail(permits[0]);
        assert_eq!(circuit.admit().effect, Effect::RefusedProbes, "{rule:?}");
        circuit.cancel(permits[1]);
        let again = circuit.permit();
        circuit.succeed(permits[2]);
        assert_eq!(circuit.admit().effect, Effect::RefusedProbes, "{rule:?}");
        assert_eq!(circuit.succeed(again).state, State::Closed, "{rule:?}");
    }
}

#[test]
fn a_crashed_probe_does_not_wedge_a_circuit_whose_probes_decide_together() {
    let mut circuit = Circuit::probing(&half_open(2, 2, rate(50.0, 2)));
    circuit.success();
    circuit.permit();
    assert_eq!(circuit.admit().effect, Effect::RefusedProbes);
    circuit.world.pass_ms(1_000);
    assert_eq!(circuit.success().state, State::Closed);
}

#[test]
fn reopening_starts_the_count_of_probes_afresh() {
    let mut circuit = Circuit::probing(&half_open(1, 2, ProbeRule::Ratio(3)));
    assert_eq!(probe(&mut circuit, "sff").state, State::Open);
    circuit.world.pass_ms(5_000);
    assert_eq!(probe(&mut circuit, "fss").state, State::Closed);
}

#[test]
fn a_last_probe_that_failed_and_closed_the_circuit_is_the_last_failure() {
    let mut circuit = Circuit::probing(&half_open(1, 1, rate(50.01, 2)));
    let at_us = circuit.world.time_us();
    assert_ne!(at_us, START_US);
    assert_eq!(probe(&mut circuit, "sf").state, State::Closed);
    let status = circuit.status();
    assert_eq!((status.last_failure_us, status.failures, status.consecutive), (Some(at_us), 0, 0));
}

#[test]
fn a_slow_probe_that_was_given_up_has_failed() {
    let mut circuit = Circuit::new(&on_slow_rate());
    for _ in 0..4 {
        circuit.success_after(100);
    }
    circuit.world.pass_ms(5_000);
    let permit = circuit.permit();
    assert_eq!(circuit.cancel_after(permit, 99).effect, Effect::Ignored);
    let permit = circuit.permit();
    let report = circuit.cancel_after(permit, 100);
    assert_eq!((report.effect, report.event.cause), (Effect::CountedFailure, Cause::ProbeFailed));
}

#[test]
fn the_text_of_the_state_is_that_of_before_until_a_probe_has_failed_without_reopening() {
    let mut circuit = Circuit::probing(&half_open(1, 3, ProbeRule::Ratio(4)));
    let text = |circuit: &mut Circuit| circuit.world.get(Cell::shared(0, STATE)).expect("it is there");
    circuit.success();
    assert!(text(&mut circuit).starts_with("c1 half-open "), "{}", text(&mut circuit));
    circuit.failure();
    assert!(text(&mut circuit).starts_with("c2 half-open "), "{}", text(&mut circuit));
    assert!(text(&mut circuit).contains(" successes=1 failed=1 last-probe=2"), "{}", text(&mut circuit));
}

#[test]
fn a_circuit_under_other_settings_goes_on_and_ends() {
    let mut circuit = Circuit::probing(&half_open(1, 9, ProbeRule::Ratio(20)));
    probe(&mut circuit, "sfsfsf");
    for rule in [ProbeRule::Ratio(2), rate(50.0, 2), ProbeRule::FirstFailure] {
        let mut other = Circuit { world: circuit.world.clone(), ..Circuit::new(&half_open(1, 2, rule)) };
        assert_ne!(other.success().state, State::HalfOpen, "{rule:?}");
    }
}
