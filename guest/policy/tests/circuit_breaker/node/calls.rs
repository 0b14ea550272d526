//! The circuit breaker node: admissions, outcomes with and without a permit, and results.

use proptest::prelude::*;
use serde_json::json;
use tidegate_policy::circuit_breaker::{
    CircuitBreaker, Config, Effect, Error, FailureCount, HalfOpen, Mode, Others, ProbeRule, Sample, Settle, State, Trip,
};

use super::Circuit;
use super::support::{T0_US, assert_outputs, parsed, paths};

#[test]
fn a_result_has_exactly_its_fields_in_their_order() {
    let mut circuit = Circuit::new(&json!({}));
    let closed = r#"{"allowed":true,"circuitState":"closed","failedFast":false,"fallbackUsed":false,"failureCount":0,"successCount":0}"#;
    assert_eq!(circuit.admit().result, closed);
    let failed = circuit.fail("").result;
    let expected = r#"{"allowed":true,"circuitState":"closed","failedFast":false,"fallbackUsed":false,"failureCount":1,"successCount":0,"lastFailure":"2026-11-18T11:06:40.000Z"}"#;
    assert_eq!((failed.as_str(), T0_US), (expected, 1_795_000_000_000_000));
}

#[test]
fn the_outputs_of_the_registry_are_the_fields_of_a_result() {
    assert_outputs("circuit-breaker", &Circuit::opened(&json!({})).admit().result);
}

#[test]
fn an_open_circuit_fails_fast_and_only_default_uses_the_fallback() {
    let cases = [("error", json!(null), false), ("skip", json!(null), false), ("default", json!("later"), true)];
    for (action, value, used) in cases {
        let mut circuit = Circuit::opened(&json!({ "fallbackAction": action, "fallbackValue": value }));
        let step = circuit.admit();
        let found = parsed(&step.result);
        let picked = (&found["allowed"], &found["circuitState"], &found["failedFast"], &found["fallbackUsed"]);
        assert_eq!(picked, (&json!(false), &json!("open"), &json!(true), &json!(used)), "{action}");
        assert_eq!((step.token.as_str(), step.report.retry_after_ms), ("", 5_000));
    }
}

#[test]
fn outcomes_count_by_their_permits_from_any_host() {
    let mut circuit = Circuit::new(&json!({}));
    let tokens: Vec<String> = (0..3).map(|_| circuit.admit().token).collect();
    for token in &tokens {
        assert_eq!(circuit.fail(token).report.effect, Effect::CountedFailure);
    }
    assert!(!circuit.admit().allowed);
    circuit.world.pass_ms(5_000);
    assert_eq!(circuit.fail(&tokens[0]).report.effect, Effect::Late);
    let probes = [circuit.admit().token, circuit.admit().token];
    assert_eq!(circuit.admit().report.effect, Effect::RefusedProbes);
    let first = parsed(&circuit.succeed(&probes[1]).result);
    assert_eq!((&first["circuitState"], &first["successCount"]), (&json!("half-open"), &json!(1)));
    assert_eq!(circuit.succeed(&probes[0]).report.state, State::Closed);
}

#[test]
fn an_outcome_that_nobody_kept_the_permit_of_counts_in_a_closed_circuit() {
    let mut circuit = Circuit::new(&json!({}));
    circuit.admit();
    let step = circuit.succeed("");
    assert_eq!((step.report.effect, step.report.settle), (Effect::CountedSuccess, Settle::Later));
    for count in 1..=3 {
        circuit.admit();
        assert_eq!(parsed(&circuit.fail("").result)["failureCount"], count);
    }
    assert!(!circuit.admit().allowed);
}

#[test]
fn an_outcome_that_nobody_kept_the_permit_of_settles_the_oldest_probe() {
    let mut circuit = Circuit::probing(&json!({}));
    circuit.admit();
    let second = circuit.admit().token;
    let step = circuit.succeed("");
    assert_eq!((step.report.effect, step.report.probes, step.report.successes), (Effect::CountedSuccess, 1, 1));
    assert_eq!(circuit.succeed(&second).report.state, State::Closed);
}

#[test]
fn a_failure_that_nobody_kept_the_permit_of_opens_the_half_open_circuit_again() {
    let mut circuit = Circuit::probing(&json!({}));
    circuit.admit();
    let step = circuit.fail("");
    assert_eq!((step.report.effect, step.report.state), (Effect::CountedFailure, State::Open));
}

#[test]
fn a_cancelled_call_that_nobody_kept_the_permit_of_frees_the_oldest_probe() {
    let mut circuit = Circuit::probing(&json!({ "successThreshold": 1 }));
    circuit.admit();
    assert!(!circuit.admit().allowed);
    let step = circuit.node.cancelled(&mut circuit.world, 0, "").expect("no token is needed");
    assert_eq!((step.report.effect, step.report.probes), (Effect::Ignored, 0));
    assert!(circuit.admit().allowed);
}

#[test]
fn an_outcome_without_a_permit_is_ignored_where_no_call_can_be_in_flight() {
    let mut open = Circuit::opened(&json!({}));
    let mut elapsed = Circuit::probing(&json!({}));
    let mut settled = Circuit::probing(&json!({}));
    let token = settled.admit().token;
    settled.succeed(&token);
    for (what, circuit) in [("open", &mut open), ("open time over", &mut elapsed), ("no probe in flight", &mut settled)]
    {
        let before: Vec<_> = circuit.world.live_cells().map(|(cell, text)| (cell, text.to_owned())).collect();
        for _ in 0..3 {
            assert_eq!(circuit.succeed("").report.effect, Effect::Late, "{what}");
            assert_eq!(circuit.fail("").report.effect, Effect::Late, "{what}");
        }
        let after: Vec<_> = circuit.world.live_cells().map(|(cell, text)| (cell, text.to_owned())).collect();
        assert_eq!(before, after, "{what}");
    }
}

#[test]
fn a_probe_whose_time_is_over_is_not_settled_by_an_outcome_without_a_permit() {
    let mut circuit = Circuit::probing(&json!({ "successThreshold": 1 }));
    circuit.admit();
    circuit.world.pass_ms(60_000);
    assert_eq!(circuit.succeed("").report.effect, Effect::Late);
    assert!(circuit.admit().allowed);
    assert_eq!(circuit.succeed("").report.state, State::Closed);
}

#[test]
fn monitored_errors_are_found_anywhere_in_the_name_or_the_message() {
    let cases = [
        (json!("all"), "X", "y", true),
        (json!(["Timeout"]), "ConnectTimeoutError", "", true),
        (json!(["refused"]), "Error", "connection refused by peer", true),
        (json!(["refused"]), "Error", "Refused", false),
        (json!(["a", "50?"]), "", "status 503 it was", true),
        (json!(["time*out"]), "", "the time ran out", true),
        (json!(["what\\?"]), "", "so what?", true),
        (json!(["what\\?"]), "", "so whatX", false),
        (json!(["503"]), "Error", "no", false),
    ];
    for (monitored, name, message, counts) in cases {
        let mut circuit = Circuit::new(&json!({ "monitoredErrors": monitored }));
        let token = circuit.admit().token;
        let effect = circuit.fail_with(&token, name, message).report.effect;
        let expected = if counts { Effect::CountedFailure } else { Effect::Ignored };
        assert_eq!(effect, expected, "{monitored} {name} {message}");
    }
}

#[test]
fn monitored_errors_are_found_in_the_code_the_status_and_the_causes() {
    let error = Error { name: "HTTPStatusError", message: "it failed", ..Error::default() };
    let coded = [Error { code: "ECONNREFUSED", ..error }];
    let replied = [Error { status: "503", ..error }];
    let caused = [error, Error::default(), Error { name: "ConnectTimeout", status: "504", ..Error::default() }];
    let cases: [(&str, &[Error<'_>], bool); 6] = [
        ("ECONN", &coded, true),
        ("50?", &replied, true),
        ("Timeout", &caused, true),
        ("504", &caused, true),
        ("504", &replied, false),
        ("ECONN", &caused, false),
    ];
    for (monitored, errors, counts) in cases {
        let mut circuit = Circuit::new(&json!({ "monitoredErrors": [monitored] }));
        let token = circuit.admit().token;
        let effect = circuit.fail_by(&token, errors).report.effect;
        let expected = if counts { Effect::CountedFailure } else { Effect::Ignored };
        assert_eq!(effect, expected, "{monitored} {errors:?}");
    }
}

#[test]
fn an_sdk_circuit_of_the_same_settings_is_the_same_circuit() {
    let mut circuit = Circuit::opened(&json!({}));
    let trip = Trip {
        failures: Some(FailureCount { count: 3, within_ms: 10_000 }),
        consecutive: None,
        failure_rate: None,
        slow_rate: None,
        sample: Sample::Calls(1),
        minimum_calls: 1,
    };
    let half_open = HalfOpen { probes: 2, successes: 2, permit_ms: 60_000, rule: ProbeRule::FirstFailure };
    let (monitored, others, ignored, mode) = (vec![], Others::Ignored, vec![], Mode::Normal);
    let config = Config { trip, open_ms: 5_000, backoff: None, half_open, monitored, others, ignored, mode };
    let breaker = CircuitBreaker::open(&config).expect("it is sound");
    assert_eq!(breaker.admit(&mut circuit.world, 0).effect, Effect::RefusedOpen);
    breaker.set_mode(&mut circuit.world, 0, Mode::ForcedOpen);
    let step = circuit.admit();
    assert_eq!((step.allowed, step.report.effect), (false, Effect::RefusedForced));
}

#[test]
fn a_status_changes_nothing_and_tells_whether_a_call_would_be_admitted() {
    let mut circuit = Circuit::probing(&json!({ "successThreshold": 1 }));
    let writes = circuit.world.writes();
    assert!(circuit.node.status(&mut circuit.world, 0).allowed);
    assert_eq!(circuit.world.writes(), writes);
    circuit.admit();
    let status = circuit.node.status(&mut circuit.world, 0);
    assert_eq!((status.allowed, parsed(&status.result)["failedFast"].clone()), (false, json!(true)));
    assert!(!Circuit::opened(&json!({})).admit().allowed);
}

#[test]
fn a_token_that_no_admission_gave_is_a_problem_and_changes_nothing() {
    let mut circuit = Circuit::new(&json!({}));
    let writes = circuit.world.writes();
    for token in ["x", "p1 1 1", "n1 passed at=1", "p1 -1 0 0"] {
        assert_eq!(paths(&circuit.node.succeeded(&mut circuit.world, 0, token).unwrap_err()), ["token"], "{token}");
        assert_eq!(paths(&circuit.node.cancelled(&mut circuit.world, 0, token).unwrap_err()), ["token"], "{token}");
    }
    assert_eq!(circuit.world.writes(), writes);
}

#[test]
fn results_go_where_the_configuration_says() {
    let circuit = Circuit::new(&json!({ "outputVariable": "circuit" }));
    let merged = circuit.node.output(r#"{"a":1.0}"#, r#"{"allowed":true}"#);
    assert_eq!(merged.as_deref(), Ok(r#"{"a":1.0,"circuit":{"allowed":true}}"#));
    let circuit = Circuit::new(&json!({}));
    let merged = circuit.node.output(r#"{"allowed":0,"a":1.0}"#, r#"{"allowed":true}"#);
    assert_eq!(merged.as_deref(), Ok(r#"{"allowed":true,"a":1.0}"#));
}

proptest! {
    #[test]
    fn any_order_of_calls_keeps_probes_within_bounds(calls in prop::collection::vec(0_u8..6, 0..60)) {
        let mut circuit = Circuit::new(&json!({}));
        let mut last = String::new();
        for call in calls {
            let step = match call {
                0 => circuit.admit(),
                1 => circuit.succeed(""),
                2 => circuit.fail(""),
                3 => circuit.succeed(&last),
                4 => circuit.node.cancelled(&mut circuit.world, 0, "").expect("no token is needed"),
                _ => {
                    circuit.world.pass_ms(2_500);
                    circuit.node.status(&mut circuit.world, 0)
                }
            };
            prop_assert!(step.report.probes <= 2 && step.report.successes < 2, "{:?}", step);
            prop_assert_eq!(step.report.discarded, 0);
            if !step.token.is_empty() {
                last = step.token;
            }
        }
    }
}
