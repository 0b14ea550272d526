//! Patterns of errors, against a matcher that is slow and plain.
//!
//! The input is patterns for errors that count, patterns for errors that are ignored, and the
//! error: its name and message, and the code and the status of its cause.

use tidegate_policy::circuit_breaker::{
    CircuitBreaker, Config, Effect, Error, ErrorPart, ErrorPattern, FailureCount, HalfOpen, Mode, Others, ProbeRule,
    Sample, Trip,
};

use super::assert_problems;
use crate::input::Input;
use crate::stage::Stage;

const PARTS: [ErrorPart; 5] = [ErrorPart::Any, ErrorPart::Name, ErrorPart::Message, ErrorPart::Code, ErrorPart::Status];
/// How much of a text is looked at.
const LOOKED_AT_BYTES: usize = 8 * 1_024;

/// Runs an input.
///
/// # Panics
/// Where a pattern does not mean what it says.
pub fn pattern(data: &[u8]) {
    let mut input = Input::new(data);
    let (monitored, ignored) = (patterns(&mut input), patterns(&mut input));
    let texts = [input.text(), input.text(), input.text(), input.text()];
    let [name, message, code, status] = texts.each_ref().map(String::as_str);
    let errors = [Error { name, message, ..Error::default() }, Error { code, status, ..Error::default() }];
    let are_sound = monitored.iter().chain(&ignored).all(|pattern| parse(&pattern.pattern).is_some());
    let opened = CircuitBreaker::open(&config(&monitored, &ignored));
    assert_eq!(opened.is_ok(), are_sound, "{monitored:?} {ignored:?}");
    let breaker = match opened {
        Ok(breaker) => breaker,
        Err(problems) => return assert_problems(&problems),
    };
    let any =
        |patterns: &[ErrorPattern]| patterns.iter().any(|pattern| errors.iter().any(|error| matches(pattern, error)));
    let timed_out = name == "CallTimeoutError";
    let counts = (timed_out || monitored.is_empty() || any(&monitored)) && !any(&ignored);
    let mut stage = Stage::new();
    let permit = breaker.admit(&mut stage, 0).permit;
    let effect = breaker.failed(&mut stage, 0, permit, 0, &errors).effect;
    let expected = if counts { Effect::CountedFailure } else { Effect::Ignored };
    assert_eq!(effect, expected, "{monitored:?} {ignored:?} {texts:?}");
}

fn patterns(input: &mut Input<'_>) -> Vec<ErrorPattern> {
    (0..input.byte() % 5).map(|_| ErrorPattern { part: input.pick(&PARTS), pattern: input.text() }).collect()
}

fn config(monitored: &[ErrorPattern], ignored: &[ErrorPattern]) -> Config {
    Config {
        trip: Trip {
            failures: Some(FailureCount { count: 2, within_ms: 1_000 }),
            consecutive: None,
            failure_rate: None,
            slow_rate: None,
            sample: Sample::Calls(1),
            minimum_calls: 1,
        },
        open_ms: 1_000,
        backoff: None,
        half_open: HalfOpen { probes: 1, successes: 1, permit_ms: 1_000, rule: ProbeRule::FirstFailure },
        monitored: monitored.to_vec(),
        others: Others::Ignored,
        ignored: ignored.to_vec(),
        mode: Mode::Normal,
    }
}

/// A piece of a pattern.
#[derive(Clone, Copy)]
enum Piece {
    AnyText,
    AnyCharacter,
    Just(char),
}

/// None where it is no pattern.
fn parse(pattern: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        pieces.push(match character {
            '*' => Piece::AnyText,
            '?' => Piece::AnyCharacter,
            '\\' => Piece::Just(characters.next()?),
            other => Piece::Just(other),
        });
    }
    (1..=1_024).contains(&pattern.len()).then_some(pieces)
}

fn matches(pattern: &ErrorPattern, error: &Error<'_>) -> bool {
    let Error { name, message, code, status } = *error;
    let pieces = parse(&pattern.pattern).expect("it is sound");
    match pattern.part {
        ErrorPart::Any => [name, message, code, status].into_iter().any(|text| is_match(&pieces, text)),
        ErrorPart::Name => is_match(&pieces, name),
        ErrorPart::Message => is_match(&pieces, message),
        ErrorPart::Code => is_match(&pieces, code),
        ErrorPart::Status => is_match(&pieces, status),
    }
}

/// For every piece, which beginnings of the text the pieces up to it can stand for.
fn is_match(pieces: &[Piece], text: &str) -> bool {
    let text: Vec<char> = text[..text.floor_char_boundary(LOOKED_AT_BYTES)].chars().collect();
    let mut stands = vec![false; text.len() + 1];
    stands[0] = true;
    for piece in pieces {
        let mut next = vec![false; text.len() + 1];
        for end in 0..=text.len() {
            next[end] = match piece {
                Piece::AnyText => stands[end] || (end > 0 && next[end - 1]),
                Piece::AnyCharacter => end > 0 && stands[end - 1],
                Piece::Just(character) => end > 0 && stands[end - 1] && text[end - 1] == *character,
            };
        }
        stands = next;
    }
    stands[text.len()]
}
