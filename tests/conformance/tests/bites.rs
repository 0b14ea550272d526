//! The suite bites: whatever a driver gets wrong makes it fail.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;

use tidegate_conformance::cases;
use tidegate_conformance::drivers::{Driver, Places};
use tidegate_conformance::generate;
use tidegate_conformance::protocol::Run;
use tidegate_conformance::verdict::{Verdict, judge};

const CASES: &str = r#"[
    {
        "name": "one",
        "limiter": { "limits": [{ "limit": 1, "window": "second" }] },
        "steps": [[0, "try-acquire", {}, { "verdict": "allowed", "remaining": 0 }], [0, "try-acquire", {}, "denied"]]
    },
    {
        "name": "two",
        "breaker": { "trip": { "consecutive": 1 } },
        "steps": [[0, "admit", { "as": "a" }, "admitted"], [1, "failed", { "permit": "a" }, { "state": "open" }]]
    },
    {
        "name": "three",
        "limiter": { "limits": [] },
        "problems": [{ "path": "limits", "value": "0 limits", "allowed": "1 to 8 limits" }]
    }
]"#;

fn rust() -> Driver {
    let places = Places::find().expect("this program knows where it is");
    places.drivers().into_iter().next().expect("there are drivers")
}

/// The Rust driver with its log changed by `sed`.
fn tampered(script: &str) -> Driver {
    let program = rust().command.remove(0).into_string().expect("the path is text");
    let command = ["sh", "-c", &format!("'{program}' | sed '{script}'")].map(OsString::from).to_vec();
    Driver { name: "tampered".to_owned(), command, direct: false, kept_in: None }
}

fn judged(text: &str, others: &[Driver]) -> Verdict {
    let cases = cases::read("test", text).expect("the cases are of the format");
    let runs: Vec<Run> = cases.iter().flat_map(|case| case.runs.clone()).collect();
    let expected: HashMap<_, _> =
        cases.iter().flat_map(|case| case.runs.iter().map(|run| (run.case.clone(), case.expected.clone()))).collect();
    judge(&runs, &expected, &[&[rust()], others].concat())
}

/// Who failed at what, as `driver case`.
fn failures(verdict: &Verdict) -> Vec<String> {
    verdict.failures.iter().map(|failure| format!("{} {}", failure.driver, failure.case)).collect()
}

#[test]
fn all_is_well_with_a_driver_that_says_the_same() {
    let verdict = judged(CASES, &[tampered("")]);
    assert_eq!(verdict.failures, []);
    assert_eq!(verdict.columns.len(), 2);
    assert!(verdict.columns.iter().all(|column| column.right.len() == 6 && column.answers == 8), "{verdict:?}");
}

#[test]
fn one_changed_byte_of_a_log_fails_its_case() {
    let verdict = judged(CASES, &[tampered("s/\"retryAfterMs\":1000/\"retryAfterMs\":1001/")]);
    assert_eq!(failures(&verdict), ["tampered test/one@memory", "tampered test/one@ledger"]);
    assert!(verdict.failures[0].what.contains("\"retryAfterMs\":1001"), "{verdict:?}");
}

#[test]
fn a_space_more_fails_its_case() {
    let verdict = judged(CASES, &[tampered("s/{\"open\":\"policy\",/{\"open\":\"policy\", /")]);
    assert_eq!(verdict.failures.len(), 6);
}

#[test]
fn a_line_left_out_fails_its_case() {
    let verdict = judged(CASES, &[tampered("/\"state\":\"open\"/d")]);
    assert_eq!(failures(&verdict), ["tampered test/two@memory", "tampered test/two@ledger"]);
}

#[test]
fn a_case_left_out_fails() {
    let verdict = judged(CASES, &[tampered("/\"case\":\"test\\/two@ledger\"/,/\"end\":\"test\\/two@ledger\"/d")]);
    assert_eq!(failures(&verdict), ["tampered test/two@ledger"]);
    assert!(verdict.failures[0].what.contains("not reported"));
}

#[test]
fn a_case_reported_twice_fails() {
    let verdict = judged(CASES, &[tampered("s/two@ledger/two@memory/")]);
    assert_eq!(failures(&verdict), ["tampered test/two@memory", "tampered test/two@ledger"]);
}

#[test]
fn a_driver_that_is_missing_fails_every_case() {
    let missing =
        Driver { name: "missing".to_owned(), command: vec!["/nowhere/driver".into()], direct: false, kept_in: None };
    let verdict = judged(CASES, &[missing]);
    assert_eq!(verdict.failures.len(), 7);
    assert!(verdict.failures[0].what.contains("cannot be started"), "{verdict:?}");
}

#[test]
fn a_driver_that_dies_fails_what_it_did_not_report() {
    let verdict = judged(CASES, &[tampered("/\"end\":\"test\\/one@ledger\"/q")]);
    assert_eq!(failures(&verdict).len(), 4, "{verdict:?}");
}

#[test]
fn a_decision_other_than_expected_fails_on_the_reference_itself() {
    let verdict = judged(&CASES.replace("\"remaining\": 0", "\"remaining\": 1"), &[]);
    assert_eq!(failures(&verdict), ["rust test/one@memory", "rust test/one@ledger"]);
    assert!(verdict.failures[0].what.contains("remaining is 0, expected 1"), "{verdict:?}");
}

#[test]
fn a_problem_list_other_than_expected_fails() {
    let verdict = judged(&CASES.replace("1 to 8 limits", "1 to 10"), &[]);
    assert_eq!(failures(&verdict), ["rust test/three@memory", "rust test/three@ledger"]);
}

#[test]
fn settings_that_are_refused_without_being_expected_to_fail() {
    let verdict = judged(&CASES.replace("\"window\": \"second\"", "\"window\": \"second\", \"windowCount\": 0"), &[]);
    assert_eq!(failures(&verdict), ["rust test/one@memory", "rust test/one@ledger"]);
}

#[test]
fn a_generated_case_fails_where_one_driver_decides_otherwise() {
    let runs: Vec<Run> = (0..4).map(|index| generate::run(1, index)).collect();
    let places = Places::find().expect("this program knows where it is");
    let drivers = [rust(), places.direct(), tampered("s/^\\({\"step\":5[0-9],.*\"discarded\":\\)0/\\11/")];
    let verdict = judge(&runs, &HashMap::new(), &drivers);
    assert_eq!(failures(&verdict), (0..4).map(|index| format!("tampered generated/1/{index}")).collect::<Vec<_>>());
}

#[test]
fn logs_are_kept_as_the_driver_wrote_them() {
    let kept_in = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rust.log");
    std::fs::write(&kept_in, "").expect("the folder of this program can be written");
    let driver = Driver { kept_in: Some(kept_in.clone()), ..rust() };
    let runs: Vec<Run> = (0..2).map(|index| generate::run(1, index)).collect();
    let verdict = judge(&runs, &HashMap::new(), &[driver]);
    assert_eq!(verdict.failures, []);
    let kept = std::fs::read_to_string(kept_in).expect("the logs are kept");
    assert_eq!(kept.lines().filter(|line| line.starts_with("  {\"step\":")).count(), verdict.columns[0].answers);
    assert!(kept.starts_with("generated/1/0\n  {\"open\":") && kept.contains("\ngenerated/1/1\n"), "{kept}");
}

#[test]
fn tables_make_a_case_of_each_row() {
    let text = r#"[{
        "table": { "each": { "limit": { "one": 1, "two": 2 }, "window": { "s": "second", "m": "minute" } } },
        "case": { "name": "${limit} by ${window}", "limiter": { "limits": [{ "limit": "$limit", "window": "$window" }] } }
    }]"#;
    let cases = cases::read("test", text).expect("the table is of the format");
    let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names, ["test/one by m", "test/one by s", "test/two by m", "test/two by s"]);
    assert_eq!(cases[3].runs[0].policies[0].config["limits"][0]["limit"], 2);
}

#[test]
fn a_misspelt_member_of_a_case_is_an_error() {
    for (text, what) in [
        (r#"[{ "name": "a", "limiter": {}, "step": [] }]"#, "step"),
        (r#"[{ "name": "a", "limiter": {}, "steps": [[0, "peek", { "costs": 1 }]] }]"#, "costs"),
        (
            r#"[{ "name": "a", "limiter": {}, "steps": [[0, "refund", { "charged": "b" }]] }]"#,
            "no step before is called b",
        ),
    ] {
        let error = cases::read("test", text).expect_err("the case is wrong");
        assert!(format!("{error:#}").contains(what), "{error:#}");
    }
}
