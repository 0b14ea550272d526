//! What can be read of an error: its name, code and status. Rust has no common way to tell them, so
//! they are read from its type and its debug text.

use std::error::Error;
use std::fmt::{self, Write};

/// How many are looked at of an error and its causes: the contract looks at no more.
pub(super) const MAX_ERRORS: usize = 16;

/// How much of a debug text is looked at, in bytes: what tells a status stands in front.
const LOOKED_AT_BYTES: usize = 256;

/// An error and its sources, as many as are looked at: one may be its own source.
pub(super) fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source()).take(MAX_ERRORS)
}

/// The name of a type; where that is just `Error`, with what tells it from others of that name.
pub(super) fn type_name<E>() -> String {
    let whole = std::any::type_name::<E>();
    let path = whole.split('<').next().unwrap_or(whole);
    let name = path.rsplit("::").next().unwrap_or(path);
    if name != "Error" {
        return name.to_owned();
    }
    let is_telling = |part: &&str| !matches!(*part, "std" | "core" | "alloc" | "error" | "errors");
    path.split("::").filter(is_telling).collect::<Vec<_>>().join("::")
}

/// The start of an error's debug text. Errors may hold whole replies.
pub(super) fn debug_of(error: &(dyn Error + 'static)) -> String {
    let mut start = Start(String::new());
    // What is written after the start is an error, which ends the writing.
    let _ = write!(start, "{error:?}");
    start.0
}

struct Start(String);

impl Write for Start {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LOOKED_AT_BYTES.saturating_sub(self.0.len());
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        if text.len() > room { Err(fmt::Error) } else { Ok(()) }
    }
}

/// The path that a debug text begins with, as it does where it is derived.
pub(super) fn leading_name(debug: &str) -> &str {
    let is_of_path = |character: char| character.is_alphanumeric() || matches!(character, '_' | ':');
    let end = debug.find(|character| !is_of_path(character)).unwrap_or(debug.len());
    let name = debug[..end].trim_end_matches(':');
    if name.starts_with(char::is_alphabetic) { name } else { "" }
}

/// The three digits of a status in a debug text, where it says that they are one.
pub(super) fn status_in(debug: &str) -> Option<&str> {
    let marks = ["status: ", "status_code: ", "Status(", "StatusCode("];
    marks.iter().flat_map(|mark| debug.match_indices(mark)).find_map(|(index, mark)| {
        let rest = &debug[index + mark.len()..];
        let rest = rest.strip_prefix("StatusCode(").or_else(|| rest.strip_prefix("Some(")).unwrap_or(rest);
        let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
        (end == 3).then_some(&rest[..3])
    })
}

#[cfg(test)]
mod tests {
    use super::{leading_name, status_in, type_name};

    mod payments {
        pub(super) mod error {
            pub(crate) struct Error;
        }
        pub(super) struct Timeout;
        pub(super) struct Wrapped<T>(T);
    }

    #[test]
    fn a_type_is_named_by_what_tells_it_from_others() {
        assert_eq!(type_name::<std::io::Error>(), "io::Error");
        assert_eq!(type_name::<std::fmt::Error>(), "fmt::Error");
        assert_eq!(type_name::<serde_json::Error>(), "serde_json::Error");
        assert_eq!(type_name::<std::num::ParseIntError>(), "ParseIntError");
        assert_eq!(type_name::<payments::Timeout>(), "Timeout");
        assert_eq!(type_name::<payments::Wrapped<payments::Timeout>>(), "Wrapped");
        assert!(type_name::<payments::error::Error>().ends_with("::payments::Error"));
    }

    #[test]
    fn a_debug_text_begins_with_a_name_or_with_none() {
        for (debug, name) in [
            ("Elapsed(())", "Elapsed"),
            ("reqwest::Error { kind: Status(503, None) }", "reqwest::Error"),
            ("ParseIntError { kind: Empty }", "ParseIntError"),
            ("Timeout", "Timeout"),
            ("\"text\"", ""),
            ("503", ""),
            ("", ""),
        ] {
            assert_eq!(leading_name(debug), name, "{debug}");
        }
    }

    #[test]
    fn a_status_is_read_where_the_text_says_that_it_is_one() {
        for (debug, status) in [
            ("Status(503)", Some("503")),
            ("reqwest::Error { kind: Status(503, None), url: \"a\" }", Some("503")),
            ("HttpError { status: 404, body: \"\" }", Some("404")),
            ("Refused { status: Some(429) }", Some("429")),
            ("Http { status_code: StatusCode(500) }", Some("500")),
            ("Exit { status: 1 }", None),
            ("Http { status: 5030 }", None),
            ("Other(503)", None),
        ] {
            assert_eq!(status_in(debug), status, "{debug}");
        }
    }
}
