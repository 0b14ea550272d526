//! What comes back from the commit script. The format is described at the top of `commit.lua`.

use std::fmt::{self, Debug, Write};
use std::sync::Arc;

use redis::Value;

use crate::store::{Commit, Op, Outcome, Reply, Seen, Value as Text};

/// How much of what is wrong is shown: whoever answers in a server's place may send megabytes.
const SHOWN_BYTES: usize = 200;

/// Reads the script's answer to a commit.
///
/// # Errors
/// What is wrong with it.
pub(super) fn reply(value: Value, commit: &Commit) -> Result<Reply, String> {
    let Value::Array(items) = value else { return Err(format!("{} in place of an array", shown(&value))) };
    let mut items = items.into_iter();
    let (verdict, clock_us, foreign) = (number_of(items.next())?, number_of(items.next())?, number_of(items.next())?);
    let outcome = match verdict {
        0 => Outcome::Applied(commit.ops.iter().map(|op| seen(op, &mut items)).collect::<Result<_, _>>()?),
        1 => Outcome::Refused(commit.cells.iter().map(|_| text(items.next())).collect::<Result<_, _>>()?),
        2 => Outcome::Untimely,
        other => return Err(format!("outcome {other}")),
    };
    match items.next() {
        None => Ok(Reply { outcome, clock_us, foreign }),
        Some(more) => Err(format!("{} after the end", shown(&more))),
    }
}

/// The answer to one of the commits that went out together.
#[derive(Debug, PartialEq)]
pub(super) struct Part {
    clock_us: u64,
    value: Value,
}

impl Part {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn reply(self, commit: &Commit) -> Result<Reply, String> {
        match (self.value, &commit.ops[..]) {
            // An advance that was applied, and nothing else: the number that it started from.
            (number @ Value::Int(_), [Op::Advance { .. }]) => {
                let outcome = Outcome::Applied(vec![Seen::Number(number_of(Some(number))?)]);
                Ok(Reply { outcome, clock_us: self.clock_us, foreign: 0 })
            }
            (value, _) => reply(value, commit),
        }
    }
}

/// Parts the script's answer to this many commits that went out together.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parts(value: Value, commits: usize) -> Result<impl Iterator<Item = Part>, String> {
    let Value::Array(items) = value else { return Err(format!("{} in place of an array", shown(&value))) };
    let mut items = items.into_iter();
    let clock_us = number_of(items.next())?;
    if items.len() != commits {
        return Err(format!("{} answers to {commits} commits", items.len()));
    }
    Ok(items.map(move |value| Part { clock_us, value }))
}

fn seen(op: &Op, items: &mut impl Iterator<Item = Value>) -> Result<Seen, String> {
    match op {
        Op::Get { .. } | Op::Put { .. } => Ok(Seen::Nothing),
        Op::Observe { .. } => text(items.next()).map(Seen::Value),
        Op::Advance { .. } | Op::Retreat { .. } | Op::Raise { .. } => number_of(items.next()).map(Seen::Number),
    }
}

fn number_of(item: Option<Value>) -> Result<u64, String> {
    match item {
        Some(Value::Int(number)) => u64::try_from(number).map_err(|_| format!("{number} in place of a number from 0")),
        other => Err(format!("{} in place of a number", shown(&other))),
    }
}

fn text(item: Option<Value>) -> Result<Option<Text>, String> {
    match item {
        Some(Value::Nil) => Ok(None),
        Some(Value::BulkString(bytes)) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(Arc::from(text))),
            Err(_) => Err("a text that is not UTF-8".to_owned()),
        },
        other => Err(format!("{} in place of a text", shown(&other))),
    }
}

/// The start of a value.
fn shown(value: &impl Debug) -> String {
    let mut start = Start(String::new());
    // It ends in an error where there is more than is shown.
    match write!(start, "{value:?}") {
        Ok(()) => start.0,
        Err(_) => start.0 + "...",
    }
}

/// The start of a text, and nothing of what comes after it.
struct Start(String);

impl Write for Start {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let left = SHOWN_BYTES - self.0.len();
        self.0.push_str(&text[..text.floor_char_boundary(left)]);
        if text.len() > left { Err(fmt::Error) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::EntityKey;

    fn commit(ops: Vec<Op>) -> Commit {
        let entities = vec![Arc::new(EntityKey::new("rl", "api", "u"))];
        Commit { at_us: 1, entities, cells: vec![(0, 0x102)], ops }
    }

    #[test]
    fn a_reply_of_any_other_shape_is_a_fault_and_no_panic() {
        let int = Value::Int;
        let nil = || Value::Nil;
        for items in [
            vec![],
            vec![int(0)],
            vec![int(0), int(1)],
            vec![int(0), int(1), nil()],
            vec![int(3), int(1), int(0)],
            vec![int(0), int(-1), int(0)],
            vec![int(2), int(1), int(0), int(0)],
            vec![int(0), int(1), int(0)],
            vec![int(0), int(1), int(0), int(7)],
            vec![int(0), int(1), int(0), Value::BulkString(vec![0xff])],
            vec![int(1), int(1), int(0), Value::Okay],
            vec![Value::Array(vec![]), int(1), int(0)],
        ] {
            let shown = format!("{items:?}");
            assert!(reply(Value::Array(items), &commit(vec![Op::Observe { cell: 0 }])).is_err(), "{shown}");
        }
        for value in [nil(), Value::Okay, int(0), Value::Map(vec![]), Value::Double(0.5)] {
            assert!(reply(value, &commit(vec![])).is_err());
        }
    }

    #[test]
    fn each_commit_that_went_out_with_others_has_its_own_answer() {
        let advance =
            || commit(vec![Op::Advance { cell: 0, step: 1, floor: 0, ceiling: 9, ttl_ms: 1, fits: true, repeat: 1 }]);
        let refused = || Value::Array(vec![Value::Int(1), Value::Int(8), Value::Int(0), Value::Nil]);
        let both = || Value::Array(vec![Value::Int(9), Value::Int(7), refused()]);
        let mut parts_of_both = parts(both(), 2).expect("there are two");
        let mut next = || parts_of_both.next().expect("there is one more").reply(&advance());
        let reply = |outcome, clock_us| Ok(Reply { outcome, clock_us, foreign: 0 });
        assert_eq!(next(), reply(Outcome::Applied(vec![Seen::Number(7)]), 9));
        assert_eq!(next(), reply(Outcome::Refused(vec![None]), 8));
        for (value, commits) in [(both(), 1), (both(), 3), (Value::Nil, 0), (Value::Array(vec![]), 0)] {
            assert!(parts(value, commits).is_err());
        }
        for item in [Value::Int(-1), Value::Nil] {
            let part = || Part { clock_us: 9, value: item.clone() };
            assert!(part().reply(&advance()).is_err() && part().reply(&commit(vec![])).is_err());
        }
    }

    #[test]
    fn of_a_long_reply_only_the_start_is_shown() {
        let megabytes = || Value::SimpleString("\u{e9}".repeat(2 << 20));
        for value in [megabytes(), Value::Array(vec![megabytes()]), Value::Array(vec![Value::Array(vec![megabytes()])])]
        {
            let fault = reply(value, &commit(vec![])).expect_err("it is no reply");
            assert!(fault.len() < 300 && fault.contains("..."), "{fault}");
        }
    }
}
