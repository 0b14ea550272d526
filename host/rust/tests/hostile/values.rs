//! What others wrote over the values of our cells.

use std::time::Duration;

use tidegate::{Algorithm, CircuitBreaker, Decision, Failure, RateLimiter, State, Tidegate};

use super::scene::{Scene, Stranger, assert_sound, circuits, limiters};

/// A kind of value to write over ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Garbage {
    Text,
    Empty,
    Truncated,
    Huge,
    Negative,
    Lasting,
    TwoMegabytes,
    NotUtf8,
    List,
    Hash,
    AnotherPolicys,
}

impl Garbage {
    const ALL: [Self; 11] = [
        Self::Text,
        Self::Empty,
        Self::Truncated,
        Self::Huge,
        Self::Negative,
        Self::Lasting,
        Self::TwoMegabytes,
        Self::NotUtf8,
        Self::List,
        Self::Hash,
        Self::AnotherPolicys,
    ];

    /// Whether it must be counted. What is left of a value may be one, a number is one where
    /// numbers are kept, and Redis tells a reader of text nothing at all of lists and hashes: they
    /// read as absent.
    fn is_counted(self) -> bool {
        !matches!(self, Self::Truncated | Self::Lasting | Self::List | Self::Hash)
    }

    fn write_over(self, stranger: &mut Stranger, key: &str) {
        let own = stranger.value(key).0;
        let key = key.as_bytes();
        let mut set = |value: &[u8]| stranger.run::<()>("SET", &[key, value, b"PX", b"60000"]);
        match self {
            Self::Text => set("ceci n'est pas une valeur \u{1f30a}\0\n".as_bytes()),
            Self::Empty => set(b""),
            Self::Truncated => set(&own.as_bytes()[..own.len() / 2]),
            Self::Huge => set(b"99999999999999999999999999"),
            Self::Negative => set(b"-1"),
            Self::Lasting => stranger.run("SET", &[key, b"9007199254740992"]),
            Self::TwoMegabytes => set(&vec![b'7'; 2 * 1024 * 1024]),
            Self::NotUtf8 => set(b"c1 closed \xff\xfe"),
            Self::List => {
                stranger.run::<()>("DEL", &[key]);
                stranger.run::<()>("RPUSH", &[key, b"1"]);
            }
            Self::Hash => {
                stranger.run::<()>("DEL", &[key]);
                stranger.run::<()>("HSET", &[key, b"1", b"1"]);
            }
            Self::AnotherPolicys if own.starts_with("c1") => set(b"q1 1763640012345678 0,5,1,250000"),
            Self::AnotherPolicys => set(b"c1 closed generation=1763640012345678 at=1763640012345678"),
        }
    }
}

/// Spends a limit of three, and has one wait where waiting is possible.
async fn use_up(limiter: &RateLimiter, key: &str) -> Decision {
    let mut last = None;
    for _ in 0..4 {
        last = Some(limiter.decide(key, None).await.expect("the store answers"));
    }
    last.expect("it was asked")
}

/// Makes every call there is; how many values were found that are not ours.
async fn ask_all(limiter: &RateLimiter, key: &str, last: &Decision, what: &str) -> u32 {
    let mut asked = vec![
        limiter.peek(key).await,
        limiter.try_acquire(key).await,
        limiter.decide(key, None).await,
        limiter.decide(key, last.ticket).await,
        limiter.refund(key, last).await,
    ];
    for _ in 0..4 {
        asked.push(limiter.try_acquire(key).await);
    }
    let (mut discarded, mut allowed) = (0, 0);
    for decision in asked {
        let decision = decision.expect("the store answers");
        discarded += decision.discarded;
        allowed += u32::from(decision.is_allowed() && decision.charged_at_us.is_some());
    }
    // A window that is aligned to the hour may have begun meanwhile.
    let is_aligned =
        matches!(limiter.config().limits[0].algorithm, Algorithm::FixedWindow | Algorithm::SlidingWindowCounter);
    // What was lost can be had anew, and the one that was given back.
    assert!(allowed <= 4 || is_aligned, "{what}: {allowed} were allowed by {:?}", limiter.config());
    if let Some(ticket) = last.ticket {
        limiter.cancel(key, ticket).await.expect("the store answers");
    }
    discarded
}

/// Two hosts: one that used the entity before, and one that never saw it.
async fn hosts(scene: &Scene) -> [Tidegate; 2] {
    [scene.gate().await, scene.gate().await]
}

fn cells_of(stranger: &mut Stranger, limiter: &RateLimiter, key: &str) -> Vec<String> {
    stranger.keys(&format!("tidegate:{{rl:{}:{key}}}:*", limiter.config().name))
}

#[tokio::test]
async fn garbage_in_the_cells_of_limiters_is_counted_and_decided_on_as_if_absent() {
    let (scene, minute) = (Scene::new(), Duration::from_mins(1));
    let (hosts, mut stranger) = (hosts(&scene).await, scene.stranger());
    for config in limiters(minute, minute) {
        let open = |gate: &Tidegate| gate.rate_limiter(config.clone()).expect("the configuration is valid");
        let here = open(&hosts[0]);
        use_up(&here, "sample").await;
        let cells = cells_of(&mut stranger, &here, "sample").len();
        assert!(cells > 0, "{config:?}");
        for (host, cell) in hosts.iter().flat_map(|host| (0..cells).map(move |cell| (host, cell))) {
            for garbage in Garbage::ALL {
                let key = format!("{cell}-{garbage:?}-{}", host.stats().commits);
                let last = use_up(&here, &key).await;
                let spoilt = cells_of(&mut stranger, &here, &key).swap_remove(cell);
                garbage.write_over(&mut stranger, &spoilt);
                let (before, what) = (host.stats().foreign, format!("{garbage:?} in {spoilt}"));
                let discarded = u64::from(ask_all(&open(host), &key, &last, &what).await);
                let found = discarded + host.stats().foreign - before;
                assert!(found > 0 || !garbage.is_counted(), "{what} was not found");
                assert_sound(&host.stats(), &what);
            }
        }
    }
}

/// Leaves counts of one failure; or a circuit that is open; or one that is half-open with a probe
/// in flight.
async fn bring_to(breaker: &CircuitBreaker, state: State) {
    let failures = if state == State::Closed { 1 } else { 3 };
    for _ in 0..failures {
        let permit = breaker.admit().await.expect("the store answers").permit.expect("it is closed");
        breaker.failed(permit, Duration::ZERO, Failure::default()).await.expect("the store answers");
    }
    if state == State::Closed {
        // Only an order or a change writes the state.
        breaker.reset().await.expect("the store answers");
        let permit = breaker.admit().await.expect("the store answers").permit.expect("it is closed");
        breaker.failed(permit, Duration::ZERO, Failure::default()).await.expect("the store answers");
    }
    while state == State::HalfOpen && !breaker.admit().await.expect("the store answers").is_admitted() {
        tokio::task::yield_now().await;
    }
}

/// Makes every call there is; how many values were found that are not ours.
async fn call_all(breaker: &CircuitBreaker) -> u32 {
    let mut reports = vec![breaker.status().await, breaker.admit().await];
    let permit = reports[1].as_ref().ok().and_then(|report| report.permit);
    if let Some(permit) = permit {
        reports.push(breaker.failed(permit, Duration::ZERO, Failure::default()).await);
        reports.push(breaker.succeeded(permit, Duration::ZERO).await);
        reports.push(breaker.cancelled(permit, Duration::ZERO).await);
    }
    reports.push(breaker.set_mode(tidegate::Mode::MetricsOnly).await);
    reports.push(breaker.reset().await);
    reports.into_iter().map(|report| report.expect("the store answers").discarded).sum()
}

/// Spoils a cell of a circuit in a state with every kind of garbage, and calls it through a host.
async fn spoil(scene: &Scene, here: &CircuitBreaker, host: &Tidegate, state: State, cell: usize) {
    let mut stranger = scene.stranger();
    let there = host.circuit_breaker(here.config().clone()).expect("the configuration is valid");
    for garbage in Garbage::ALL {
        let key = format!("{state:?}-{cell}-{garbage:?}-{}", host.stats().commits);
        bring_to(&here.keyed(&key), state).await;
        let spoilt = stranger.keys(&format!("tidegate:*:{key}}}:*")).swap_remove(cell);
        garbage.write_over(&mut stranger, &spoilt);
        let (before, what) = (host.stats().foreign, format!("{garbage:?} in {spoilt}"));
        let discarded = u64::from(call_all(&there.keyed(&key)).await);
        let found = discarded + host.stats().foreign - before;
        assert!(found > 0 || !garbage.is_counted(), "{what} was not found");
        assert_sound(&host.stats(), &what);
    }
}

#[tokio::test]
async fn garbage_in_the_cells_of_circuits_is_counted_and_decided_on_as_if_absent() {
    let scene = Scene::new();
    let hosts = hosts(&scene).await;
    for config in circuits() {
        let here = hosts[0].circuit_breaker(config).expect("the configuration is valid");
        for state in [State::Closed, State::Open, State::HalfOpen] {
            for (host, cell) in hosts.iter().flat_map(|host| (0..2).map(move |cell| (host, cell))) {
                spoil(&scene, &here, host, state, cell).await;
            }
        }
    }
}

#[tokio::test]
async fn a_number_that_never_expires_denies_nobody_and_is_gone_after_the_next_call() {
    let (scene, minute) = (Scene::new(), Duration::from_mins(1));
    let (gate, mut stranger) = (scene.gate().await, scene.stranger());
    for config in limiters(minute, minute) {
        let limiter = gate.rate_limiter(config.clone()).expect("the configuration is valid");
        limiter.try_acquire("k").await.expect("the store answers");
        for cell in cells_of(&mut stranger, &limiter, "k") {
            Garbage::Lasting.write_over(&mut stranger, &cell);
        }
        let decision = limiter.try_acquire("k").await.expect("the store answers");
        assert!(decision.is_allowed(), "{config:?}: {decision:?}");
        for cell in cells_of(&mut stranger, &limiter, "k") {
            let (value, pttl) = stranger.value(&cell);
            assert!(pttl > 0, "{cell} holds {value} for ever");
        }
    }
    assert_sound(&gate.stats(), "numbers that never expire");
}
