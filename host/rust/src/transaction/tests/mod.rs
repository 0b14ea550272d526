mod behaviour;
mod model;
mod properties;

use std::sync::Arc;

use super::{CellId, Scope, Transaction};
use crate::key::EntityKey;
use crate::store::Value;

/// The time of the transactions here, in microseconds since 1970.
const NOW_US: u64 = 1_000_000;

/// Which cell: entity and field.
type At = (u32, u32);

/// One operation, as a policy issues it.
#[derive(Debug, Clone)]
enum Call {
    Get(At),
    Observe(At),
    Put(At, Option<&'static str>, u64),
    Advance { at: At, step: u64, floor: u64, ceiling: u64, ttl_ms: u64 },
    Retreat(At, u64, u64),
    Raise(At, u64, u64),
}

/// What the policy is told.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Value(Option<Value>),
    Done,
    Verdict(Result<u64, u64>),
    Number(u64),
}

fn issue(tx: &mut Transaction, scope: Scope, call: &Call) -> Answer {
    let place = |(entity, field): At| CellId { entity, field, scope };
    match *call {
        Call::Get(at) => Answer::Value(tx.get(place(at))),
        Call::Observe(at) => Answer::Value(tx.observe(place(at))),
        Call::Put(at, value, ttl_ms) => {
            tx.put(place(at), value.map(Value::from), ttl_ms);
            Answer::Done
        }
        Call::Advance { at, step, floor, ceiling, ttl_ms } => {
            Answer::Verdict(tx.advance(place(at), step, floor, ceiling, ttl_ms))
        }
        Call::Retreat(at, step, floor) => Answer::Number(tx.retreat(place(at), step, floor)),
        Call::Raise(at, to, ttl_ms) => Answer::Number(tx.raise(place(at), to, ttl_ms)),
    }
}

/// Issues the calls as one run.
fn run(tx: &mut Transaction, calls: &[Call]) -> Vec<Answer> {
    tx.start_run();
    calls.iter().map(|call| issue(tx, Scope::Shared, call)).collect()
}

/// A logged transaction about two entities of which nothing is known.
fn logged() -> Transaction {
    let mut tx = Transaction::default();
    tx.begin_logged(NOW_US, keys());
    tx
}

fn advance(step: u64, ceiling: u64) -> Call {
    Call::Advance { at: (0, 0), step, floor: 0, ceiling, ttl_ms: 5 }
}

fn keys() -> [Arc<EntityKey>; 2] {
    ["one", "two"].map(|name| Arc::new(EntityKey::new("rl", "test", name)))
}
