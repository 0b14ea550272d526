//! Paths into a context, each to one value at most: dotted (`order.customer.id`, `items[0].id`,
//! `items.0.id`) or a singular query of `JSONPath` (RFC 9535, `$.order['customer'].id`,
//! `$["items"][-1]`). What may name several values, such as a wildcard, is not a path.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Display};
use core::iter::Peekable;
use core::str::Chars;

use super::json::{Object, elements, written};

/// The longest path, in characters.
pub(crate) const LONGEST: usize = 1_024;
/// The most digits of an index.
const MAX_DIGITS: usize = 9;

/// What a text must match to be a path, as ECMAScript writes it: for the JSON Schema.
/// [`Path::read`] takes exactly this.
pub(crate) const PATTERN: &str = concat!(
    r"^(?:(?!\$)[^\x00-\x20\x7F.\[\]*?'",
    "\"",
    r"\\]+(?:\.[^\x00-\x20\x7F.\[\]*?'",
    "\"",
    r"\\]+|\[(?:0|-?[1-9][0-9]{0,8})\])*|\$(?:\.NAME|\[QUOTED\])(?:\.NAME|\[(?:QUOTED|0|-?[1-9][0-9]{0,8})\])*)$",
);

/// A name after a dot in `JSONPath`.
const NAME: &str = r"(?:[A-Za-z_]|[^\x00-\x7F])(?:[0-9A-Za-z_]|[^\x00-\x7F])*";
/// A name in quotes in `JSONPath`.
const QUOTED: &str =
    concat!(r"(?:'(?:[^\x00-\x1F'\\]|\\(?:'|ESCAPED))*'|", "\"(?:[^\\x00-\\x1F\"\\\\]|\\\\(?:\"|ESCAPED))*\"", ")");
/// What may follow a backslash there, but for the quote.
const ESCAPED: &str = concat!(
    r"[\\/bfnrt]|u(?:[0-9A-CE-Fa-ce-f][0-9A-Fa-f]{3}|[Dd][0-7][0-9A-Fa-f]{2}|",
    r"[Dd][89ABab][0-9A-Fa-f]{2}\\u[Dd][C-Fc-f][0-9A-Fa-f]{2})"
);

/// The pattern, with its parts put in.
pub(crate) fn pattern() -> String {
    PATTERN.replace("QUOTED", QUOTED).replace("NAME", NAME).replace("ESCAPED", ESCAPED)
}

/// A checked path. Its text is the same for all ways to write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// A member.
    Name(String),
    /// An element; below 0 from the end.
    Index(i64),
    /// A number after a dot: an element of an array or a member of an object.
    Either(i64),
}

impl Path {
    /// A member of the context itself.
    pub(crate) fn member(name: &str) -> Self {
        Self(alloc::vec![Segment::Name(name.to_string())])
    }

    /// None where the text is no path.
    pub(crate) fn read(text: &str) -> Option<Self> {
        if text.chars().count() > LONGEST {
            return None;
        }
        let mut rest = text.chars().peekable();
        let segments = if text.starts_with('$') { query(&mut rest) } else { dotted(&mut rest) }?;
        matches!(segments.first(), Some(Segment::Name(_))).then_some(Self(segments))
    }

    /// The member of the context that the path begins with.
    pub(crate) fn head(&self) -> &str {
        match self.0.first() {
            Some(Segment::Name(name)) => name,
            _ => "",
        }
    }

    /// The text of the value at this path.
    pub(crate) fn find<'a>(&self, context: &Object<'a>) -> Option<&'a str> {
        let first = context.get(self.head())?;
        self.0.iter().skip(1).try_fold(first, |value, segment| match segment {
            Segment::Name(name) => Object::read(value)?.get(name),
            Segment::Index(index) => element(value, *index),
            Segment::Either(number) if value.starts_with('[') => element(value, *number),
            Segment::Either(number) => Object::read(value)?.get(&number.to_string()),
        })
    }
}

/// In dotted form where names allow it: `order.items[0]["a b"]`.
impl Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(number) | Segment::Either(number) => write!(f, "[{number}]")?,
                Segment::Name(name) if is_plain(name) && place == 0 => f.write_str(name)?,
                Segment::Name(name) if is_plain(name) => write!(f, ".{name}")?,
                Segment::Name(name) => write!(f, "[{}]", written(name))?,
            }
        }
        Ok(())
    }
}

fn is_plain(name: &str) -> bool {
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    !is_number && !name.starts_with('$') && name.chars().all(is_of_dotted_name)
}

fn element(array: &str, index: i64) -> Option<&str> {
    let elements = elements(array)?;
    let back = usize::try_from(index.unsigned_abs()).ok()?;
    let index = if index < 0 { elements.len().checked_sub(back)? } else { back };
    elements.get(index).copied()
}

type Rest<'a> = Peekable<Chars<'a>>;

fn dotted(rest: &mut Rest<'_>) -> Option<Vec<Segment>> {
    let mut segments = alloc::vec![Segment::Name(taken(rest, is_of_dotted_name)?)];
    while let Some(next) = rest.next() {
        segments.push(match next {
            '.' => {
                let name = taken(rest, is_of_dotted_name)?;
                name.strip_prefix('-')
                    .is_none()
                    .then(|| index(&name))
                    .flatten()
                    .map_or(Segment::Name(name), Segment::Either)
            }
            '[' => Segment::Index(bracketed_index(rest)?),
            _ => return None,
        });
    }
    Some(segments)
}

fn query(rest: &mut Rest<'_>) -> Option<Vec<Segment>> {
    let mut segments = Vec::new();
    rest.next();
    while let Some(next) = rest.next() {
        segments.push(match (next, rest.peek()) {
            ('.', Some(first)) if !first.is_ascii_digit() => Segment::Name(taken(rest, is_of_short_name)?),
            ('[', Some('\'' | '"')) => {
                let name = quoted_name(rest)?;
                (rest.next()? == ']').then_some(Segment::Name(name))?
            }
            ('[', _) => Segment::Index(bracketed_index(rest)?),
            _ => return None,
        });
    }
    Some(segments)
}

/// As many characters as there are of a kind, one at least.
fn taken(rest: &mut Rest<'_>, is_of: fn(char) -> bool) -> Option<String> {
    let mut text = String::new();
    while let Some(next) = rest.next_if(|next| is_of(*next)) {
        text.push(next);
    }
    (!text.is_empty()).then_some(text)
}

fn is_of_dotted_name(character: char) -> bool {
    !matches!(character, '\0'..=' ' | '\u{7f}' | '.' | '[' | ']' | '*' | '?' | '\'' | '"' | '\\')
}

fn is_of_short_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_' || !character.is_ascii()
}

fn bracketed_index(rest: &mut Rest<'_>) -> Option<i64> {
    let number = taken(rest, |next| next.is_ascii_digit() || next == '-')?;
    (rest.next()? == ']').then(|| index(&number)).flatten()
}

/// A number in the one way that RFC 9535 writes it.
fn index(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let leads = digits.starts_with('0') && text != "0";
    let is_index = !leads && digits.len() <= MAX_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_index)
}

fn quoted_name(rest: &mut Rest<'_>) -> Option<String> {
    let quote = rest.next()?;
    let mut name = String::new();
    loop {
        match rest.next()? {
            '\\' => name.push(escaped(rest, quote)?),
            end if end == quote => return Some(name),
            '\0'..='\u{1f}' => return None,
            character => name.push(character),
        }
    }
}

fn escaped(rest: &mut Rest<'_>, quote: char) -> Option<char> {
    Some(match rest.next()? {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => unicode(rest)?,
        character if character == quote || matches!(character, '\\' | '/') => character,
        _ => return None,
    })
}

/// Four hexadecimal digits, or twice four of a surrogate pair.
fn unicode(rest: &mut Rest<'_>) -> Option<char> {
    let high = four_digits(rest)?;
    if !(0xd800..0xdc00).contains(&high) {
        return char::from_u32(high);
    }
    (rest.next()? == '\\' && rest.next()? == 'u').then_some(())?;
    let low = four_digits(rest).filter(|low| (0xdc00..0xe000).contains(low))?;
    char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
}

fn four_digits(rest: &mut Rest<'_>) -> Option<u32> {
    (0..4).try_fold(0, |number, _| Some(number << 4 | rest.next()?.to_digit(16)?))
}
