//! Which errors count.

use tidegate_policy::circuit_breaker::{Config, Effect, Error, ErrorPart, ErrorPattern, Others, Settle, State, Trip};

use crate::common::{Circuit, on_consecutive, on_failures, on_slow_rate};

fn pattern(part: ErrorPart, pattern: &str) -> ErrorPattern {
    ErrorPattern { part, pattern: pattern.to_string() }
}

fn effect(circuit: &mut Circuit, name: &str, message: &str, code: &str) -> Effect {
    let permit = circuit.permit();
    circuit
        .breaker
        .failed(&mut circuit.world, 0, permit, 1, &[Error { name, message, code, ..Error::default() }])
        .effect
}

#[test]
fn without_patterns_every_error_counts() {
    let mut circuit = Circuit::new(&on_failures());
    assert_eq!(effect(&mut circuit, "", "", ""), Effect::CountedFailure);
}

#[test]
fn only_monitored_errors_count() {
    let monitored = vec![pattern(ErrorPart::Code, "5??"), pattern(ErrorPart::Name, "*Timeout*")];
    let mut circuit = Circuit::new(&Config { monitored, ..on_failures() });
    assert_eq!(effect(&mut circuit, "HttpError", "", "503"), Effect::CountedFailure);
    assert_eq!(effect(&mut circuit, "ReadTimeoutError", "", ""), Effect::CountedFailure);
    for (name, message, code) in [("503", "503", "404"), ("Other", "Timeout", ""), ("", "", "")] {
        assert_eq!(effect(&mut circuit, name, message, code), Effect::Ignored, "{name} {message} {code}");
    }
}

#[test]
fn ignored_errors_do_not_count_though_monitored() {
    let (monitored, ignored) = (vec![pattern(ErrorPart::Any, "*")], vec![pattern(ErrorPart::Message, "not found*")]);
    let mut circuit = Circuit::new(&Config { monitored, ignored, ..on_failures() });
    assert_eq!(effect(&mut circuit, "A", "not found: 7", "404"), Effect::Ignored);
    assert_eq!(effect(&mut circuit, "A", "Not found: 7", "404"), Effect::CountedFailure);
}

#[test]
fn any_part_will_do_where_the_pattern_says_so() {
    let mut circuit = Circuit::new(&Config { ignored: vec![pattern(ErrorPart::Any, "x")], ..on_failures() });
    for (name, message, code) in [("x", "", ""), ("", "x", ""), ("", "", "x")] {
        assert_eq!(effect(&mut circuit, name, message, code), Effect::Ignored);
    }
    assert_eq!(effect(&mut circuit, "xx", "x ", "X"), Effect::CountedFailure);
}

#[test]
fn an_ignored_error_gives_the_probe_permit_back() {
    let mut circuit = Circuit::probing(&Config { ignored: vec![pattern(ErrorPart::Code, "404")], ..on_failures() });
    for _ in 0..10 {
        assert_eq!(effect(&mut circuit, "", "", "404"), Effect::Ignored);
        let status = circuit.status();
        assert_eq!((status.state, status.probes, status.successes), (State::HalfOpen, 0, 0));
    }
}

#[test]
fn huge_error_texts_are_looked_at_up_to_8_kib() {
    let ignored = vec![pattern(ErrorPart::Message, &format!("{}b", "*a".repeat(500))), pattern(ErrorPart::Name, "*😀")];
    let mut circuit = Circuit::new(&Config { ignored, ..on_failures() });
    let huge = "a".repeat(10_000_000) + "b";
    assert_eq!(effect(&mut circuit, "", &huge, ""), Effect::CountedFailure);
    let emoji = "😀".repeat(3_000_000);
    assert_eq!(effect(&mut circuit, &emoji, "\0", "{}:"), Effect::Ignored);
}

fn effect_of(circuit: &mut Circuit, errors: &[Error<'_>]) -> Effect {
    let permit = circuit.permit();
    circuit.breaker.failed(&mut circuit.world, 0, permit, 1, errors).effect
}

#[test]
fn a_status_is_matched_by_itself_and_by_any() {
    let replied = Error { name: "HTTPStatusError", status: "503", ..Error::default() };
    for (part, counts) in [
        (ErrorPart::Status, true),
        (ErrorPart::Any, true),
        (ErrorPart::Code, false),
        (ErrorPart::Name, false),
        (ErrorPart::Message, false),
    ] {
        let mut circuit = Circuit::new(&Config { monitored: vec![pattern(part, "5??")], ..on_failures() });
        let expected = if counts { Effect::CountedFailure } else { Effect::Ignored };
        assert_eq!(effect_of(&mut circuit, &[replied]), expected, "{part:?}");
    }
}

#[test]
fn a_pattern_that_matches_a_cause_matches_the_error() {
    let (monitored, ignored) = (vec![pattern(ErrorPart::Name, "*Timeout")], vec![pattern(ErrorPart::Code, "E404")]);
    let mut circuit = Circuit::new(&Config { monitored, ignored, ..on_failures() });
    let named = |name| Error { name, ..Error::default() };
    let missing = Error { code: "E404", ..Error::default() };
    assert_eq!(effect_of(&mut circuit, &[named("Wrapped"), named("ConnectTimeout")]), Effect::CountedFailure);
    assert_eq!(effect_of(&mut circuit, &[named("Wrapped")]), Effect::Ignored);
    assert_eq!(effect_of(&mut circuit, &[named("ConnectTimeout"), missing]), Effect::Ignored);
}

#[test]
fn sixteen_errors_are_looked_at_and_none_is_one_without_text() {
    let mut errors = vec![Error::default(); 16];
    errors.push(Error { name: "Last", ..Error::default() });
    let mut circuit = Circuit::new(&Config { monitored: vec![pattern(ErrorPart::Name, "Last")], ..on_failures() });
    assert_eq!(effect_of(&mut circuit, &errors), Effect::Ignored);
    assert_eq!(effect_of(&mut circuit, &errors[1..]), Effect::CountedFailure);
    let mut circuit = Circuit::new(&Config { monitored: vec![pattern(ErrorPart::Any, "*")], ..on_failures() });
    assert_eq!(effect_of(&mut circuit, &[]), Effect::CountedFailure);
}

#[test]
fn an_error_that_is_not_monitored_is_a_success_where_that_is_said() {
    let monitored = vec![pattern(ErrorPart::Status, "5??")];
    let config = Config { monitored, others: Others::Success, ..on_consecutive() };
    let mut circuit = Circuit::new(&config);
    circuit.fail_times(2);
    let permit = circuit.permit();
    let other = circuit.breaker.failed(&mut circuit.world, 0, permit, 1, &[]);
    assert_eq!((other.effect, other.consecutive, other.settle), (Effect::CountedSuccess, 0, Settle::Later));
    let mut probing = Circuit::probing(&config);
    (0..2).for_each(|_| assert_eq!(effect_of(&mut probing, &[]), Effect::CountedSuccess));
    assert_eq!(probing.status().state, State::Closed);
    let ignored = vec![pattern(ErrorPart::Any, "*")];
    let mut circuit = Circuit::new(&Config { ignored, ..config });
    assert_eq!(effect_of(&mut circuit, &[]), Effect::Ignored);
}

#[test]
fn a_slow_call_that_was_given_up_counts_as_slow_and_ends_no_row_of_failures() {
    let trip = Trip { consecutive: Some(3), ..on_slow_rate().trip };
    let mut circuit = Circuit::new(&Config { trip, ..on_slow_rate() });
    circuit.fail_times(2);
    let permit = circuit.permit();
    let soon = circuit.cancel_after(permit, 99);
    assert_eq!((soon.effect, soon.calls), (Effect::Ignored, 2));
    let permit = circuit.permit();
    let slow = circuit.cancel_after(permit, 100);
    assert_eq!((slow.effect, slow.settle), (Effect::CountedSlow, Settle::Now));
    assert_eq!((slow.calls, slow.slow, slow.failed, slow.consecutive), (3, 1, 2, 2));
    assert_eq!(circuit.failure().state, State::Open);
}

#[test]
fn a_time_limit_that_was_set_is_always_monitored_and_may_be_ignored() {
    let timed_out = Error { name: "CallTimeoutError", ..Error::default() };
    let monitored = vec![pattern(ErrorPart::Status, "5??")];
    let mut circuit = Circuit::new(&Config { monitored, ..on_failures() });
    assert_eq!(effect_of(&mut circuit, &[timed_out]), Effect::CountedFailure);
    assert_eq!(effect_of(&mut circuit, &[Error::default(), timed_out]), Effect::Ignored);
    let ignored = vec![pattern(ErrorPart::Name, "CallTimeout*")];
    let mut circuit = Circuit::new(&Config { ignored, ..on_failures() });
    assert_eq!(effect_of(&mut circuit, &[timed_out]), Effect::Ignored);
}
