//! Memory stays flat: over millions of decisions on a few keys, and over a million distinct keys.
//! In a process of their own, one after the other, since it is the process's memory that is looked
//! at.

mod embedded;
mod redis;

use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

const MIB: u64 = 1 << 20;

/// By how much the process may grow after it has warmed up. What an allocator keeps for later is a
/// part of it; as little as 17 bytes kept for each of a million keys, or four for each of five
/// million decisions, are more.
const MAX_GROWTH: u64 = 16 * MIB;

/// How the process's memory grows.
struct Growth {
    before: u64,
    _turn: MutexGuard<'static, ()>,
}

/// Takes the process for itself.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    // A test that failed has left nothing behind but memory, which those after it do not count.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Growth {
    /// From here on, when all is warm.
    fn begin(turn: MutexGuard<'static, ()>) -> Self {
        Self { before: resident(), _turn: turn }
    }

    fn end_flat(self) {
        let after = resident();
        let (before, growth) = (self.before, after.saturating_sub(self.before));
        println!("{} MiB before, {} MiB after", before / MIB, after / MIB);
        assert!(growth <= MAX_GROWTH, "grown by {} MiB, from {} MiB", growth / MIB, before / MIB);
    }
}

/// The memory that this process really has, in bytes.
fn resident() -> u64 {
    let id = std::process::id().to_string();
    let output = Command::new("ps").args(["-o", "rss=", "-p", &id]).output().expect("there is ps");
    let kib: u64 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("it tells a number");
    kib * 1024
}
