//! Replies to commits: bytes of a server, or values that its client library has read.
//!
//! The input is the operations of a commit, and then the reply.

use std::sync::Arc;

use redis::Value;
use tidegate_host_inputs::key::EntityKey;
use tidegate_host_inputs::store::redis::{read_replies, read_reply};
use tidegate_host_inputs::store::{Commit, Op, Outcome, Seen};

use crate::input::Input;

/// What is said of a fault is for a log.
const MAX_FAULT_BYTES: usize = 300;

/// Runs an input.
///
/// # Panics
/// Where a reply is read that is none, or a fault is told at length.
pub fn reply(data: &[u8]) {
    let mut input = Input::new(data);
    let commit = commit(&mut input);
    let value = if input.flip() {
        Value::Array((0..input.byte() % 16).map(|_| value(&mut input, 0)).collect())
    } else {
        match redis::parse_redis_value(input.rest()) {
            Ok(value) => value,
            Err(_) => return,
        }
    };
    for commits in 0..4 {
        if let Ok(replies) = read_replies(value.clone(), &vec![commit.clone(); commits]) {
            assert_eq!(replies.len(), commits, "each commit has its reply");
        }
    }
    match read_reply(value.clone(), &commit) {
        Err(fault) => {
            assert!(!fault.is_empty() && fault.len() <= MAX_FAULT_BYTES, "{} bytes: {fault:.300}", fault.len());
        }
        Ok(reply) => {
            let expected = expected(&commit, &reply.outcome, reply.clock_us, reply.foreign);
            assert_eq!(value, expected, "a reply is read as it was meant");
        }
    }
}

fn commit(input: &mut Input<'_>) -> Commit {
    let cells = usize::from(input.byte() % 4) + 1;
    let ops = (0..input.byte() % 8).map(|_| op(input.byte(), cells)).collect();
    let cells = (0..cells).map(|field| (0, u32::try_from(field).unwrap_or(0))).collect();
    Commit { at_us: 1, entities: vec![Arc::new(EntityKey::new("rl", "api", "k"))], cells, ops }
}

fn op(kind: u8, cells: usize) -> Op {
    let cell = usize::from(kind / 6) % cells;
    match kind % 6 {
        0 => Op::Get { cell, expected: None },
        1 => Op::Observe { cell },
        2 => Op::Put { cell, value: None, ttl_ms: 1 },
        3 => Op::Advance { cell, step: 1, floor: 0, ceiling: 1, ttl_ms: 1, fits: true, repeat: 1 },
        4 => Op::Retreat { cell, step: 1, floor: 0 },
        _ => Op::Raise { cell, to: 1, ttl_ms: 1 },
    }
}

fn value(input: &mut Input<'_>, depth: u8) -> Value {
    match input.byte() % 10 {
        0 => Value::Nil,
        1..=4 => Value::Int(input.number().cast_signed()),
        5 | 6 => Value::BulkString(input.bytes().to_vec()),
        7 => Value::SimpleString(input.text()),
        8 if depth < 4 => Value::Array((0..input.byte() % 4).map(|_| value(input, depth + 1)).collect()),
        _ => Value::Okay,
    }
}

/// The one value that such a reply is read from.
fn expected(commit: &Commit, outcome: &Outcome, clock_us: u64, foreign: u64) -> Value {
    let number = |number: u64| Value::Int(i64::try_from(number).expect("it was one"));
    let text =
        |text: &Option<Arc<str>>| text.as_ref().map_or(Value::Nil, |text| Value::BulkString(text.as_bytes().to_vec()));
    let verdict = match outcome {
        Outcome::Applied(_) => 0,
        Outcome::Refused(_) => 1,
        Outcome::Untimely => 2,
    };
    let mut items = vec![Value::Int(verdict), number(clock_us), number(foreign)];
    match outcome {
        Outcome::Untimely => {}
        Outcome::Refused(values) => {
            assert_eq!(values.len(), commit.cells.len(), "a value for each cell");
            items.extend(values.iter().map(text));
        }
        Outcome::Applied(seen) => {
            assert_eq!(seen.len(), commit.ops.len(), "an entry for each operation");
            items.extend(commit.ops.iter().zip(seen).filter_map(|(op, seen)| match (op, seen) {
                (Op::Get { .. } | Op::Put { .. }, Seen::Nothing) => None,
                (Op::Observe { .. }, Seen::Value(value)) => Some(text(value)),
                (Op::Advance { .. } | Op::Retreat { .. } | Op::Raise { .. }, Seen::Number(seen)) => Some(number(*seen)),
                other => panic!("{other:?} do not belong together"),
            }));
        }
    }
    Value::Array(items)
}
