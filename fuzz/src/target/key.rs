//! Keys: no two entities, fields or prefixes share a key, and every key is short and plain.
//!
//! The input is the texts of two keys. The second may repeat parts of the first.

use tidegate_host_inputs::key::{EntityKey, MAX_PART_BYTES, escaped_prefix};

use crate::input::Input;

/// What a key is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    prefix: String,
    kind: String,
    name: String,
    key: String,
    field: u32,
}

/// Runs an input.
///
/// # Panics
/// Where two share a key, or a key is not as it is documented.
pub fn key(data: &[u8]) {
    let mut input = Input::new(data);
    let one = Parts {
        prefix: text(&mut input),
        kind: text(&mut input),
        name: text(&mut input),
        key: text(&mut input),
        field: input.small(),
    };
    let other = other(&mut input, &one);
    let (a, b) = (redis_key(&one), redis_key(&other));
    assert_eq!(a == b, one == other, "{one:?} {other:?} {a}");
    for parts in [&one, &other] {
        check(parts);
    }
}

/// A text, this many times over.
fn text(input: &mut Input<'_>) -> String {
    let (text, times) = (input.text(), input.byte());
    text.repeat(usize::from(times).max(1))
}

/// Each part is the first's, another, or a piece moved over from the part before.
fn other(input: &mut Input<'_>, one: &Parts) -> Parts {
    let mut other = one.clone();
    let kinds = input.byte();
    let parts = [&mut other.prefix, &mut other.kind, &mut other.name, &mut other.key];
    for (place, part) in parts.into_iter().enumerate() {
        if kinds >> place & 1 == 1 {
            *part = text(input);
        }
    }
    if kinds & 16 > 0 {
        let at = other.key.floor_char_boundary(input.index().min(other.key.len()));
        let moved: String = other.key.drain(..at).collect();
        other.name.push_str(&moved);
    }
    if kinds & 32 > 0 {
        other.field = input.small();
    }
    other
}

fn redis_key(parts: &Parts) -> String {
    EntityKey::new(&parts.kind, &parts.name, &parts.key).redis_key(&escaped_prefix(&parts.prefix), parts.field)
}

fn check(parts: &Parts) {
    let key = redis_key(parts);
    assert!(key.bytes().all(|byte| byte.is_ascii_graphic()), "{key}");
    assert!(key.len() <= 4 * MAX_PART_BYTES + 16, "{} bytes", key.len());
    let (prefix, rest) = key.split_once(":{").expect("a tag begins");
    let (tag, field) = rest.split_once("}:").expect("a tag ends");
    assert!(
        !prefix.contains(['{', '}']) && !field.contains(['{', '}']),
        "one pair of braces, or the slot is another's"
    );
    let written: Vec<&str> = tag.split(':').collect();
    let [kind, name, entity] = written[..] else { panic!("{tag} has not three parts") };
    for (written, text) in [(kind, &parts.kind), (name, &parts.name), (entity, &parts.key)] {
        assert!(written.len() <= MAX_PART_BYTES, "{written}");
        // What is cut ends in a digest, and the digest differs as the texts do.
        assert!(
            written.contains('~') || unescaped(written).as_deref() == Some(text.as_bytes()),
            "{written} of {text:?}"
        );
    }
    let (upper, role) = field.split_once('.').expect("a field has two parts");
    let number = |hex| u32::from_str_radix(hex, 16).expect("hexadecimal digits");
    assert_eq!(number(upper) << 8 | number(role), parts.field);
    assert_eq!(
        tidegate_host_inputs::entity(&parts.kind, &parts.name, &parts.key).tag(),
        tag,
        "a handle spells its entities alike"
    );
}

fn unescaped(part: &str) -> Option<Vec<u8>> {
    let mut bytes = part.bytes();
    let mut text = Vec::new();
    while let Some(byte) = bytes.next() {
        text.push(match byte {
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                u8::try_from(digit(bytes.next()?)? << 4 | digit(bytes.next()?)?).ok()?
            }
            plain => plain,
        });
    }
    Some(text)
}
