//! JSON text as it stands: values are kept as they were written, so that no number, escape or order
//! is lost.
//!
//! Nothing here is on the way of a decision, so it is kept small: functions of many callers are not
//! inlined.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Write};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// How much of a bad value is quoted, in bytes.
const QUOTED_BYTES: usize = 100;
/// No number that a language's own numbers hold is longer when it is written out.
const MAX_DIGITS: i64 = 310;

/// The members of an object in their order, each with its value's text.
pub(crate) struct Object<'a>(pub(crate) Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Object<'a> {
    /// None where the text is not one object.
    #[inline(never)]
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The value of a member; of several of the same name, the last.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.index(name).map(|index| self.0[index].1)
    }

    /// The index of the last member of this name.
    #[inline(never)]
    pub(crate) fn index(&self, name: &str) -> Option<usize> {
        self.0.iter().rposition(|(known, _)| known == name)
    }
}

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some(Name(name)) = map.next_key()? {
                    members.push((name, map.next_value::<&RawValue>()?.get()));
                }
                Ok(Object(members))
            }
        }
        from.deserialize_map(Members)
    }
}

/// A member's name, borrowed where it holds no escape.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(text.to_string())))
            }
        }
        from.deserialize_str(Text)
    }
}

/// The texts of an array's elements. `None`: it is not an array.
#[inline(never)]
pub(crate) fn elements(text: &str) -> Option<Vec<&str>> {
    let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    Some(elements.into_iter().map(RawValue::get).collect())
}

/// What a string says. `None`: the value is not a string.
#[inline(never)]
pub(crate) fn string(text: &str) -> Option<String> {
    serde_json::from_str(text).ok()
}

/// A number's digits where it is a whole one, however it was written: `42`, `42.0` and `4.2e1` are
/// `42`.
#[inline(never)]
pub(crate) fn whole(text: &str) -> Option<String> {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    rest.starts_with(|first: char| first.is_ascii_digit()).then_some(())?;
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{before}{after}");
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some("0".to_string());
    }
    let point = i64::try_from(before.len()).ok()?.checked_add(exponent.parse().ok()?)?;
    let is_whole = point >= i64::try_from(significant.len()).ok()?;
    let length = usize::try_from(point).ok().filter(|_| is_whole && (point <= MAX_DIGITS || exponent == "0"))?;
    let written = format!("{significant:0<length$}");
    Some(format!("{sign}{}", written.trim_start_matches('0')))
}

/// A value as it is quoted in a problem.
#[inline(never)]
pub(crate) fn quoted(text: &str) -> String {
    match text.len() {
        0..=QUOTED_BYTES => text.to_string(),
        length => format!("{}... ({length} bytes)", &text[..text.floor_char_boundary(QUOTED_BYTES)]),
    }
}

/// A text as a JSON string.
#[inline(never)]
pub(crate) fn written(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{0}'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}

/// Writes an object, member by member.
pub(crate) struct Writer(String);

impl Writer {
    pub(crate) fn new() -> Self {
        Self("{".to_string())
    }

    /// A member whose value is JSON text already.
    #[inline(never)]
    pub(crate) fn raw(mut self, name: &str, value: &str) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&written(name));
        self.0.push(':');
        self.0.push_str(value);
        self
    }

    #[inline(never)]
    pub(crate) fn text(self, name: &str, value: &str) -> Self {
        self.raw(name, &written(value))
    }

    #[inline(never)]
    pub(crate) fn number(self, name: &str, value: u64) -> Self {
        self.raw(name, &value.to_string())
    }

    #[inline(never)]
    pub(crate) fn flag(self, name: &str, value: bool) -> Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    pub(crate) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// Writes an array of values that are JSON text already.
pub(crate) fn array(values: impl IntoIterator<Item = String>) -> String {
    let values: Vec<String> = values.into_iter().collect();
    format!("[{}]", values.join(","))
}

/// Writes an array of strings.
pub(crate) fn strings(texts: &[&str]) -> String {
    array(texts.iter().map(|text| written(text)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Object, elements, quoted, string, whole, written};

    #[test]
    fn members_keep_their_order_and_their_text() {
        let object = Object::read(r#" { "b" : 1.0e0 , "\u0061":[ 1,2 ] , "b":"x" } "#).unwrap();
        let names: alloc::vec::Vec<&str> = object.0.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["b", "a", "b"]);
        assert_eq!(object.get("a"), Some("[ 1,2 ]"));
        assert_eq!(object.get("b"), Some("\"x\""));
        assert_eq!(object.index("b"), Some(2));
        assert_eq!(object.get("c"), None);
    }

    #[test]
    fn what_is_no_single_object_is_not_read() {
        for text in ["", "1", "[]", "null", "{} {}", "{\"a\"}", "{a:1}", "{\"a\":1,}", "\"{}\""] {
            assert!(Object::read(text).is_none(), "{text}");
        }
        assert_eq!(elements("[1,[2] , {}]").unwrap(), ["1", "[2]", "{}"]);
        assert_eq!(elements("{}"), None);
    }

    #[test]
    fn whole_numbers_are_known_however_they_are_written() {
        let cases = [
            ("42", "42"),
            ("42.0", "42"),
            ("4.2e1", "42"),
            ("420e-1", "42"),
            ("-0", "0"),
            ("0.0e9", "0"),
            ("-7.00", "-7"),
            ("1E+3", "1000"),
            ("0.5e1", "5"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("1e21", "1000000000000000000000"),
        ];
        for (text, digits) in cases {
            assert_eq!(whole(text).as_deref(), Some(digits), "{text}");
        }
        for text in ["1.5", "1e-1", "\"1\"", "null", "true", "1e999", "-", "", "1e99999999999999999999", "[1]"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    #[test]
    fn a_long_value_is_quoted_in_part_and_never_inside_a_character() {
        assert_eq!(quoted("12"), "12");
        assert_eq!(quoted(&"é".repeat(60)), alloc::format!("{}... (120 bytes)", "é".repeat(50)));
    }

    proptest! {
        #[test]
        fn a_written_text_reads_as_itself(text in any::<alloc::string::String>()) {
            prop_assert_eq!(string(&written(&text)), Some(text));
        }

        #[test]
        fn every_integer_is_whole_and_itself(number in any::<i64>()) {
            prop_assert_eq!(whole(&alloc::format!("{number}")), Some(alloc::format!("{number}")));
            prop_assert_eq!(whole(&alloc::format!("{number}.000")), Some(alloc::format!("{number}")));
        }
    }
}
