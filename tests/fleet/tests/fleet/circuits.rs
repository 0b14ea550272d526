//! One circuit, seen by several processes.

use std::time::Duration;

use tidegate::CircuitBreakerConfig;

use crate::fixtures::{admit, fail, place, server, start};

#[test]
fn a_circuit_tripped_by_one_process_is_open_in_another_at_its_next_call() {
    let server = server();
    let (mut one, mut other) = (start(&place(&server)), start(&place(&server)));
    let breaker = CircuitBreakerConfig::consecutive("payments", 5).open_for(Duration::from_mins(10));
    // The other knows the circuit as closed.
    assert_eq!(admit(&mut other, &breaker, "").state, "closed");
    for _ in 0..4 {
        assert_eq!(fail(&mut one, &breaker, "").cause, None);
    }
    assert_eq!(admit(&mut other, &breaker, "").effect, "admitted");
    let tripped = fail(&mut one, &breaker, "");
    assert_eq!(tripped.cause.as_deref(), Some("consecutive"));
    let refused = admit(&mut other, &breaker, "");
    assert_eq!((refused.effect.as_str(), refused.state.as_str()), ("refused-open", "open"));
    assert_eq!(refused.generation, tripped.generation);
}

#[test]
fn failures_of_several_processes_trip_a_circuit_together() {
    let server = server();
    let mut workers = [start(&place(&server)), start(&place(&server)), start(&place(&server))];
    let breaker = CircuitBreakerConfig::failures("payments", 5, Duration::from_mins(10));
    for failure in 0..4 {
        assert_eq!(fail(&mut workers[failure % 3], &breaker, "").cause, None);
    }
    assert_eq!(fail(&mut workers[1], &breaker, "").cause.as_deref(), Some("failures"));
    for worker in &mut workers {
        assert_eq!(admit(worker, &breaker, "").effect, "refused-open");
    }
}
