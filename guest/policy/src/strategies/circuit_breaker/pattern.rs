//! Decides whether an error counts: patterns on its name, message, code and status, and on those of
//! its causes.
//!
//! A pattern runs as a set of states, a bit for each character of the pattern. Each character of
//! the text moves all of them at once. The time is the text's length times one word per 64
//! characters of the pattern, whatever either says, so no error text can stall a host.

use alloc::vec;
use alloc::vec::Vec;

use super::config::{ErrorPart, ErrorPattern};
use super::report::Error;

/// How much of each text of an error is looked at, in bytes.
pub(super) const LOOKED_AT_BYTES: usize = 8 * 1_024;

/// How many are looked at of an error and its causes.
pub(super) const LOOKED_AT_ERRORS: usize = 16;

/// The longest pattern, in bytes.
pub(super) const MAX_PATTERN_BYTES: usize = 1_024;

/// A checked pattern on a part of an error.
#[derive(Debug, Clone)]
pub(super) struct Matcher {
    part: ErrorPart,
    glob: Glob,
}

impl Matcher {
    /// None where the pattern ends in a backslash that takes nothing.
    pub(super) fn new(pattern: &ErrorPattern) -> Option<Self> {
        Some(Self { part: pattern.part, glob: Glob::new(&pattern.pattern)? })
    }

    /// Whether the pattern matches the part of `error` that it is for.
    pub(super) fn matches(&self, error: &Error<'_>) -> bool {
        let Error { name, message, code, status } = *error;
        match self.part {
            ErrorPart::Any => [name, message, code, status].iter().any(|text| self.glob.matches(text)),
            ErrorPart::Name => self.glob.matches(name),
            ErrorPart::Message => self.glob.matches(message),
            ErrorPart::Code => self.glob.matches(code),
            ErrorPart::Status => self.glob.matches(status),
        }
    }
}

/// A set of states: state `n` means that the first `n` characters of the pattern are matched.
type States = Vec<u64>;

#[derive(Debug, Clone)]
struct Glob {
    /// The number of characters to match, that is without the stars.
    length: usize,
    /// States in which any text may follow.
    stars: States,
    /// States that any character moves on.
    any: States,
    /// States that each character of the pattern moves on, together with those of `any`; sorted.
    characters: Vec<(char, States)>,
}

impl Glob {
    fn new(pattern: &str) -> Option<Self> {
        let empty = vec![0; pattern.chars().count() / 64 + 1];
        let mut glob = Self { length: 0, stars: empty.clone(), any: empty, characters: Vec::new() };
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            match character {
                '*' => set(&mut glob.stars, glob.length),
                '?' => glob.step_any(),
                '\\' => glob.step(characters.next()?),
                _ => glob.step(character),
            }
        }
        for (_, states) in &mut glob.characters {
            states.iter_mut().zip(&glob.any).for_each(|(state, any)| *state |= any);
        }
        Some(glob)
    }

    fn step_any(&mut self) {
        set(&mut self.any, self.length);
        self.length += 1;
    }

    fn step(&mut self, character: char) {
        let found = self.characters.binary_search_by_key(&character, |(known, _)| *known);
        let at = found.unwrap_or_else(|at| {
            self.characters.insert(at, (character, vec![0; self.stars.len()]));
            at
        });
        set(&mut self.characters[at].1, self.length);
        self.length += 1;
    }

    fn matches(&self, text: &str) -> bool {
        let text = &text[..text.floor_char_boundary(LOOKED_AT_BYTES)];
        let mut states = vec![0; self.stars.len()];
        set(&mut states, 0);
        for character in text.chars() {
            if !self.advance(&mut states, character) {
                return false;
            }
        }
        states[self.length / 64] >> (self.length % 64) & 1 == 1
    }

    /// Moves all states on by one character of the text; false: no state is left.
    fn advance(&self, states: &mut States, character: char) -> bool {
        let found = self.characters.binary_search_by_key(&character, |(known, _)| *known);
        let movable = found.map_or(&self.any, |at| &self.characters[at].1);
        let (mut carry, mut alive) = (0, 0);
        for ((state, movable), stars) in states.iter_mut().zip(movable).zip(&self.stars) {
            let moved = *state & movable;
            *state = moved << 1 | carry | *state & stars;
            carry = moved >> 63;
            alive |= *state;
        }
        alive != 0
    }
}

fn set(states: &mut States, state: usize) {
    states[state / 64] |= 1 << (state % 64);
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::{Glob, LOOKED_AT_BYTES};

    fn matches(pattern: &str, text: &str) -> bool {
        Glob::new(pattern).expect("the pattern is well formed").matches(text)
    }

    #[test]
    fn matches_the_whole_text_only() {
        assert!(matches("Timeout", "Timeout"));
        assert!(!matches("Timeout", "TimeoutError"));
        assert!(!matches("Timeout", "timeout"));
        assert!(!matches("Timeout", ""));
    }

    #[test]
    fn a_star_stands_for_any_text_and_a_question_mark_for_one_character() {
        assert!(matches("*", ""));
        assert!(matches("*Error", "TimeoutError"));
        assert!(matches("a*b*c", "a--b--b-c"));
        assert!(!matches("a*b*c", "a--b--b-"));
        assert!(matches("5??", "503"));
        assert!(!matches("5??", "50"));
        assert!(matches("?", "é"));
        assert!(matches("**a", "ba"));
    }

    #[test]
    fn a_backslash_takes_the_next_character_as_it_is() {
        assert!(matches(r"\*", "*"));
        assert!(!matches(r"\*", "a"));
        assert!(matches(r"\\\?\a", r"\?a"));
        assert!(Glob::new(r"a\").is_none());
    }

    #[test]
    fn patterns_longer_than_a_word_carry_over() {
        let long = "a".repeat(200);
        assert!(matches(&long, &long));
        assert!(!matches(&long, &"a".repeat(199)));
        assert!(matches(&"?".repeat(64), &"x".repeat(64)));
        assert!(matches(&alloc::format!("{}*b", "?".repeat(63)), &alloc::format!("{}ab", "x".repeat(63))));
    }

    #[test]
    fn only_the_first_8_kib_are_looked_at_up_to_a_whole_character() {
        let mut text = "a".repeat(LOOKED_AT_BYTES - 1);
        text.push('é');
        assert!(matches("a*a", &text));
        text.insert(0, 'a');
        text.push_str("tail");
        assert!(!matches("*tail", &text));
    }

    #[test]
    fn the_worst_pattern_and_text_take_one_pass() {
        let pattern = "a*".repeat(511) + "b";
        assert!(!matches(&pattern, &"a".repeat(10 * LOOKED_AT_BYTES)));
    }

    /// The meaning of a pattern without regard to time.
    fn means(pattern: &[char], text: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => (0..=text.len()).any(|skipped| means(rest, &text[skipped..])),
            ['?', rest @ ..] => !text.is_empty() && means(rest, &text[1..]),
            ['\\', taken, rest @ ..] => text.first() == Some(taken) && means(rest, &text[1..]),
            [other, rest @ ..] => text.first() == Some(other) && means(rest, &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_meaning_of_patterns(
            pattern in r"([ab*?]|\\[*?\\a]){0,9}",
            text in r"[ab*?\\]{0,10}",
        ) {
            let characters = |text: &String| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&pattern, &text), means(&characters(&pattern), &characters(&text)));
        }

        #[test]
        fn no_pattern_panics(pattern in ".{0,200}", text in ".{0,200}") {
            if let Some(glob) = Glob::new(&pattern) {
                glob.matches(&text);
            }
        }
    }
}
