//! Tokens: what a step leaves with its caller, as a short text that may lie in a workflow's
//! history.
//!
//! ```text
//! n1 queued started=<us> position=<n> ticket=<us>     a position in the queue
//! n1 placed started=<us> at=<us> [full=<us>]          a reserved place, charged at that time
//! n1 passed at=<us> [full=<us>]                       a permit, charged at that time
//! ```
//!
//! All times are microseconds since 1970. `full` is when the bucket was due to be full before the
//! charge, where there is one.

use alloc::format;
use alloc::string::String;

use crate::text::{Words, number};

/// What a step has given a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// A position in the queue.
    Queued { started_us: u64, position: u32, ticket: u64 },
    /// A place that is still to come.
    Placed { started_us: u64, place_us: u64, full_at_us: u64 },
    /// A permit.
    Passed { charged_at_us: u64, full_at_us: u64 },
}

impl Token {
    pub(super) fn encode(self) -> String {
        match self {
            Self::Queued { started_us, position, ticket } => {
                format!("n1 queued started={started_us} position={position} ticket={ticket}")
            }
            Self::Placed { started_us, place_us, full_at_us } => {
                format!("n1 placed started={started_us} at={place_us}{}", full(full_at_us))
            }
            Self::Passed { charged_at_us, full_at_us } => format!("n1 passed at={charged_at_us}{}", full(full_at_us)),
        }
    }

    /// None: no step has given this.
    pub(super) fn decode(text: &str) -> Option<Self> {
        let mut words = Words::of(text)?;
        (words.word()? == "n1").then_some(())?;
        let token = match words.word()? {
            "queued" => Self::Queued {
                started_us: words.number("started")?,
                position: words.small("position")?,
                ticket: words.number("ticket")?,
            },
            "placed" => Self::Placed {
                started_us: words.number("started")?,
                place_us: words.number("at")?,
                full_at_us: read_full(&mut words)?,
            },
            "passed" => Self::Passed { charged_at_us: words.number("at")?, full_at_us: read_full(&mut words)? },
            _ => return None,
        };
        words.end()?;
        let (started_us, holds) = token.times_us();
        (holds > 0 && started_us > 0).then_some(token)
    }

    /// When the first step was, and the time that names what was given.
    pub(super) fn times_us(self) -> (u64, u64) {
        match self {
            Self::Queued { started_us, ticket, .. } => (started_us, ticket),
            Self::Placed { started_us, place_us, .. } => (started_us, place_us),
            Self::Passed { charged_at_us, .. } => (charged_at_us, charged_at_us),
        }
    }
}

fn full(full_at_us: u64) -> String {
    if full_at_us == 0 { String::new() } else { format!(" full={full_at_us}") }
}

/// 0 without the word. `None`: what it says is not a number, or is 0.
fn read_full(words: &mut Words<'_>) -> Option<u64> {
    words.optional("full").map_or(Some(0), |text| number(text).filter(|full_at_us| *full_at_us > 0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Token;

    fn tokens() -> impl Strategy<Value = Token> {
        let us = || 1..=u64::MAX;
        prop_oneof![
            (us(), any::<u32>(), us()).prop_map(|(started_us, position, ticket)| Token::Queued {
                started_us,
                position,
                ticket
            }),
            (us(), us(), any::<u64>()).prop_map(|(started_us, place_us, full_at_us)| Token::Placed {
                started_us,
                place_us,
                full_at_us
            }),
            (us(), any::<u64>()).prop_map(|(charged_at_us, full_at_us)| Token::Passed { charged_at_us, full_at_us }),
        ]
    }

    proptest! {
        #[test]
        fn tokens_survive_their_text_and_are_short(token in tokens()) {
            let text = token.encode();
            prop_assert!(text.len() <= 100, "{}", text);
            prop_assert_eq!(Token::decode(&text), Some(token));
        }

        #[test]
        fn no_text_panics(text in r"(n1|\PC{0,3})( (queued|placed|passed|started=|at=|ticket=|position=)?[0-9]{0,22}){0,5}") {
            let _ = Token::decode(&text);
        }
    }

    #[test]
    fn what_no_step_gave_is_no_token() {
        for text in [
            "",
            "n1",
            "n2 passed at=1",
            "n1 passed at=0",
            "n1 passed at=1 full=0",
            "n1 passed full=1 at=1",
            "n1 passed at=01",
            "n1 passed at=-1",
            "n1 passed at=1 ",
            "n1 passed  at=1",
            "n1 placed at=1 started=1",
            "n1 placed started=0 at=1",
            "n1 queued started=1 position=1",
            "n1 queued started=1 position=4294967296 ticket=1",
            "n1 passed at=18446744073709551616",
        ] {
            assert_eq!(Token::decode(text), None, "{text:?}");
        }
    }
}
