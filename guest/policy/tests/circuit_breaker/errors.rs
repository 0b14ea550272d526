//! Which errors count.

use tidegate_policy::circuit_breaker::{Config, Effect, Error, ErrorPart, ErrorPattern, State};

use crate::common::{Circuit, on_failures};

fn pattern(part: ErrorPart, pattern: &str) -> ErrorPattern {
    ErrorPattern { part, pattern: pattern.to_string() }
}

fn effect(circuit: &mut Circuit, name: &str, message: &str, code: &str) -> Effect {
    let permit = circuit.permit();
    circuit.breaker.failed(&mut circuit.world, 0, permit, 1, &Error { name, message, code }).effect
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
