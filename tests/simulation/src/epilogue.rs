//! After all faults, and after all that was charged has come back: a host that knows nothing asks for everything.

use std::sync::Arc;
use std::time::Duration;

use tidegate::{Ask as Permits, CircuitBreaker, CircuitReport, RateLimiter};

use crate::actor::{Host, room, tag_of};
use crate::record::{Answer, Ask};
use crate::scenario::Target;
use crate::world::World;

/// How often a host is asked until it answers from the store.
const MOST_VISITS: u32 = 10;
/// How often a circuit is asked at most.
const MOST_ASKS: u32 = 40;

/// Asks on a host that was there all the time: it has noticed that the store is back.
pub(crate) async fn revisit(world: Arc<World>, host: Host) {
    for (number, config) in world.scenario.limiters.iter().enumerate() {
        let limiter = host.gate.rate_limiter(config.clone()).expect("the scenario's configurations are valid");
        let tag = tag_of(&world, Target::Limiter(number, 0));
        for visit in 1..=MOST_VISITS {
            let call = peek(&world, &host, &limiter, "0", &tag).await;
            if visit == MOST_VISITS || world.is_from_store(call) {
                break;
            }
            // On a slow network one call in so many runs out of time. The last visit counts, whatever came of it.
            world.leave_out(call);
        }
    }
    host.gate.flush().await;
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
    for _ in 0..MOST_ASKS {
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
