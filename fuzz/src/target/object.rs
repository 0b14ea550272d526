//! Where the members of a JSON object stand, found without the policies' reader.

use std::ops::Range;

use serde::de::IgnoredAny;

/// A member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    /// Where its name begins.
    pub(super) start: usize,
    /// Where its value stands.
    pub(super) value: Range<usize>,
}

/// The members in their order; none where the text is not one object whose names can be read.
pub(super) fn members(text: &str) -> Option<Vec<Member>> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
    let mut members = Vec::new();
    let mut is_more = scan.next()? == b'{' && scan.peek()? != b'}';
    if !text.trim_start().starts_with('{') {
        return None;
    }
    while is_more {
        scan.skip_space();
        let start = scan.at;
        scan.skip_value();
        let name = serde_json::from_str(&text[start..scan.at]).ok()?;
        scan.next()?;
        scan.skip_space();
        let from = scan.at;
        scan.skip_value();
        members.push(Member { name, start, value: from..scan.at });
        is_more = scan.next()? == b',';
    }
    Some(members)
}

/// Goes over text that is known to be JSON.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn skip_space(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let next = self.peek();
        self.at += 1;
        next
    }

    fn skip_string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'"' => return,
                b'\\' => self.at += 1,
                _ => {}
            }
        }
    }

    fn skip_value(&mut self) {
        let mut depth = 0_usize;
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'"' => self.skip_string(),
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' | b',' | b':' if depth == 0 => return,
                b'}' | b']' => {
                    depth -= 1;
                    self.at += 1;
                }
                byte if byte.is_ascii_whitespace() && depth == 0 => return,
                _ => self.at += 1,
            }
            if depth == 0 && matches!(self.bytes[self.at - 1], b'"' | b'}' | b']') {
                return;
            }
        }
    }
}
