//! The open circuit and its back-off.

use tidegate_policy::circuit_breaker::{Backoff, Cause, Config, Effect, Permit, State};

use crate::common::{Circuit, START_US, event, on_failures};

#[test]
fn refuses_every_call_until_its_time_is_over() {
    let mut circuit = Circuit::opened(&on_failures());
    let writes = circuit.world.writes();
    for _ in 0..10 {
        let report = circuit.admit();
        assert_eq!((report.effect, report.state, report.permit), (Effect::RefusedOpen, State::Open, Permit::default()));
    }
    assert_eq!(circuit.world.writes(), writes);
}

#[test]
fn retry_after_is_exact() {
    let mut circuit = Circuit::opened(&on_failures());
    circuit.world.set_us(START_US + 1_234_567);
    let retry_after_ms = circuit.admit().retry_after_ms;
    assert_eq!(retry_after_ms, 3_766);
    circuit.world.pass_ms(retry_after_ms - 1);
    assert_eq!(circuit.admit().effect, Effect::RefusedOpen);
    circuit.world.pass_ms(1);
    assert_eq!(circuit.admit().effect, Effect::Admitted);
}

#[test]
fn at_exactly_the_end_of_the_open_time_the_next_admission_is_a_probe() {
    let mut circuit = Circuit::opened(&on_failures());
    circuit.world.set_us(START_US + 4_999_999);
    assert_eq!((circuit.status().state, circuit.admit().effect), (State::Open, Effect::RefusedOpen));
    circuit.world.set_us(START_US + 5_000_000);
    let report = circuit.admit();
    assert_eq!(report.event, event(Cause::OpenElapsed, State::Open, State::HalfOpen));
    assert_eq!((report.state, report.permit.probe, report.probes), (State::HalfOpen, 1, 1));
    assert_eq!((report.generation, report.permit.generation), (START_US + 5_000_000, START_US + 5_000_000));
}

#[test]
fn a_status_from_the_end_of_the_open_time_on_says_half_open_and_writes_nothing() {
    let mut circuit = Circuit::probing(&on_failures());
    let writes = circuit.world.writes();
    let status = circuit.status();
    assert_eq!((status.effect, status.state, status.event.cause), (Effect::None, State::HalfOpen, Cause::None));
    assert_eq!((status.retry_after_ms, status.probes, status.generation), (0, 0, START_US));
    assert_eq!(circuit.world.writes(), writes);
}

#[test]
fn outcomes_of_calls_from_before_the_opening_are_late() {
    let mut circuit = Circuit::new(&on_failures());
    let early = circuit.permit();
    circuit.fail_times(3);
    assert_eq!(circuit.fail(early).effect, Effect::Late);
    circuit.world.pass_ms(5_000);
    circuit.permit();
    let report = circuit.succeed(early);
    assert_eq!((report.effect, report.successes, report.probes), (Effect::Late, 0, 1));
}

#[test]
fn the_counts_that_opened_the_circuit_can_be_read_while_it_is_open() {
    let mut circuit = Circuit::opened(&on_failures());
    let status = circuit.status();
    assert_eq!((status.failures, status.consecutive, status.last_failure_us), (3, 3, Some(START_US)));
}

#[test]
fn the_open_time_grows_with_each_reopening_up_to_its_cap() {
    let backoff = Some(Backoff { factor: 2.0, cap_ms: 30_000 });
    let mut circuit = Circuit::opened(&Config { backoff, ..on_failures() });
    for open_ms in [5_000, 10_000, 20_000, 30_000, 30_000] {
        assert_eq!(circuit.status().retry_after_ms, open_ms);
        circuit.world.pass_ms(open_ms - 1);
        assert_eq!(circuit.admit().effect, Effect::RefusedOpen);
        circuit.world.pass_ms(1);
        assert_eq!(circuit.failure().event, event(Cause::ProbeFailed, State::HalfOpen, State::Open));
    }
}

#[test]
fn without_back_off_the_open_time_stays() {
    let mut circuit = Circuit::opened(&on_failures());
    for _ in 0..5 {
        circuit.world.pass_ms(5_000);
        assert_eq!(circuit.failure().retry_after_ms, 5_000);
    }
}

#[test]
fn closing_resets_the_back_off() {
    let backoff = Some(Backoff { factor: 3.5, cap_ms: 1_000_000 });
    let mut circuit = Circuit::probing(&Config { backoff, ..on_failures() });
    assert_eq!(circuit.failure().retry_after_ms, 17_500);
    circuit.world.pass_ms(17_500);
    circuit.success();
    assert_eq!(circuit.success().event.cause, Cause::ProbesSucceeded);
    assert_eq!(circuit.fail_times(3).retry_after_ms, 5_000);
}

#[test]
fn a_clock_that_went_back_neither_shortens_the_open_time_nor_reuses_a_generation() {
    let mut circuit = Circuit::opened(&on_failures());
    circuit.world.set_us(START_US - 60_000_000);
    let refused = circuit.admit();
    assert_eq!((refused.effect, refused.retry_after_ms), (Effect::RefusedOpen, 65_000));
    let reset = circuit.reset();
    assert_eq!(reset.generation, START_US + 1);
    assert_eq!(circuit.reset().generation, START_US + 2);
}

#[test]
fn an_open_circuit_is_half_open_weeks_later_and_forgotten_after_that() {
    let mut circuit = Circuit::opened(&on_failures());
    circuit.world.pass_ms(30 * 86_400_000);
    assert_eq!(circuit.status().state, State::HalfOpen);
    circuit.world.pass_ms(2 * 86_400_000);
    assert_eq!((circuit.status().state, circuit.world.live_cells().count()), (State::Closed, 0));
}
