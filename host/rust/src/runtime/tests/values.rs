//! Each function of the contract carries the same values both ways: through the core module, and
//! through the component API.

use std::sync::Arc;

use super::super::guest::Loaded;
use super::super::{engine, module};
use super::with_other_inside;
use crate::runtime::wit::{circuit_breaker as breaker, rate_limiter as limiter};
use crate::runtime::{ComponentSource, Exports, OpenError, Runtime, RuntimeOptions};
use crate::strategies::circuit_breaker::Breakers;
use crate::strategies::rate_limiter::{self, Limiters};
use crate::transaction::Transaction;

static BUILT: &[u8] = include_bytes!(env!("TIDEGATE_COMPONENT_FILE"));

fn runtimes() -> [Arc<Runtime>; 2] {
    [BUILT.to_vec(), with_other_inside(BUILT)].map(|component| {
        let component = ComponentSource::Bytes(component.into());
        Runtime::open(&RuntimeOptions { component, ..RuntimeOptions::default() }).expect("it is of the world")
    })
}

fn loaded(component: Vec<u8>) -> Loaded {
    let component = ComponentSource::Bytes(component.into());
    engine::load(&RuntimeOptions { component, ..RuntimeOptions::default() }).expect("it is of the world").1
}

#[test]
fn the_core_module_is_run_where_it_is_alone() {
    assert!(matches!(loaded(BUILT.to_vec()), Loaded::Module(_)));
    assert!(matches!(loaded(with_other_inside(BUILT)), Loaded::Component(_)));
}

#[test]
fn what_is_no_component_has_no_core_module() {
    for bytes in [&b""[..], b"no wasm", b"\0asm\x01\0\0\0", &BUILT[..BUILT.len() - 1]] {
        assert!(module::of(bytes).is_none());
    }
}

fn limits() -> Vec<limiter::Limit> {
    let window = |unit, count| limiter::Window { unit, count };
    let limit = |limit, window, algorithm| limiter::Limit { limit, window, algorithm };
    let bucket = |burst| limiter::Bucket { burst };
    vec![
        limit(5, window(limiter::WindowUnit::Second, 1), limiter::Algorithm::Gcra(bucket(Some(7)))),
        limit(9, window(limiter::WindowUnit::Minute, 2), limiter::Algorithm::TokenBucket(bucket(None))),
        limit(8, window(limiter::WindowUnit::Hour, 1), limiter::Algorithm::FixedWindow),
        limit(6, window(limiter::WindowUnit::Day, 1), limiter::Algorithm::SlidingLog),
    ]
}

fn limiters() -> Vec<limiter::Config> {
    let lease = limiter::Lease { max_permits: 2, life_ms: 10 };
    let queue = limiter::Queue { max_size: 3, timeout_ms: 1_000, grace_ms: 100 };
    let config = |limits, on_limit, lease| limiter::Config { limits, on_limit, lease };
    vec![
        config(limits(), limiter::OnLimit::Reject, None),
        config(limits(), limiter::OnLimit::Delay(limiter::Delay { max_wait_ms: 500 }), None),
        config(limits(), limiter::OnLimit::Queue(queue), None),
        config(limits()[..1].to_vec(), limiter::OnLimit::Reject, Some(lease)),
        config(Vec::new(), limiter::OnLimit::Queue(limiter::Queue { max_size: 0, ..queue }), Some(lease)),
    ]
}

fn breakers() -> Vec<breaker::Config> {
    let trip = breaker::Trip {
        failures: Some(breaker::FailureCount { count: 3, within_ms: 1_000 }),
        consecutive: Some(5),
        failure_rate: Some(breaker::FailureRate { percent: 12.5 }),
        slow_rate: Some(breaker::SlowRate { percent: 50.0, slower_than_ms: 20 }),
        sample: breaker::Sample::WindowMs(10_000),
        minimum_calls: 4,
    };
    let half_open = |rule| breaker::HalfOpen { probes: 3, successes: 2, permit_ms: 500, rule };
    let pattern = |part, pattern: &str| breaker::ErrorPattern { part, pattern: pattern.to_owned() };
    let config = breaker::Config {
        trip,
        open_ms: 1_000,
        backoff: Some(breaker::Backoff { factor: 1.5, cap_ms: 60_000 }),
        half_open: half_open(breaker::ProbeRule::Rate(breaker::ProbeRate { percent: 66.0, of: 3 })),
        monitored: vec![pattern(breaker::ErrorPart::Status, "5*"), pattern(breaker::ErrorPart::Any, "*größer*")],
        others: breaker::Others::Ignored,
        ignored: vec![pattern(breaker::ErrorPart::Name, "")],
        mode: breaker::Mode::Normal,
    };
    let bare = breaker::Trip {
        failures: None,
        failure_rate: None,
        slow_rate: None,
        sample: breaker::Sample::Calls(9),
        ..trip
    };
    vec![
        config.clone(),
        breaker::Config {
            half_open: half_open(breaker::ProbeRule::Ratio(2)),
            mode: breaker::Mode::ForcedOpen,
            ..config.clone()
        },
        breaker::Config { trip: bare, backoff: None, others: breaker::Others::Success, ..config.clone() },
        breaker::Config { trip: breaker::Trip { consecutive: Some(0), ..trip }, open_ms: 0, ..config },
    ]
}

/// What each runtime answers to the calls, one after the other on the same cells, or the problems
/// of the settings.
fn answers<E: Exports>(config: impl Fn() -> E::Config, requests: &[E::Request]) -> [Vec<String>; 2] {
    runtimes().map(|runtime| {
        let policy = match runtime.open_policy::<E>(config()) {
            Ok(policy) => policy,
            Err(OpenError::Problems(problems)) => return vec![format!("{problems:?}")],
            Err(OpenError::Run(error)) => panic!("{error}"),
        };
        let mut tx = Transaction::default();
        tx.begin_direct(super::NOW_US, 1);
        let mut make = |request: &E::Request| {
            let answer =
                runtime.run(&policy, &mut tx, |guest, store, resource| E::call(request, 0, guest, store, resource));
            format!("{:?}", answer.expect("it runs"))
        };
        let mut answers: Vec<_> = requests.iter().map(&mut make).collect();
        let all: Vec<_> = requests.iter().map(|request| (0, request)).collect();
        let many = runtime.run(&policy, &mut tx, |guest, store, resource| E::call_many(&all, guest, store, resource));
        answers.push(format!("{many:?} {:?}", tx.entity(0)));
        answers
    })
}

#[test]
fn a_limiter_answers_alike_both_ways() {
    type Request = <Limiters as Exports>::Request;

    let requests = [
        Request::TryAcquire { cost: 2 },
        Request::Acquire { cost: 3, priority: -1, ticket: 0 },
        Request::Acquire { cost: 5, priority: i32::MIN, ticket: u64::MAX },
        Request::TryAcquire { cost: u32::MAX },
        Request::Peek { cost: 1 },
        Request::Refund { cost: 1, charged_at_us: super::NOW_US, full_at_us: 0 },
        Request::Charge { cost: 4 },
        Request::Cancel { ticket: 7 },
        Request::Release { now: true },
        Request::Reset,
    ];
    for config in limiters() {
        let [core, component] = answers::<Limiters>(|| rate_limiter::Config::Whole(config.clone()), &requests);
        assert_eq!(core, component);
        let asks = [1, 2, 9].map(|cost| Request::TryAcquire { cost });
        let [core, component] = answers::<Limiters>(|| rate_limiter::Config::Share(config.clone(), 3), &asks);
        assert_eq!(core, component);
    }
}

#[test]
fn a_breaker_answers_alike_both_ways() {
    type Request = <Breakers as Exports>::Request;

    let permit = breaker::Permit { generation: 1, admitted_at_us: super::NOW_US - 5, probe: 0 };
    let error = |name: &str, status: &str| breaker::Error {
        name: name.to_owned(),
        message: "größer".to_owned(),
        code: String::new(),
        status: status.to_owned(),
    };
    let requests = [
        Request::Admit,
        Request::Succeeded { permit, elapsed_ms: 1 },
        Request::Failed { permit, elapsed_ms: 30, errors: vec![error("Timeout", "503"), error("", "")] },
        Request::Failed { permit, elapsed_ms: 30, errors: Vec::new() },
        Request::Cancelled { permit, elapsed_ms: u64::MAX },
        Request::Status,
        Request::SetMode { mode: breaker::Mode::Disabled },
        Request::Reset,
    ];
    for config in breakers() {
        let [core, component] = answers::<Breakers>(|| config.clone(), &requests);
        assert_eq!(core, component);
    }
}
