//! The targets: each takes any bytes, and panics where a promise is broken.

mod breaker;
mod breaker_node;
mod key;
mod limiter;
mod limiter_node;
mod object;
mod output;
mod pattern;
mod promise;
mod reply;
mod settings;

use tidegate_policy::problem::Problem;

use crate::input::Input;

pub use breaker::breaker;
pub use breaker_node::breaker_node;
pub use key::key;
pub use limiter::limiter;
pub use limiter_node::limiter_node;
pub use output::output;
pub use pattern::pattern;
pub use reply::reply;
pub use settings::settings;

/// A target: its name, and what runs an input.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const ALL: [Target; 9] = [
    ("breaker", breaker),
    ("breaker_node", breaker_node),
    ("key", key),
    ("limiter", limiter),
    ("limiter_node", limiter_node),
    ("output", output),
    ("pattern", pattern),
    ("reply", reply),
    ("settings", settings),
];

/// Whoever is told that something is wrong is told what and where.
fn assert_problems(problems: &[Problem]) {
    assert!(!problems.is_empty(), "a refusal has a reason");
    for problem in problems {
        assert!(!problem.path.is_empty() && !problem.allowed.is_empty(), "{problem:?}");
        let length = problem.path.len().max(problem.allowed.len()).max(problem.value.len());
        assert!(length < 10_000, "a problem is short: {length} bytes");
    }
}

/// A text with a piece put into it or in place of what is there.
pub(crate) fn damaged(text: &str, input: &mut Input<'_>) -> String {
    let (at, kind, piece) = (input.index(), input.byte(), input.text());
    let at = text.floor_char_boundary(at.checked_rem(text.len() + 1).unwrap_or(0));
    let end = if kind % 3 == 0 { at } else { text.ceil_char_boundary((at + piece.len()).min(text.len())) };
    let kept = if kind % 3 == 2 { "" } else { &text[end..] };
    format!("{}{piece}{kept}", &text[..at])
}
