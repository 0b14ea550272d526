//! Limits as text: `10/second`, `100/5 minutes`, `1000 per day`.

use std::fmt;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use super::config::{Limit, LimitFields, WindowUnit};
use crate::error::{Error, Problem};

/// What such a text looks like.
pub(crate) const EXAMPLES: [&str; 3] = ["10/second", "100/5minutes", "1000 per day"];

/// Reads a limit, by the default algorithm: `<permits>/<unit>` or `<permits>/<count><unit>`, with
/// `per` in place of the slash. The units are `ms`, `s`, `min`, `h` and `d`, or `millisecond`,
/// `second` (`sec`), `minute`, `hour` and `day`, also with an `s`.
pub(crate) fn read(text: &str) -> Option<Limit> {
    let (permits, window) = text.split_once('/').or_else(|| text.split_once(" per "))?;
    let window = window.trim();
    let digits = window.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(window.len());
    let (count, unit) = window.split_at(digits);
    let count = if count.is_empty() { 1 } else { count.parse().ok()? };
    Some(Limit::new(whole(permits.trim())?, unit_of(unit.trim())?, count))
}

/// Digits alone: the parser of numbers takes a sign, too.
fn whole(digits: &str) -> Option<u32> {
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn unit_of(word: &str) -> Option<WindowUnit> {
    Some(match word {
        "ms" | "millisecond" | "milliseconds" => WindowUnit::Millisecond,
        "s" | "sec" | "secs" | "second" | "seconds" => WindowUnit::Second,
        "min" | "mins" | "minute" | "minutes" => WindowUnit::Minute,
        "h" | "hour" | "hours" => WindowUnit::Hour,
        "d" | "day" | "days" => WindowUnit::Day,
        _ => return None,
    })
}

impl FromStr for Limit {
    type Err = Error;

    /// Reads a limit such as `10/second`, `100/5minutes` or `1000 per day`, by the strict sliding
    /// window.
    fn from_str(text: &str) -> Result<Self, Error> {
        let allowed = || format!("a limit such as {}", EXAMPLES.map(|example| format!("{example:?}")).join(", "));
        let problem = || Problem { path: "limit".to_owned(), value: format!("{text:?}"), allowed: allowed() };
        read(text).ok_or_else(|| Error::Config { name: "the limit".to_owned(), problems: vec![problem()] })
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

/// A limit as text, or field by field.
struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Limit;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a limit such as {:?}", EXAMPLES[0])
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Limit, E> {
        read(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Limit, A::Error> {
        let LimitFields { limit, window, window_count, algorithm } =
            LimitFields::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Limit { limit, window, window_count, algorithm })
    }
}
