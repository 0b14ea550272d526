//! Settings from JSON text.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

use crate::problem::SettingsError;

/// Reads JSON as it is; an error names the field that it is about.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, SettingsError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let settings = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        // A text that ends too early has no place of its own.
        let path = error.path().to_string().replace(".?", "");
        let path = if path == "?" { ".".to_owned() } else { path };
        SettingsError::Json { path, reason: error.into_inner().to_string() }
    })?;
    json.end().map_err(|error| SettingsError::Json { path: ".".to_owned(), reason: error.to_string() })?;
    Ok(settings)
}

/// Reads settings: a number without a fraction is a whole number however it is written, as it is in
/// JavaScript.
pub(crate) fn settings<T: DeserializeOwned>(text: &str) -> Result<T, SettingsError> {
    parse(&with_whole_numbers(text))
}

/// The text with `10.0` and `1e1` written as `10`. What is not JSON stays as it is.
fn with_whole_numbers(text: &str) -> Cow<'_, str> {
    let (mut written, mut copied) = (String::new(), 0);
    for (start, number) in numbers(text) {
        if let Some(whole) = whole(number) {
            written.push_str(&text[copied..start]);
            written.push_str(&whole);
            copied = start + number.len();
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    written.push_str(&text[copied..]);
    Cow::Owned(written)
}

/// The numbers outside of strings, and where each begins.
fn numbers(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let bytes = text.as_bytes();
    let is_of_a_number = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            match bytes[at] {
                b'"' => {
                    at += 1;
                    while at < bytes.len() && bytes[at] != b'"' {
                        at += if bytes[at] == b'\\' { 2 } else { 1 };
                    }
                    at += 1;
                }
                b'-' | b'0'..=b'9' => {
                    let start = at;
                    at += bytes[start..].iter().take_while(|byte| is_of_a_number(**byte)).count();
                    return Some((start, &text[start..at]));
                }
                _ => at += 1,
            }
        }
        None
    })
}

/// A number that has a fraction or an exponent and is whole all the same, as digits. `None`: it is
/// not, or a double does not tell it exactly.
fn whole(number: &str) -> Option<String> {
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
    if !number.contains(['.', 'e', 'E']) {
        return None;
    }
    // Rust reads more than JSON has, such as `1.` and `00.5`.
    let value: f64 = serde_json::from_str(number).ok()?;
    (value.fract() == 0.0 && value.abs() < MAX_EXACT).then(|| format!("{:.0}", value + 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_without_a_fraction_is_written_as_a_whole_one() {
        for (text, written) in [
            ("10.0", "10"),
            ("1e1", "10"),
            ("1E+1", "10"),
            ("100e-1", "10"),
            ("-5.0", "-5"),
            ("-0.0", "0"),
            ("[1.0,2.5, 3e0 ]", "[1,2.5, 3 ]"),
            (r#"{"1.0":"a 2.0 \" 3.0","b":4.0}"#, r#"{"1.0":"a 2.0 \" 3.0","b":4}"#),
            ("1.5", "1.5"),
            ("1e-1", "1e-1"),
            ("1e400", "1e400"),
            ("9007199254740992.0", "9007199254740992.0"),
            ("1.", "1."),
            ("1.0.0", "1.0.0"),
            ("\"unfinished 1.0", "\"unfinished 1.0"),
            ("\"\\", "\"\\"),
            ("", ""),
        ] {
            assert_eq!(with_whole_numbers(text), written, "{text}");
        }
    }
}
