//! The token of a circuit's permit, as a short text that may lie in a workflow's history:
//! `p1 <generation> <us> <probe>`. The time is in microseconds since 1970.

use alloc::format;
use alloc::string::String;

use crate::strategies::circuit_breaker::Permit;
use crate::text::{Words, number, small};

pub(super) fn encode(permit: Permit) -> String {
    format!("p1 {} {} {}", permit.generation, permit.admitted_at_us, permit.probe)
}

/// None: no admission has given this.
pub(super) fn decode(text: &str) -> Option<Permit> {
    let mut words = Words::of(text)?;
    (words.word()? == "p1").then_some(())?;
    let generation = number(words.word()?)?;
    let admitted_at_us = number(words.word()?)?;
    let permit = Permit { generation, admitted_at_us, probe: small(words.word()?)? };
    words.end()?;
    Some(permit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Permit, decode, encode};

    proptest! {
        #[test]
        fn permits_survive_their_text_and_are_short(generation: u64, admitted_at_us: u64, probe: u32) {
            let permit = Permit { generation, admitted_at_us, probe };
            prop_assert!(encode(permit).len() <= 100);
            prop_assert_eq!(decode(&encode(permit)), Some(permit));
        }

        #[test]
        fn no_text_panics(text in r"(p1|\PC{0,3})( [0-9]{0,22}){0,5}") {
            let _ = decode(&text);
        }
    }

    #[test]
    fn what_no_admission_gave_is_no_token() {
        for text in ["", "p1 1 1", "p1 1 1 1 1", "p2 1 1 1", "p1 1 1 -1", "p1 1 1 4294967296", "p1 a 1 1"] {
            assert_eq!(decode(text), None, "{text:?}");
        }
    }
}
