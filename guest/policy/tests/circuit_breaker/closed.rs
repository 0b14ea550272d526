//! Counting while closed, and the rules that open the circuit.

use tidegate_policy::circuit_breaker::{
    Cause, CircuitBreaker, Config, Effect, FailureCount, Mode, Permit, Sample, Settle, State, Trip,
};

use crate::common::{Circuit, START_US, event, on_consecutive, on_failure_rate, on_failures, on_slow_rate};

const TRIPPED: (State, State) = (State::Closed, State::Open);

#[test]
fn an_unknown_circuit_is_closed_and_admits() {
    let mut circuit = Circuit::new(&on_failures());
    let report = circuit.admit();
    assert_eq!((report.effect, report.state, report.generation), (Effect::Admitted, State::Closed, 0));
    assert_eq!(report.permit, Permit { generation: 0, admitted_at_us: START_US, probe: 0 });
    assert_eq!((report.last_failure_us, report.discarded), (None, 0));
    assert_eq!(circuit.world.writes(), 0);
}

#[test]
fn reaching_the_failure_count_opens() {
    let mut circuit = Circuit::new(&on_failures());
    let second = circuit.fail_times(2);
    assert_eq!((second.state, second.failures, second.event.cause), (State::Closed, 2, Cause::None));
    circuit.world.pass_ms(9_999);
    let third = circuit.failure();
    assert_eq!(third.event, event(Cause::Failures, TRIPPED.0, TRIPPED.1));
    assert_eq!((third.state, third.failures, third.consecutive), (State::Open, 3, 3));
    assert_eq!((third.retry_after_ms, third.generation), (5_000, START_US + 9_999_000));
    assert_eq!(third.last_failure_us, Some(START_US + 9_999_000));
}

#[test]
fn a_failure_leaves_the_window_at_exactly_its_own_age() {
    let mut circuit = Circuit::new(&on_failures());
    circuit.failure();
    circuit.world.pass_ms(1);
    circuit.failure();
    circuit.world.pass_ms(9_999);
    assert_eq!(circuit.status().failures, 1);
    let third = circuit.failure();
    assert_eq!((third.state, third.failures), (State::Closed, 2));
    assert_eq!(circuit.failure().state, State::Open);
}

#[test]
fn successes_between_failures_do_not_clear_the_failure_window() {
    let mut circuit = Circuit::new(&on_failures());
    circuit.fail_times(2);
    let success = circuit.success();
    assert_eq!((success.failures, success.consecutive), (2, 0));
    assert_eq!(circuit.failure().event.cause, Cause::Failures);
}

#[test]
fn consecutive_failures_open_however_far_apart() {
    let mut circuit = Circuit::new(&on_consecutive());
    for _ in 0..2 {
        assert_eq!(circuit.failure().state, State::Closed);
        circuit.world.pass_ms(29 * 86_400_000);
    }
    assert_eq!(circuit.failure().event, event(Cause::Consecutive, TRIPPED.0, TRIPPED.1));
}

#[test]
fn a_success_ends_a_row_of_failures() {
    let mut circuit = Circuit::new(&on_consecutive());
    circuit.fail_times(2);
    assert_eq!(circuit.success().consecutive, 0);
    assert_eq!(circuit.fail_times(2).state, State::Closed);
    assert_eq!(circuit.failure().state, State::Open);
}

#[test]
fn a_rate_needs_the_minimum_of_calls() {
    let mut circuit = Circuit::new(&on_failure_rate(Sample::Calls(10)));
    let third = circuit.fail_times(3);
    assert_eq!((third.state, third.calls, third.failed), (State::Closed, 3, 3));
    assert_eq!(circuit.failure().event, event(Cause::FailureRate, TRIPPED.0, TRIPPED.1));
}

#[test]
fn a_success_that_meets_the_minimum_opens_and_settles_now() {
    let mut circuit = Circuit::new(&on_failure_rate(Sample::Calls(10)));
    circuit.fail_times(2);
    assert_eq!(circuit.success().settle, Settle::Later);
    let report = circuit.success();
    assert_eq!((report.effect, report.settle), (Effect::CountedSuccess, Settle::Now));
    assert_eq!(report.event, event(Cause::FailureRate, TRIPPED.0, TRIPPED.1));
    assert_eq!((report.calls, report.failed), (4, 2));
    assert!((report.failure_rate - 50.0).abs() < f64::EPSILON);
}

#[test]
fn a_rate_just_below_its_threshold_stays_closed() {
    let mut circuit = Circuit::new(&on_failure_rate(Sample::Calls(10)));
    (0..5).for_each(|_| assert_eq!(circuit.success().state, State::Closed));
    for _ in 0..4 {
        assert_eq!(circuit.failure().state, State::Closed);
    }
    assert_eq!(circuit.failure().state, State::Open);
}

#[test]
fn the_last_calls_slide() {
    let mut circuit = Circuit::new(&on_failure_rate(Sample::Calls(10)));
    (0..20).for_each(|_| assert_eq!(circuit.success().state, State::Closed));
    for failed in 1..=4 {
        let report = circuit.failure();
        assert_eq!((report.calls, report.failed, report.state), (10, failed, State::Closed));
    }
    assert_eq!(circuit.failure().state, State::Open);
}

#[test]
fn a_time_sample_slides_in_tenths() {
    let mut circuit = Circuit::new(&on_failure_rate(Sample::WindowMs(1_000)));
    circuit.fail_times(3);
    circuit.world.pass_ms(999);
    assert_eq!(circuit.status().calls, 3);
    circuit.world.pass_ms(1);
    let status = circuit.status();
    assert_eq!((status.calls, status.failed, status.consecutive), (0, 0, 3));
    assert_eq!(circuit.failure().state, State::Closed);
}

#[test]
fn slow_calls_open_whether_they_failed_or_not() {
    let mut circuit = Circuit::new(&on_slow_rate());
    circuit.success_after(99);
    circuit.success_after(99);
    let slow = circuit.success_after(100);
    assert_eq!((slow.effect, slow.slow, slow.failed), (Effect::CountedSuccess, 1, 0));
    let permit = circuit.permit();
    let failed = circuit.breaker.failed(&mut circuit.world, 0, permit, 100, &[]);
    assert_eq!((failed.slow, failed.failed), (2, 1));
    assert!((failed.slow_rate - 50.0).abs() < f64::EPSILON);
    assert_eq!(failed.event, event(Cause::SlowRate, TRIPPED.0, TRIPPED.1));
}

#[test]
fn the_first_rule_in_order_is_named() {
    let failures = Some(FailureCount { count: 4, within_ms: 10_000 });
    let rate = on_failure_rate(Sample::Calls(10));
    let trip = Trip { failures, consecutive: Some(4), ..rate.trip };
    let all = Config { trip, ..rate.clone() };
    assert_eq!(Circuit::new(&all).fail_times(4).event.cause, Cause::Failures);
    let two = Config { trip: Trip { failures: None, ..trip }, ..rate };
    assert_eq!(Circuit::new(&two).fail_times(4).event.cause, Cause::Consecutive);
}

#[test]
fn a_success_of_a_quiet_circuit_writes_nothing() {
    for config in [on_failures(), on_consecutive()] {
        let mut circuit = Circuit::new(&config);
        let report = circuit.success();
        assert_eq!((report.effect, report.settle), (Effect::CountedSuccess, Settle::Later));
        assert_eq!(circuit.world.writes(), 0);
    }
}

#[test]
fn a_success_may_settle_later_and_a_failure_must_not() {
    let mut circuit = Circuit::new(&on_failure_rate(Sample::WindowMs(1_000)));
    assert_eq!(circuit.success().settle, Settle::Later);
    assert_eq!(circuit.failure().settle, Settle::Now);
}

#[test]
fn admissions_and_reads_of_a_closed_circuit_write_nothing() {
    let mut circuit = Circuit::new(&on_failures());
    circuit.fail_times(2);
    let writes = circuit.world.writes();
    circuit.admit();
    circuit.status();
    assert_eq!(circuit.world.writes(), writes);
}

#[test]
fn an_outcome_of_an_earlier_generation_changes_nothing() {
    let mut circuit = Circuit::new(&on_failures());
    let early = circuit.permit();
    circuit.fail_times(2);
    circuit.reset();
    let writes = circuit.world.writes();
    for report in [circuit.fail(early), circuit.succeed(early), circuit.cancel(early)] {
        assert_eq!((report.effect, report.failures, report.event.cause), (Effect::Late, 0, Cause::None));
    }
    assert_eq!(circuit.world.writes(), writes);
    assert_eq!(circuit.fail_times(2).state, State::Closed);
}

#[test]
fn an_outcome_admitted_more_than_a_day_ago_is_late() {
    let mut circuit = Circuit::new(&on_failures());
    let permit = circuit.permit();
    circuit.world.pass_ms(86_400_000);
    assert_eq!(circuit.fail(permit).effect, Effect::CountedFailure);
    circuit.world.set_us(circuit.world.time_us() + 1);
    assert_eq!(circuit.fail(permit).effect, Effect::Late);
}

#[test]
fn a_permit_that_was_never_given_counts_for_nothing() {
    let mut circuit = Circuit::new(&on_failures());
    let forged = [
        Permit { generation: u64::MAX, admitted_at_us: u64::MAX, probe: u32::MAX },
        Permit { generation: 0, admitted_at_us: START_US, probe: 1 },
        Permit::default(),
    ];
    for permit in forged {
        assert_eq!(circuit.fail(permit).effect, Effect::Late);
    }
    assert_eq!(circuit.world.writes(), 0);
}

#[test]
fn a_cancelled_call_is_neither_a_failure_nor_a_success() {
    let mut circuit = Circuit::new(&on_consecutive());
    circuit.fail_times(2);
    let permit = circuit.permit();
    let report = circuit.cancel(permit);
    assert_eq!((report.effect, report.consecutive), (Effect::Ignored, 2));
    assert_eq!(circuit.failure().state, State::Open);
}

#[test]
fn a_time_earlier_than_one_already_seen_counts_as_that_one() {
    let mut circuit = Circuit::new(&on_failures());
    circuit.fail_times(2);
    circuit.world.set_us(START_US - 3_600_000_000);
    let report = circuit.failure();
    assert_eq!((report.event.cause, report.generation), (Cause::Failures, START_US));
    assert_eq!(report.last_failure_us, Some(START_US));
}

#[test]
fn circuits_are_apart() {
    let mut circuit = Circuit::opened(&on_failures());
    let other = circuit.breaker.admit(&mut circuit.world, 1);
    assert_eq!((other.effect, other.failures), (Effect::Admitted, 0));
}

#[test]
fn a_failure_is_seen_by_every_host_at_once() {
    let mut circuit = Circuit::new(&on_failures());
    let elsewhere = CircuitBreaker::open(&on_failures()).expect("sound");
    circuit.fail_times(2);
    let permit = elsewhere.admit(&mut circuit.world, 0).permit;
    let opened = elsewhere.failed(&mut circuit.world, 0, permit, 1, &[]);
    assert_eq!(opened.event.cause, Cause::Failures);
    assert_eq!(circuit.admit().effect, Effect::RefusedOpen);
}

#[test]
fn a_circuit_in_use_keeps_its_counts_past_the_life_of_its_state_change() {
    let mut circuit = Circuit::new(&on_failures());
    circuit.reset();
    for _ in 0..100 {
        circuit.success();
        circuit.world.pass_ms(43_200_000);
    }
    circuit.fail_times(2);
    let generation = circuit.status().generation;
    circuit.world.pass_ms(9_999);
    let report = circuit.failure();
    assert_eq!((report.event.cause, generation), (Cause::Failures, START_US));
}

#[test]
fn an_outcome_keeps_the_counts_of_its_generation_from_expiring() {
    let mut circuit = Circuit::new(&on_failures());
    circuit.reset();
    circuit.world.pass_ms(86_399_999);
    let permits = [circuit.permit(), circuit.permit()];
    circuit.world.pass_ms(86_400_000);
    for permit in permits {
        assert_eq!(circuit.fail(permit).effect, Effect::CountedFailure);
    }
    circuit.world.pass_ms(1_002);
    assert_eq!(circuit.failure().event.cause, Cause::Failures);
}

#[test]
fn a_success_never_meets_a_rule_that_counts_failures() {
    let mut circuit = Circuit::new(&Config { mode: Mode::ForcedClosed, ..on_failures() });
    circuit.fail_times(3);
    let mut normal = Circuit { world: circuit.world, ..Circuit::new(&on_failures()) };
    let success = normal.success();
    assert_eq!((success.failures, success.state), (3, State::Closed));
    assert_eq!(normal.failure().event.cause, Cause::Failures);
}
