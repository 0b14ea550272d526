//! Probes of the half-open circuit.

use tidegate_policy::circuit_breaker::{Cause, Config, Effect, HalfOpen, Mode, ProbeRule, Settle, State, Trip};

use crate::common::{Circuit, START_US, event, on_failures, on_slow_rate};

#[test]
fn rejects_when_half_open_permits_are_spent() {
    let mut circuit = Circuit::probing(&on_failures());
    assert_eq!(circuit.permit().probe, 1);
    circuit.world.pass_ms(400);
    assert_eq!(circuit.permit().probe, 2);
    let writes = circuit.world.writes();
    let refused = circuit.admit();
    assert_eq!((refused.effect, refused.state, refused.probes), (Effect::RefusedProbes, State::HalfOpen, 2));
    assert_eq!(refused.retry_after_ms, 600);
    assert_eq!(circuit.world.writes(), writes);
}

#[test]
fn enough_successes_close_and_clear_the_counts() {
    let mut circuit = Circuit::probing(&on_failures());
    let first = circuit.success();
    assert_eq!((first.effect, first.successes, first.state), (Effect::CountedSuccess, 1, State::HalfOpen));
    let second = circuit.success();
    assert_eq!(second.event, event(Cause::ProbesSucceeded, State::HalfOpen, State::Closed));
    assert_eq!((second.failures, second.consecutive, second.successes), (0, 0, 0));
    assert_eq!(second.last_failure_us, Some(START_US));
    assert_eq!(circuit.fail_times(2).state, State::Closed);
    assert_eq!(circuit.failure().state, State::Open);
}

#[test]
fn any_failure_reopens() {
    let mut circuit = Circuit::probing(&on_failures());
    let (first, second) = (circuit.permit(), circuit.permit());
    circuit.succeed(first);
    let report = circuit.fail(second);
    assert_eq!(report.event, event(Cause::ProbeFailed, State::HalfOpen, State::Open));
    assert_eq!((report.state, report.retry_after_ms, report.consecutive), (State::Open, 5_000, 1));
}

#[test]
fn every_outcome_of_a_probe_settles_now() {
    let mut circuit = Circuit::probing(&on_failures());
    let permit = circuit.permit();
    assert_eq!(circuit.cancel(permit).settle, Settle::Now);
    assert_eq!(circuit.success().settle, Settle::Now);
    assert_eq!(circuit.failure().settle, Settle::Now);
}

#[test]
fn crashed_probes_never_wedge_the_circuit() {
    let mut circuit = Circuit::probing(&on_failures());
    for _ in 0..50 {
        circuit.permit();
        circuit.permit();
        assert_eq!(circuit.admit().effect, Effect::RefusedProbes);
        circuit.world.pass_ms(999);
        assert_eq!(circuit.admit().retry_after_ms, 1);
        circuit.world.pass_ms(1);
        assert_eq!(circuit.status().probes, 0);
    }
    circuit.success();
    assert_eq!(circuit.success().state, State::Closed);
}

#[test]
fn the_outcome_of_a_probe_that_was_given_up_is_late() {
    let mut circuit = Circuit::probing(&on_failures());
    let lost = circuit.permit();
    circuit.world.pass_ms(1_000);
    for report in [circuit.fail(lost), circuit.succeed(lost), circuit.cancel(lost)] {
        assert_eq!((report.effect, report.state, report.successes), (Effect::Late, State::HalfOpen, 0));
    }
}

#[test]
fn a_probe_has_one_outcome() {
    let mut circuit = Circuit::probing(&on_failures());
    let permit = circuit.permit();
    assert_eq!(circuit.succeed(permit).successes, 1);
    let again = circuit.succeed(permit);
    assert_eq!((again.effect, again.successes, again.state), (Effect::Late, 1, State::HalfOpen));
}

#[test]
fn a_probe_that_was_ignored_frees_its_place() {
    let mut circuit = Circuit::probing(&on_failures());
    let (first, _second) = (circuit.permit(), circuit.permit());
    assert_eq!(circuit.admit().effect, Effect::RefusedProbes);
    let report = circuit.cancel(first);
    assert_eq!((report.effect, report.probes, report.successes), (Effect::Ignored, 1, 0));
    assert_eq!(circuit.permit().probe, 3);
}

#[test]
fn other_permits_of_the_generation_are_not_probes() {
    let mut circuit = Circuit::probing(&on_failures());
    let mut permit = circuit.permit();
    for probe in [0, 2, u32::MAX] {
        permit.probe = probe;
        assert_eq!(circuit.fail(permit).effect, Effect::Late);
    }
}

#[test]
fn a_slow_probe_counts_as_failed() {
    let config = on_slow_rate();
    let mut circuit = Circuit::new(&config);
    (0..4).for_each(|_| assert_eq!(circuit.success_after(100).effect, Effect::CountedSuccess));
    circuit.world.pass_ms(config.open_ms);
    let report = circuit.success_after(100);
    assert_eq!((report.effect, report.event.cause), (Effect::CountedFailure, Cause::ProbeFailed));
    assert_eq!((report.failed, report.slow, report.last_failure_us), (1, 5, Some(START_US + 5_000_000)));
}

#[test]
fn a_slow_probe_succeeds_where_no_rule_asks_for_speed() {
    let mut circuit = Circuit::probing(&on_failures());
    assert_eq!(circuit.success_after(u64::MAX).effect, Effect::CountedSuccess);
}

#[test]
fn probes_go_on_until_enough_have_succeeded() {
    let half_open = HalfOpen { probes: 1, successes: 5, permit_ms: 1_000, rule: ProbeRule::FirstFailure };
    let mut circuit = Circuit::probing(&Config { half_open, ..on_failures() });
    (1..5).for_each(|successes| assert_eq!(circuit.success().successes, successes));
    assert_eq!(circuit.success().state, State::Closed);
}

#[test]
fn retry_after_counts_the_probes_above_a_limit_that_was_lowered() {
    let mut circuit = Circuit::probing(&on_failures());
    circuit.permit();
    circuit.world.pass_ms(300);
    circuit.permit();
    let half_open = HalfOpen { probes: 1, successes: 2, permit_ms: 1_000, rule: ProbeRule::FirstFailure };
    let mut lowered = Circuit { world: circuit.world, ..Circuit::new(&Config { half_open, ..on_failures() }) };
    let retry_after_ms = lowered.admit().retry_after_ms;
    assert_eq!(retry_after_ms, 1_000);
    lowered.world.pass_ms(retry_after_ms - 1);
    assert_eq!(lowered.admit().effect, Effect::RefusedProbes);
    lowered.world.pass_ms(1);
    assert_eq!(lowered.admit().effect, Effect::Admitted);
}

#[test]
fn the_most_probes_at_once_are_all_remembered() {
    let rule = ProbeRule::FirstFailure;
    let half_open = HalfOpen { probes: 1_000, successes: 1_000, permit_ms: 86_400_000, rule };
    let mut circuit = Circuit::probing(&Config { half_open, ..on_failures() });
    let permits: Vec<_> = (0..1_000).map(|_| circuit.permit()).collect();
    assert_eq!(circuit.admit().effect, Effect::RefusedProbes);
    let last = permits.into_iter().map(|permit| circuit.succeed(permit)).last();
    assert_eq!(last.map(|report| (report.state, report.discarded)), Some((State::Closed, 0)));
}

#[test]
fn a_mode_given_by_another_configuration_leaves_the_probes_alone() {
    let mut circuit = Circuit::probing(&on_failures());
    let probe = circuit.permit();
    let trip = Trip { consecutive: Some(3), ..on_failures().trip };
    let mut disabled = Circuit::new(&Config { mode: Mode::Disabled, trip, ..on_failures() });
    disabled.world = circuit.world.clone();
    let report = disabled.admit();
    assert_eq!((report.effect, report.state, report.permit.probe), (Effect::Admitted, State::Closed, 0));
    circuit.world = disabled.world;
    assert_eq!(circuit.succeed(probe).successes, 1);
}
