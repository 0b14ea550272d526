//! Commits, and how the Redis store reads what comes back.

#[path = "../../../host/rust/src/store/commit.rs"]
mod commit;
#[path = "../../../host/rust/src/store/redis/reply.rs"]
mod reply;

pub use commit::{Commit, Op, Outcome, Reply, Seen, Value};

/// Reads the script's answer to a commit.
///
/// # Errors
/// What is wrong with it.
pub fn read_reply(value: redis::Value, commit: &Commit) -> Result<Reply, String> {
    reply::reply(value, commit)
}

/// Reads the script's answer to several commits.
///
/// # Errors
/// What is wrong with it.
pub fn read_replies(value: redis::Value, commits: &[Commit]) -> Result<Vec<Reply>, String> {
    reply::parts(value, commits.len())?.zip(commits).map(|(part, commit)| part.reply(commit)).collect()
}
