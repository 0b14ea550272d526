//! What the operator orders.

use tidegate_policy::circuit_breaker::{Cause, Config, Effect, Mode, Settle, State};

use crate::common::{Circuit, START_US, event, on_failures};

const DAY_MS: u64 = 86_400_000;

#[test]
fn forced_open_refuses_every_call_and_outcomes_change_nothing() {
    let mut circuit = Circuit::new(&on_failures());
    let early = circuit.permit();
    let ordered = circuit.order(Mode::ForcedOpen);
    assert_eq!((ordered.effect, ordered.mode, ordered.state), (Effect::Ordered, Mode::ForcedOpen, State::Open));
    assert_eq!(ordered.event, event(Cause::Mode, State::Closed, State::Open));
    let refused = circuit.admit();
    assert_eq!((refused.effect, refused.retry_after_ms), (Effect::RefusedForced, 0));
    assert_eq!(circuit.fail(early).effect, Effect::Late);
    circuit.world.pass_ms(DAY_MS);
    assert_eq!(circuit.admit().effect, Effect::RefusedForced);
}

#[test]
fn forced_closed_counts_and_never_opens() {
    let mut circuit = Circuit::new(&on_failures());
    circuit.order(Mode::ForcedClosed);
    let report = circuit.fail_times(10);
    assert_eq!((report.effect, report.state, report.event.cause), (Effect::CountedFailure, State::Closed, Cause::None));
    assert_eq!((report.failures, report.consecutive), (3, 10));
}

#[test]
fn disabled_admits_and_counts_nothing() {
    let mut circuit = Circuit::new(&on_failures());
    circuit.order(Mode::Disabled);
    let writes = circuit.world.writes();
    let report = circuit.fail_times(10);
    assert_eq!((report.effect, report.state, report.failures), (Effect::Ignored, State::Closed, 0));
    assert_eq!(circuit.success().effect, Effect::Ignored);
    assert_eq!(circuit.world.writes(), writes);
}

#[test]
fn metrics_only_reports_each_trip_once_and_never_opens() {
    let mut circuit = Circuit::new(&on_failures());
    circuit.order(Mode::MetricsOnly);
    for _ in 0..3 {
        assert_eq!(circuit.fail_times(2).event.cause, Cause::None);
        let tripped = circuit.failure();
        assert_eq!(tripped.event, event(Cause::Failures, State::Closed, State::Open));
        assert_eq!((tripped.state, tripped.failures, tripped.settle), (State::Closed, 3, Settle::Now));
        let status = circuit.status();
        assert_eq!((status.failures, status.last_failure_us), (0, Some(START_US)));
        assert_eq!((status.generation, status.retry_after_ms), (tripped.generation, 0));
    }
}

#[test]
fn the_configured_mode_holds_while_there_is_no_order() {
    let mut circuit = Circuit::new(&Config { mode: Mode::ForcedOpen, ..on_failures() });
    let refused = circuit.admit();
    assert_eq!((refused.effect, refused.mode), (Effect::RefusedForced, Mode::ForcedOpen));
    circuit.order(Mode::Disabled);
    assert_eq!(circuit.admit().effect, Effect::Admitted);
    let back = circuit.order(Mode::Normal);
    assert_eq!((back.mode, back.event.before, back.event.after), (Mode::ForcedOpen, State::Closed, State::Open));
    assert_eq!(circuit.admit().effect, Effect::RefusedForced);
}

#[test]
fn an_order_closes_the_circuit_beneath_and_clears_its_counts() {
    let mut circuit = Circuit::opened(&on_failures());
    let ordered = circuit.order(Mode::ForcedClosed);
    assert_eq!(ordered.event, event(Cause::Mode, State::Open, State::Closed));
    assert_eq!((ordered.failures, ordered.retry_after_ms, ordered.settle), (0, 0, Settle::Now));
    let back = circuit.order(Mode::Normal);
    assert_eq!((back.state, back.mode), (State::Closed, Mode::Normal));
    assert_eq!(circuit.fail_times(2).state, State::Closed);
}

#[test]
fn every_order_starts_a_new_generation() {
    let mut circuit = Circuit::new(&on_failures());
    let mut last = 0;
    for mode in [Mode::Disabled, Mode::Disabled, Mode::Normal, Mode::ForcedClosed, Mode::MetricsOnly] {
        let permit = circuit.permit();
        let ordered = circuit.order(mode);
        assert!(ordered.generation > last);
        assert_eq!(circuit.fail(permit).effect, Effect::Late);
        last = ordered.generation;
    }
}

#[test]
fn an_order_lives_while_it_is_asked_after_and_is_forgotten_after_30_days() {
    let mut circuit = Circuit::new(&on_failures());
    circuit.order(Mode::ForcedOpen);
    for _ in 0..5 {
        circuit.world.pass_ms(29 * DAY_MS);
        assert_eq!(circuit.admit().effect, Effect::RefusedForced);
        circuit.world.pass_ms(DAY_MS - 1);
        assert_eq!(circuit.admit().effect, Effect::RefusedForced);
    }
    circuit.world.pass_ms(30 * DAY_MS);
    assert_eq!(circuit.status().mode, Mode::ForcedOpen);
    circuit.world.pass_ms(DAY_MS + 1_001);
    assert_eq!((circuit.status().mode, circuit.world.live_cells().count()), (Mode::Normal, 0));
}

#[test]
fn an_order_is_written_again_once_a_day_at_most() {
    let mut circuit = Circuit::new(&on_failures());
    circuit.order(Mode::Disabled);
    for _ in 0..48 {
        circuit.admit();
        circuit.world.pass_ms(DAY_MS / 24);
    }
    assert_eq!(circuit.world.writes(), 2);
}

#[test]
fn reset_closes_clears_and_keeps_the_order() {
    let mut circuit = Circuit::opened(&on_failures());
    let reset = circuit.reset();
    assert_eq!((reset.effect, reset.settle), (Effect::Ordered, Settle::Now));
    assert_eq!(reset.event, event(Cause::Reset, State::Open, State::Closed));
    assert_eq!((reset.state, reset.failures, reset.consecutive), (State::Closed, 0, 0));
    circuit.order(Mode::MetricsOnly);
    assert_eq!(circuit.reset().mode, Mode::MetricsOnly);
}

#[test]
fn reset_gives_up_the_probes_in_flight() {
    let mut circuit = Circuit::probing(&on_failures());
    let probe = circuit.permit();
    assert_eq!(circuit.reset().event, event(Cause::Reset, State::HalfOpen, State::Closed));
    assert_eq!(circuit.fail(probe).effect, Effect::Late);
}

#[test]
fn status_changes_nothing_in_any_state() {
    let mut opened = Circuit::opened(&on_failures());
    opened.world.pass_ms(5_000);
    opened.permit();
    for mode in [Mode::Normal, Mode::ForcedOpen, Mode::Disabled] {
        let writes = opened.world.writes();
        assert_eq!(opened.status().effect, Effect::None);
        assert_eq!(opened.world.writes(), writes);
        opened.order(mode);
    }
}
