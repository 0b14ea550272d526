//! After all faults, and after all that was charged has come back: a host that knows nothing asks
//! for everything.

use std::sync::Arc;
use std::time::Duration;

use tidegate::{Ask as Permits, CircuitBreaker, CircuitReport, RateLimiter, RateLimiterConfig, WhenAway};

use crate::actor::{Host, room, tag_of};
use crate::record::{Answer, Ask};
use crate::scenario::Target;
use crate::world::World;

/// How often a host is asked until it answers from the store.
const MAX_VISITS: u32 = 10;
/// How often a circuit is asked at most.
const MAX_ASKS: u32 = 40;

/// Cuts a host off for one call on each limiter. What that is let go with is posted, so that the
/// next peek counts it.
pub(crate) async fn go_without(world: Arc<World>, host: Host) {
    for (number, config) in world.scenario.limiters.iter().enumerate() {
        if !matches!(config.when_away, WhenAway::Open | WhenAway::Share { .. }) {
            continue;
        }
        let limiter = host.gate.rate_limiter(config.clone()).expect("the scenario's configurations are valid");
        let tag = tag_of(&world, Target::Limiter(number, 0));
        let Some(seen_us) = visit(&world, &host, &limiter, &tag).await else { continue };
        let posted = host.gate.stats().posted;
        if is_let_go(&world, &host, &limiter, &tag).await {
            post(&world, &host, config, &tag, posted, seen_us).await;
            visit(&world, &host, &limiter, &tag).await;
        }
    }
}

/// Makes a call that cannot reach the store: whether it was let go all the same.
async fn is_let_go(world: &World, host: &Host, limiter: &RateLimiter, tag: &str) -> bool {
    world.cut_off(Some(host.number));
    let call = world.ask(host.number, 0, tag, Ask::TryAcquire(1));
    let decision = limiter.try_acquire("0").await;
    let is_let_go = decision.as_ref().is_ok_and(|decision| decision.degraded && decision.is_allowed());
    world.end(call, decision.map_or_else(failed, |decision| Answer::Decision(Box::new(decision))));
    world.cut_off(None);
    is_let_go
}

/// Has the permit posted that a host owes since a time of the store. What left every window
/// meanwhile is owed no more.
async fn post(world: &World, host: &Host, config: &RateLimiterConfig, tag: &str, posted: u64, since_us: u64) {
    let call = world.ask(host.number, 0, tag, Ask::Post(1, since_us));
    let asked_us = world.timeline.now_us();
    for _ in 0..MAX_VISITS {
        host.gate.flush().await;
        if host.gate.stats().posted > posted || world.timeline.now_us() - asked_us > 2 * longest_counted_us(config) {
            world.end(call, Answer::Posted);
            break;
        }
    }
}

/// Asks on a host that was there all the time: it has noticed that the store is back.
pub(crate) async fn revisit(world: Arc<World>, host: Host) {
    for (number, config) in world.scenario.limiters.iter().enumerate() {
        let limiter = host.gate.rate_limiter(config.clone()).expect("the scenario's configurations are valid");
        let tag = tag_of(&world, Target::Limiter(number, 0));
        visit(&world, &host, &limiter, &tag).await;
    }
    host.gate.flush().await;
}

/// Peeks until the store answers: at which of its times it did.
async fn visit(world: &World, host: &Host, limiter: &RateLimiter, tag: &str) -> Option<u64> {
    for visit in 1..=MAX_VISITS {
        let call = peek(world, host, limiter, "0", tag).await;
        let seen_us = world.decided_by_store_us(call);
        if visit == MAX_VISITS || seen_us.is_some() {
            return seen_us;
        }
        // On a slow network one call in this many runs out of time. The last visit counts, whatever
        // came of it.
        world.leave_out(call);
    }
    None
}

/// The longest that a permit counts.
fn longest_counted_us(config: &RateLimiterConfig) -> u64 {
    let window_ms = config.limits.iter().map(|limit| limit.window_count).max().unwrap_or(0);
    (window_ms + config.lease.map_or(0, |lease| lease.life_ms)) * 1_000
}

/// Asks every entity.
pub(crate) async fn audit(world: Arc<World>, host: Host) {
    let scenario = &world.scenario;
    for (number, config) in scenario.limiters.iter().enumerate() {
        let limiter = host.gate.rate_limiter(config.clone()).expect("the scenario's configurations are valid");
        for key in [0, 1] {
            let tag = tag_of(&world, Target::Limiter(number, key));
            audit_limiter(&world, &host, &limiter, &key.to_string(), &tag).await;
        }
    }
    for (number, config) in scenario.breakers.iter().enumerate() {
        let breaker = host.gate.circuit_breaker(config.clone()).expect("the scenario's configurations are valid");
        let tag = tag_of(&world, Target::Breaker(number));
        audit_breaker(&world, &host, &breaker, &tag).await;
    }
    host.gate.flush().await;
}

async fn audit_limiter(world: &World, host: &Host, limiter: &RateLimiter, key: &str, tag: &str) {
    peek(world, host, limiter, key, tag).await;
    let all = room(limiter.config());
    let call = world.ask(host.number, 0, tag, Ask::TryAcquire(all));
    let answer = limiter.try_acquire(Permits::of(key).cost(all)).await;
    world.end(call, answer.map_or_else(failed, |decision| Answer::Decision(Box::new(decision))));
}

async fn peek(world: &World, host: &Host, limiter: &RateLimiter, key: &str, tag: &str) -> usize {
    let call = world.ask(host.number, 0, tag, Ask::Peek);
    let answer = limiter.peek(key).await;
    world.end(call, answer.map_or_else(failed, |decision| Answer::Decision(Box::new(decision))));
    call
}

/// Takes orders back, and makes successful calls until the circuit is closed.
async fn audit_breaker(world: &World, host: &Host, breaker: &CircuitBreaker, tag: &str) {
    let mode = tidegate::Mode::Normal;
    if world.scenario.actors.iter().any(|actor| actor.orders_per_mille > 0) {
        let call = world.ask(host.number, 0, tag, Ask::SetMode(mode));
        world.end(call, report(breaker.set_mode(mode).await));
    }
    for _ in 0..MAX_ASKS {
        let call = world.ask(host.number, 0, tag, Ask::Admit);
        let admitted = breaker.admit().await;
        world.end(call, report(admitted.clone()));
        let Ok(admitted) = admitted else { continue };
        if let Some(permit) = admitted.permit {
            let call = world.ask(host.number, 0, tag, Ask::Succeeded(permit));
            world.end(call, report(breaker.succeeded(permit, Duration::from_millis(1)).await));
        }
        world.timeline.sleep(50_000).await;
    }
    let call = world.ask(host.number, 0, tag, Ask::Status);
    world.end(call, report(breaker.status().await));
}

fn report(answer: Result<CircuitReport, tidegate::Error>) -> Answer {
    answer.map_or_else(failed, |report| Answer::Report(Box::new(report)))
}

#[expect(clippy::needless_pass_by_value, reason = "it ends a chain of results")]
fn failed(error: tidegate::Error) -> Answer {
    Answer::Error(error.to_string())
}
