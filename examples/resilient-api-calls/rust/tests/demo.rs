//! The demo as a user runs it: what its summary says must add up and agree with itself.

use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use tidegate_test_support::redis_server::RedisServer;

/// The parts of the summary that are checked.
#[derive(Debug, Deserialize)]
struct Summary {
    workers: u32,
    items: Items,
    fallback: Fallbacks,
    limiter: Limiter,
    circuit: Circuit,
    server: Server,
}

#[derive(Debug, Deserialize)]
struct Items {
    asked: u32,
    passed: u32,
    failed: u32,
    failed_fast: u32,
    denied: u32,
    undecided: u32,
    lost: u32,
}

#[derive(Debug, Deserialize)]
struct Fallbacks {
    last_answer: u32,
    default: u32,
}

#[derive(Debug, Deserialize)]
struct Limiter {
    limit: u32,
    let_go: u32,
    most_in_any_second: u32,
}

#[derive(Debug, Deserialize)]
struct Circuit {
    transitions: Vec<Transition>,
}

#[derive(Debug, Deserialize)]
struct Transition {
    at_ms: u64,
    before: String,
    after: String,
}

#[derive(Debug, Deserialize)]
struct Server {
    seen: u32,
    answered_well: u32,
    answered_503: u32,
    per_second: Vec<Second>,
    most_in_promised_span: u32,
}

#[derive(Debug, Deserialize)]
struct Second {
    answered_well: u32,
    answered_503: u32,
}

/// The server fails for half a second from its tenth request on, and the circuit opens for a fifth
/// of one. The run goes on for two seconds at least after that.
const SHORT: [&str; 12] = [
    "--items",
    "160",
    "--rate",
    "40",
    "--fail-from",
    "10",
    "--fail-for-ms",
    "500",
    "--open-ms",
    "200",
    "--failures",
    "5",
];

fn demo(flags: &[&str]) -> Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_resilient-api-calls")).args(flags).output().context("running the demo")
}

fn summary(flags: &[&str]) -> Result<Summary> {
    let output = demo(&[flags, &["--json"]].concat())?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{flags:?} ended with {}: {told}", output.status);
    serde_json::from_slice(&output.stdout).with_context(|| format!("{flags:?} told {told}"))
}

/// What holds for any run in which the store and all workers stayed.
fn adds_up(summary: &Summary) {
    let (items, server) = (&summary.items, &summary.server);
    assert_eq!(items.passed + items.failed + items.failed_fast + items.denied, items.asked, "{summary:#?}");
    assert_eq!((items.undecided, items.lost), (0, 0), "{summary:#?}");
    assert_eq!(summary.limiter.let_go, items.asked - items.denied, "{summary:#?}");
    assert_eq!(summary.fallback.last_answer + summary.fallback.default, items.failed_fast, "{summary:#?}");
    assert_eq!((server.answered_well, server.answered_503), (items.passed, items.failed), "{summary:#?}");
    let per_second = |second: &Second| second.answered_well + second.answered_503;
    assert_eq!(server.per_second.iter().map(per_second).sum::<u32>(), server.seen, "{summary:#?}");
    assert!(summary.limiter.most_in_any_second <= summary.limiter.limit, "{summary:#?}");
    assert!(server.most_in_promised_span <= summary.limiter.limit, "{summary:#?}");
}

/// Each state follows from the one before, whichever process reported it.
fn is_a_chain(circuit: &[Transition]) {
    let mut state = "closed";
    let mut at_ms = 0;
    for transition in circuit {
        assert_eq!(transition.before, state, "{circuit:#?}");
        assert!(transition.at_ms >= at_ms, "{circuit:#?}");
        (state, at_ms) = (&transition.after, transition.at_ms);
    }
}

fn opened_and_closed(circuit: &[Transition]) {
    is_a_chain(circuit);
    let has = |before, after| circuit.iter().any(|change| change.before == before && change.after == after);
    assert!(has("closed", "open"), "{circuit:#?}");
    assert!(has("open", "half-open"), "{circuit:#?}");
    assert!(has("half-open", "closed"), "{circuit:#?}");
    assert_eq!(circuit.last().map(|change| change.after.as_str()), Some("closed"), "{circuit:#?}");
}

#[test]
fn the_circuit_opens_while_the_server_fails_and_the_numbers_add_up() -> Result<()> {
    let summary = summary(&SHORT)?;
    adds_up(&summary);
    opened_and_closed(&summary.circuit.transitions);
    assert!(summary.items.failed >= 5, "{summary:#?}");
    assert!(summary.items.failed_fast > 0, "{summary:#?}");
    Ok(())
}

#[test]
fn three_processes_share_one_limit_and_one_circuit_through_redis() -> Result<()> {
    let redis = RedisServer::start()?;
    let url = redis.url();
    let flags = ["--workers", "3", "--concurrency", "4", "--store", &url];
    let summary = summary(&[&SHORT[..], &flags].concat())?;
    assert_eq!(summary.workers, 3);
    adds_up(&summary);
    opened_and_closed(&summary.circuit.transitions);
    Ok(())
}

#[test]
fn a_server_that_never_fails_leaves_the_circuit_closed() -> Result<()> {
    let summary = summary(&["--items", "20", "--rate", "1000", "--fail-from", "0", "--latency-ms", "0"])?;
    adds_up(&summary);
    assert_eq!(summary.items.passed, 20, "{summary:#?}");
    assert!(summary.circuit.transitions.is_empty(), "{summary:#?}");
    Ok(())
}

#[test]
fn items_that_may_not_wait_long_enough_are_denied_and_not_sent() -> Result<()> {
    let summary = summary(&["--items", "12", "--rate", "2", "--queue-timeout-ms", "1", "--fail-from", "0"])?;
    adds_up(&summary);
    assert!(summary.items.denied > 0, "{summary:#?}");
    Ok(())
}

#[test]
fn the_text_has_the_same_parts_as_the_json() -> Result<()> {
    let output = demo(&["--items", "5", "--rate", "1000"])?;
    let text = String::from_utf8(output.stdout)?;
    for part in ["5 items in ", "passed           5", "waited: p50", "stayed closed", "5 in all: 5 answered, 0 refused"]
    {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    let progress = String::from_utf8(output.stderr)?;
    assert!(progress.contains("5 of 5  passed 5  failed 0  failed fast 0  circuit closed"), "{progress}");
    Ok(())
}

#[test]
fn a_bad_flag_is_quoted_in_one_sentence() -> Result<()> {
    let cases: [(&[&str], &str); 12] = [
        (&["--rate", "ten"], "--rate is \"ten\", must be a whole number from 1 to 1000000"),
        (&["--items=0"], "--items is \"0\", must be a whole number from 1 to 1000000"),
        (&["--items", "-1"], "--items is \"-1\", must be a whole number from 1 to 1000000"),
        (&["--workers", "33"], "--workers is \"33\", must be a whole number from 1 to 32"),
        (&["--open-ms", "86400001"], "--open-ms is \"86400001\", must be a whole number from 1 to 86400000"),
        (&["--store", "etcd://host"], "--store is \"etcd://host\", must be memory or a URL redis://host:port"),
        (
            &["--store", "http://me:secret@host"],
            "--store is \"http://host\", must be memory or a URL redis://host:port",
        ),
        (&["--items"], "--items needs a value; see --help"),
        (&["--itmes", "3"], "invalid option '--itmes'; see --help"),
        (&["three"], "unexpected argument \"three\"; see --help"),
        (&["--json=yes"], "unexpected argument for option '--json': \"yes\"; see --help"),
        (
            &["--workers", "2"],
            "--workers 2 needs --store redis://host:port: each process has a memory of its own, so only a shared store \
             can hold one limit for all",
        ),
    ];
    for (flags, problem) in cases {
        let output = demo(flags)?;
        assert_eq!(output.status.code(), Some(2), "{flags:?}");
        assert_eq!(String::from_utf8(output.stderr)?, format!("error: {problem}\n"), "{flags:?}");
        assert!(output.stdout.is_empty(), "{flags:?}");
    }
    Ok(())
}

#[test]
fn a_store_that_is_away_ends_the_demo_with_its_reason() -> Result<()> {
    let mut redis = RedisServer::start()?;
    redis.kill()?;
    for workers in ["1", "2"] {
        let output = demo(&["--items", "3", "--store", &redis.url(), "--workers", workers, "--json"])?;
        let told = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(&format!("error: --store {}: ", redis.url())), "{told}");
        assert!(output.stdout.is_empty(), "there is nothing to sum up");
    }
    Ok(())
}

#[test]
fn help_names_every_flag() -> Result<()> {
    let output = demo(&["--help"])?;
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout)?;
    for flag in
        ["items", "rate", "store", "workers", "concurrency", "queue-timeout-ms", "failures", "open-ms", "fail-from"]
            .into_iter()
            .chain(["fail-for-ms", "latency-ms", "key", "json", "help"])
    {
        assert!(help.contains(&format!("  --{flag} ")), "--{flag} is not in {help}");
    }
    Ok(())
}
