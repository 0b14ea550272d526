//! A circuit after all faults: it closes again.

use std::time::Duration;

use tidegate::{CircuitBreaker, CircuitBreakerConfig};

use super::act::reported;
use crate::actor::Host;
use crate::strategies::asked::Ask;
use crate::world::World;

/// How often a circuit is asked at most.
const MAX_ASKS: u32 = 40;

pub(crate) async fn audit(world: &World, host: &Host, config: &CircuitBreakerConfig, tag: &str) {
    let breaker = host.gate.circuit_breaker(config.clone()).expect("the scenario's configurations are valid");
    audit_breaker(world, host, &breaker, tag).await;
}

/// Takes orders back, and makes successful calls until the circuit is closed.
async fn audit_breaker(world: &World, host: &Host, breaker: &CircuitBreaker, tag: &str) {
    let mode = tidegate::Mode::Normal;
    if world.scenario.actors.iter().any(|actor| actor.orders_per_mille > 0) {
        let call = world.ask(host.number, 0, tag, Ask::SetMode(mode));
        world.end(call, reported(&breaker.set_mode(mode).await));
    }
    for _ in 0..MAX_ASKS {
        let call = world.ask(host.number, 0, tag, Ask::Admit);
        let admitted = breaker.admit().await;
        world.end(call, reported(&admitted));
        let Ok(admitted) = admitted else { continue };
        if let Some(permit) = admitted.permit {
            let call = world.ask(host.number, 0, tag, Ask::Succeeded(permit));
            world.end(call, reported(&breaker.succeeded(permit, Duration::from_millis(1)).await));
        }
        world.timeline.sleep(50_000).await;
    }
    let call = world.ask(host.number, 0, tag, Ask::Status);
    world.end(call, reported(&breaker.status().await));
}
