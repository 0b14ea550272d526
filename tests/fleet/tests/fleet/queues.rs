//! One queue over several processes.

use std::time::Duration;

use tidegate::{Limit, OnLimit, RateLimiterConfig};
use tidegate_fleet_tests::strategies::rate_limiter::Command;
use tidegate_fleet_tests::strategies::rate_limiter::promise::Promise;
use tidegate_fleet_tests::strategies::rate_limiter::protocol::{Admitted, Decide, Decided};
use tidegate_fleet_tests::worker::Worker;

use crate::fixtures::{ask, place, server, start};

/// In the order of arrival, over three processes in turns.
const PRIORITIES: [i32; 12] = [0, 0, 5, 0, -1, 5, 0, 9, 0, 5, -1, 0];

fn limiter() -> RateLimiterConfig {
    // Nobody is passed over, however busy the machine is: the order is that of the tickets alone.
    let on_limit = OnLimit::Queue { max_size: 20, timeout_ms: 600_000, grace_ms: Some(600_000) };
    RateLimiterConfig::new("queued", Limit::per(1, Duration::from_millis(80))).on_limit(on_limit)
}

fn draw(worker: &mut Worker, priority: i32) -> Decide {
    let decide = Decide { priority, ..ask(&limiter()) };
    let decided = worker.decide(decide.clone()).expect("the limiter answers");
    assert_eq!(decided.verdict, "wait", "{decided:?}");
    Decide { ticket: decided.ticket, wait_ms: decided.wait_ms, ..decide }
}

/// All come back at once, each process with its own tickets; the last decisions, each with its
/// ticket and priority.
fn let_go(workers: &mut [Worker], held: &[Vec<Decide>]) -> Vec<(Decided, Decide)> {
    for (worker, held) in workers.iter_mut().zip(held) {
        worker.tell(Command::ComeBack(held.clone())).expect("the worker hears");
    }
    let answers = workers.iter_mut().flat_map(|worker| worker.hear_came_back().expect("the limiter answers"));
    answers.zip(held.iter().flatten().cloned()).collect()
}

#[test]
fn waiters_of_three_processes_are_let_go_by_priority_and_then_by_arrival() {
    let server = server();
    let place = place(&server);
    waiters_go_in_order([start(&place), start(&place), start(&place)]);
}

/// Draws a ticket for each priority, by the workers in turns, and lets all come back.
pub(crate) fn waiters_go_in_order(mut workers: [Worker; 3]) {
    assert!(workers[0].decide(ask(&limiter())).expect("the limiter answers").is_allowed());
    let mut held = vec![Vec::new(); 3];
    for (arrival, priority) in PRIORITIES.into_iter().enumerate() {
        held[arrival % 3].push(draw(&mut workers[arrival % 3], priority));
    }
    let arrivals: Vec<_> = (0..PRIORITIES.len()).map(|arrival| held[arrival % 3][arrival / 3].ticket).collect();
    assert!(arrivals.is_sorted_by(|one, next| one.map(|t| t.0) < next.map(|t| t.0)), "{arrivals:?}");

    let mut gone = let_go(&mut workers, &held);
    assert!(gone.iter().all(|(decided, _)| decided.is_allowed()), "{gone:?}");
    gone.sort_by_key(|(decided, _)| decided.at_us);
    let order: Vec<i32> = gone.iter().map(|(_, held)| held.priority).collect();
    assert!(order.is_sorted_by(|one, next| one >= next), "{order:?}");
    for priority in [5, 0, -1] {
        let tickets = gone.iter().filter(|(_, held)| held.priority == priority).map(|(_, held)| held.ticket);
        assert!(tickets.map(|ticket| ticket.map(|ticket| ticket.0)).is_sorted(), "{gone:?}");
    }
    let admitted: Vec<Admitted> =
        gone.iter().map(|(decided, _)| Admitted { cost: 1, at_us: decided.at_us, ..Admitted::default() }).collect();
    Promise::of(&limiter().limits[0]).check_decisions(&admitted).expect("the queue keeps the promise");
}
