//! A limiter after all faults: what is let go without the store is posted, and all is there again.

use tidegate::{Ask as Permits, RateLimiter, RateLimiterConfig, WhenAway};

use super::act::decided;
use super::settings::{longest_counted_us, room};
use crate::actor::Host;
use crate::strategies::asked::{Answer, Ask};
use crate::world::World;

/// How often a host is asked until it answers from the store.
const MAX_VISITS: u32 = 10;

/// Cuts a host off for one call. What that is let go with is posted, so that the next peek counts
/// it.
pub(crate) async fn go_without(world: &World, host: &Host, config: &RateLimiterConfig, tag: &str) {
    if !matches!(config.when_away, WhenAway::Open | WhenAway::Share { .. }) {
        return;
    }
    let limiter = host.gate.rate_limiter(config.clone()).expect("the scenario's configurations are valid");
    let Some(seen_us) = visit(world, host, &limiter, tag).await else { return };
    let posted = host.gate.stats().posted;
    if is_let_go(world, host, &limiter, tag).await {
        post(world, host, config, tag, posted, seen_us).await;
        visit(world, host, &limiter, tag).await;
    }
}

/// Makes a call that cannot reach the store: whether it was let go all the same.
async fn is_let_go(world: &World, host: &Host, limiter: &RateLimiter, tag: &str) -> bool {
    world.cut_off(Some(host.number));
    let call = world.ask(host.number, 0, tag, Ask::TryAcquire(1));
    let decision = limiter.try_acquire("0").await;
    let is_let_go = decision.as_ref().is_ok_and(|decision| decision.degraded && decision.is_allowed());
    world.end(call, decided(&decision));
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
pub(crate) async fn revisit(world: &World, host: &Host, config: &RateLimiterConfig, tag: &str) {
    let limiter = host.gate.rate_limiter(config.clone()).expect("the scenario's configurations are valid");
    visit(world, host, &limiter, tag).await;
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

/// Asks for all that a key has, each by its tag.
pub(crate) async fn audit(world: &World, host: &Host, config: &RateLimiterConfig, tags: [String; 2]) {
    let limiter = host.gate.rate_limiter(config.clone()).expect("the scenario's configurations are valid");
    for (key, tag) in ["0", "1"].into_iter().zip(tags) {
        audit_key(world, host, &limiter, key, &tag).await;
    }
}

async fn audit_key(world: &World, host: &Host, limiter: &RateLimiter, key: &str, tag: &str) {
    peek(world, host, limiter, key, tag).await;
    let all = room(limiter.config());
    let call = world.ask(host.number, 0, tag, Ask::TryAcquire(all));
    let answer = limiter.try_acquire(Permits::of(key).cost(all)).await;
    world.end(call, decided(&answer));
}

async fn peek(world: &World, host: &Host, limiter: &RateLimiter, key: &str, tag: &str) -> usize {
    let call = world.ask(host.number, 0, tag, Ask::Peek);
    let answer = limiter.peek(key).await;
    world.end(call, decided(&answer));
    call
}
