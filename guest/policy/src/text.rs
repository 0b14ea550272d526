//! Reads the text that cells hold: words parted by one space, most of them `key=value`, in a fixed
//! order.
//!
//! The text may come from anyone. Reading is strict, so that what is not ours is not mistaken for
//! ours, and nothing here panics.

use alloc::string::String;

/// Text longer than this is never ours: the fullest cell takes about 30 KiB.
pub(crate) const MAX_BYTES: usize = 64 * 1_024;

/// The words of a stored value that have not been read yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words<'a>(Option<&'a str>);

impl<'a> Words<'a> {
    /// The words of `text`. `None`: it is too long to be ours.
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        (text.len() <= MAX_BYTES).then_some(Self(Some(text)))
    }

    /// The next word, whatever it is.
    pub(crate) fn word(&mut self) -> Option<&'a str> {
        let rest = self.0?;
        let (word, rest) = match rest.split_once(' ') {
            Some((word, rest)) => (word, Some(rest)),
            None => (rest, None),
        };
        self.0 = rest;
        Some(word)
    }

    /// The value of the next word, which must have this key.
    pub(crate) fn value(&mut self, key: &str) -> Option<&'a str> {
        self.word()?.strip_prefix(key)?.strip_prefix('=')
    }

    /// The value of the next word if it has this key; another word stays unread.
    pub(crate) fn optional(&mut self, key: &str) -> Option<&'a str> {
        let mut ahead = *self;
        let value = ahead.value(key)?;
        *self = ahead;
        Some(value)
    }

    /// The next word's value as a number.
    pub(crate) fn number(&mut self, key: &str) -> Option<u64> {
        number(self.value(key)?)
    }

    /// The next word's value as a number below 2^32.
    pub(crate) fn small(&mut self, key: &str) -> Option<u32> {
        small(self.value(key)?)
    }

    /// None if a word is left.
    pub(crate) fn end(self) -> Option<()> {
        self.0.is_none().then_some(())
    }
}

/// A number in the one way that we write it: digits without a sign or leading zeros.
pub(crate) fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = digits && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().ok() } else { None }
}

/// Appends a number. Not by `write!`, which takes several times as long: a log or a queue holds
/// thousands of them.
pub(crate) fn push_number(text: &mut String, mut number: u64) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    text.extend(digits[start..].iter().map(|digit| char::from(*digit)));
}

/// A [`number`] below 2^32.
pub(crate) fn small(text: &str) -> Option<u32> {
    u32::try_from(number(text)?).ok()
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, Words, number, small};

    #[test]
    fn reads_words_in_their_order() {
        let mut words = Words::of("c1 a=1 b=x").unwrap();
        assert_eq!(words.word(), Some("c1"));
        assert_eq!(words.optional("b"), None);
        assert_eq!(words.small("a"), Some(1));
        assert_eq!(words.end(), None);
        assert_eq!(words.optional("b"), Some("x"));
        assert_eq!(words.end(), Some(()));
        assert_eq!(words.word(), None);
    }

    #[test]
    fn takes_only_canonical_numbers() {
        assert_eq!(number("18446744073709551615"), Some(u64::MAX));
        assert_eq!(number("0"), Some(0));
        for text in ["", "-1", "+1", "01", "00", "1.0", "1e3", " 1", "18446744073709551616", "१"] {
            assert_eq!(number(text), None, "{text}");
        }
        assert_eq!(small("4294967295"), Some(u32::MAX));
        assert_eq!(small("4294967296"), None);
    }

    #[test]
    fn refuses_text_that_is_too_long() {
        assert!(Words::of(&"a".repeat(MAX_BYTES)).is_some());
        assert!(Words::of(&"a".repeat(MAX_BYTES + 1)).is_none());
    }
}
