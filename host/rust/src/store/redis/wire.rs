//! What goes to the commit script. The format is described at the top of `commit.lua`.

use redis::Cmd;
use smallvec::SmallVec;

use crate::store::{Commit, MAX_NUMBER, Op, StoreError};

/// The commit script, shared by the hosts of all languages.
pub(super) const SCRIPT: &str = include_str!("../commit.lua");

/// No cell outlives a century: Redis refuses times that overflow when added to its clock.
const MAX_TTL_MS: u64 = 100 * 366 * 24 * 60 * 60 * 1000;

/// An amount that fits nowhere. Odd numbers above 2^53 are not doubles, so it is one more than the
/// next.
const BEYOND: u64 = MAX_NUMBER + 2;

/// How to name the script.
#[derive(Debug, Clone, Copy)]
pub(super) enum Script<'a> {
    /// By its digest: the server must know it.
    Digest(&'a str),
    /// By its text: the server learns it.
    Text,
}

/// A commit as the script reads it.
#[derive(Debug)]
pub(super) struct Encoded {
    keys: SmallVec<[String; 1]>,
    log: Vec<u8>,
}

impl Encoded {
    /// Encodes a commit, for keys under a prefix.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where an operation names a cell or a cell an entity that the commit
    /// does not have.
    pub(super) fn new(commit: &Commit, prefix: &str) -> Result<Self, StoreError> {
        let key = |&(entity, field): &(usize, u32)| {
            let entity = commit.entities.get(entity).ok_or_else(|| malformed("entity", entity))?;
            Ok(entity.redis_key(prefix, field))
        };
        Ok(Self { keys: commit.cells.iter().map(key).collect::<Result<_, StoreError>>()?, log: log(commit)? })
    }

    /// The keys of its cells.
    pub(super) fn keys(&self) -> &[String] {
        &self.keys
    }

    /// How long its log is.
    pub(super) fn log_bytes(&self) -> usize {
        self.log.len()
    }
}

/// The command that applies a commit, or several that have no key in common.
pub(super) fn command(commits: &[Encoded], script: Script<'_>) -> Cmd {
    let (verb, text) = match script {
        Script::Digest(digest) => ("EVALSHA", digest),
        Script::Text => ("EVAL", SCRIPT),
    };
    let keys: usize = commits.iter().map(|commit| commit.keys.len()).sum();
    let bytes: usize = commits.iter().map(|commit| commit.log.len() + 64 * commit.keys.len()).sum();
    let mut command = Cmd::with_capacity(keys + 4, text.len() + bytes + 64);
    command.arg(verb).arg(text).arg(keys);
    for key in commits.iter().flat_map(|commit| &commit.keys) {
        command.arg(key);
    }
    command.arg(logs(commits));
    command
}

/// The logs of commits, each with the number of its cells.
fn logs(commits: &[Encoded]) -> Vec<u8> {
    let bytes = commits.iter().map(|commit| commit.log.len() + 8).sum();
    let mut logs = Log { bytes: Vec::with_capacity(bytes), items: 0 };
    logs.array();
    for commit in commits {
        logs.item(&commit.log);
        logs.integer(commit.keys.len() as u64);
    }
    logs.finished()
}

fn malformed(what: &str, index: usize) -> StoreError {
    StoreError::Refused(format!("the commit has no {what} {index}"))
}

/// The commit's time and operations as one flat array: the script reads that in one step.
fn log(commit: &Commit) -> Result<Vec<u8>, StoreError> {
    let mut log = Log { bytes: Vec::with_capacity(32 + 32 * commit.ops.len()), items: 0 };
    log.array();
    log.number(commit.at_us);
    for op in &commit.ops {
        let cell = cell_of(op);
        if cell >= commit.cells.len() {
            return Err(malformed("cell", cell));
        }
        log.op(op, cell as u64 + 1);
    }
    Ok(log.finished())
}

fn cell_of(op: &Op) -> usize {
    match *op {
        Op::Get { cell, .. }
        | Op::Observe { cell }
        | Op::Put { cell, .. }
        | Op::Advance { cell, .. }
        | Op::Retreat { cell, .. }
        | Op::Raise { cell, .. } => cell,
    }
}

/// `MessagePack`, as far as it is needed here.
struct Log {
    bytes: Vec<u8>,
    items: u32,
}

impl Log {
    /// Starts with an array. The count of its items goes in front once it is known.
    fn array(&mut self) {
        self.bytes.extend([0xdd, 0, 0, 0, 0]);
    }

    fn finished(mut self) -> Vec<u8> {
        self.bytes[1..5].copy_from_slice(&self.items.to_be_bytes());
        self.bytes
    }

    fn op(&mut self, op: &Op, cell: u64) {
        let code = match op {
            Op::Get { .. } => 1,
            Op::Observe { .. } => 2,
            Op::Put { .. } => 3,
            Op::Advance { .. } => 4,
            Op::Retreat { .. } => 5,
            Op::Raise { .. } => 6,
        };
        self.number(code);
        self.number(cell);
        match op {
            Op::Observe { .. } => {}
            Op::Get { expected, .. } => self.text(expected.as_deref()),
            Op::Put { value, ttl_ms, .. } => {
                self.text(value.as_deref());
                self.text(Some(&ttl(*ttl_ms)));
            }
            &Op::Advance { step, floor, ceiling, ttl_ms, fits, repeat, .. } => {
                self.integer(amount(step, if fits { repeat } else { 1 }));
                self.number(floor);
                self.number(ceiling);
                self.text(Some(&ttl(ttl_ms)));
                self.item(if fits { &[0xc3] } else { &[0xc2] });
            }
            &Op::Retreat { step, floor, .. } => {
                self.number(step);
                self.number(floor);
            }
            &Op::Raise { to, ttl_ms, .. } => {
                self.number(to);
                self.text(Some(&ttl(ttl_ms)));
            }
        }
    }

    /// A number; above 2^53 it counts as 2^53.
    fn number(&mut self, number: u64) {
        self.integer(number.min(MAX_NUMBER));
    }

    fn integer(&mut self, number: u64) {
        if let Ok(small @ 0..0x80) = u8::try_from(number) {
            self.item(&[small]);
        } else if let Ok(word) = u32::try_from(number) {
            self.item(&[0xce]);
            self.bytes.extend(word.to_be_bytes());
        } else {
            self.item(&[0xcf]);
            self.bytes.extend(number.to_be_bytes());
        }
    }

    fn text(&mut self, text: Option<&str>) {
        let Some(text) = text else { return self.item(&[0xc2]) };
        // A text above 4 GiB would not fit a command either; Redis refuses the command that
        // announces a wrong length.
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        if let Ok(short) = u8::try_from(length) {
            self.item(&[0xd9, short]);
        } else {
            self.item(&[0xdb]);
            self.bytes.extend(length.to_be_bytes());
        }
        self.bytes.extend(text.as_bytes());
    }

    fn item(&mut self, bytes: &[u8]) {
        self.items += 1;
        self.bytes.extend(bytes);
    }
}

/// As text, because the script hands it on as it is.
fn ttl(ttl_ms: u64) -> String {
    ttl_ms.clamp(1, MAX_TTL_MS).to_string()
}

/// `step` this many times over; what is more than any number may be is [`BEYOND`].
fn amount(step: u64, repeat: u64) -> u64 {
    let step = step.min(MAX_NUMBER);
    step.checked_mul(repeat).filter(|&amount| amount <= MAX_NUMBER).unwrap_or(BEYOND)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::key::EntityKey;
    use crate::store::MAX_LAG_US;

    fn commit(ops: Vec<Op>) -> Commit {
        let entities = vec![Arc::new(EntityKey::new("rl", "api", "u"))];
        Commit { at_us: 1, entities, cells: vec![(0, 0x102)], ops }
    }

    fn encoded(ops: Vec<Op>) -> Encoded {
        Encoded::new(&commit(ops), "p").expect("the commit is well formed")
    }

    fn log_of(op: Op) -> Vec<u8> {
        log(&commit(vec![op])).expect("the commit is well formed").split_off(6)
    }

    fn advance(step: u64, fits: bool, repeat: u64) -> Op {
        Op::Advance { cell: 0, step, floor: 0, ceiling: u64::MAX, ttl_ms: 0, fits, repeat }
    }

    fn bytes_of(number: u64) -> Vec<u8> {
        let mut log = Log { bytes: Vec::new(), items: 0 };
        log.integer(number);
        log.bytes
    }

    #[test]
    fn the_script_holds_the_same_limits() {
        for line in [
            format!("local MAX_LAG_US = {MAX_LAG_US}\n"),
            format!("local MAX_NUMBER = {MAX_NUMBER}\n"),
            "local MAX_BYTES = 1048576\n".to_owned(),
        ] {
            assert!(SCRIPT.contains(&line), "{line}");
        }
    }

    #[test]
    fn a_command_names_each_cell_once() {
        let command = command(&[encoded(vec![Op::Observe { cell: 0 }])], Script::Digest("d"));
        let args: Vec<_> = command.args_iter().map(|arg| format!("{arg:?}")).collect();
        assert_eq!(args.len(), 5);
        assert!(format!("{:?}", command.get_packed_command().escape_ascii().to_string()).contains("p:{rl:api:u}:1.2"));
    }

    #[test]
    fn commits_go_out_as_one_array_of_logs_and_counts_of_cells() {
        let commits =
            [encoded(vec![Op::Observe { cell: 0 }]), encoded(vec![Op::Retreat { cell: 0, step: 1, floor: 2 }])];
        let log = |rest: &[u8]| [&[0xdd, 0, 0, 0, 1 + u8::try_from(rest.len()).expect("short"), 1][..], rest].concat();
        let expected = [&[0xdd, 0, 0, 0, 4][..], &log(&[2, 1]), &[1], &log(&[5, 1, 1, 2]), &[1]].concat();
        assert_eq!(logs(&commits), expected);
        assert_eq!(command(&commits, Script::Digest("d")).args_iter().count(), 6);
    }

    #[test]
    fn a_commit_that_names_what_it_lacks_is_refused() {
        for (cells, op) in [(vec![(0, 0)], Op::Observe { cell: 1 }), (vec![(1, 0)], Op::Observe { cell: 0 })] {
            let commit = Commit { cells, ..commit(vec![op]) };
            assert!(matches!(Encoded::new(&commit, "p"), Err(StoreError::Refused(_))));
        }
    }

    #[test]
    fn numbers_above_the_greatest_count_as_it() {
        let log = log_of(advance(1, true, 1));
        assert_eq!(log, [&[4, 1, 1, 0][..], &bytes_of(MAX_NUMBER), &[0xd9, 1, b'1', 0xc3]].concat());
    }

    #[test]
    fn a_raise_names_where_to_and_how_long() {
        assert_eq!(log_of(Op::Raise { cell: 0, to: 9, ttl_ms: 7 }), [6, 1, 9, 0xd9, 1, b'7']);
        let log = log_of(Op::Raise { cell: 0, to: u64::MAX, ttl_ms: 0 });
        assert_eq!(log, [&[6, 1][..], &bytes_of(MAX_NUMBER), &[0xd9, 1, b'1']].concat());
    }

    #[test]
    fn repetitions_that_fit_ask_for_all_their_steps_at_once() {
        assert_eq!(log_of(advance(3, true, 7))[2], 21);
        assert_eq!(log_of(advance(3, false, 7))[2], 3);
    }

    #[test]
    fn an_amount_above_the_greatest_number_fits_nowhere() {
        assert_eq!(amount(MAX_NUMBER, 1), MAX_NUMBER);
        assert_eq!(amount(u64::MAX, 1), MAX_NUMBER);
        assert_eq!(amount(MAX_NUMBER, 2), BEYOND);
        assert_eq!(amount(1, MAX_NUMBER + 1), BEYOND);
        assert_eq!(amount(u64::MAX, u64::MAX), BEYOND);
        assert_eq!(amount(0, u64::MAX), 0);
    }
}
