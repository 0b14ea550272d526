//! Keys: how a caller's text becomes the name of an entity, and of its cells in Redis.
//!
//! A key in Redis reads
//!
//! ```text
//! tidegate:{rl:api:user42}:5f3a91.2
//! prefix    kind name key  geometry.role
//! ```
//!
//! - The *prefix* is the store's, `tidegate` unless set otherwise.
//! - The *tag*, in braces, holds the whole entity. Redis Cluster hashes what is in the braces, so
//!   all cells of an entity share a slot. It has three parts parted by colons: the kind of the
//!   policy, the name of its configuration, and the caller's key. Kinds are `rl` for rate limiters
//!   and `cb` for circuit breakers. Hosts keep two of their own: `sg` for what they write to find
//!   out whether the store is back, which lives for a second, and `st` for a note of which window
//!   and algorithm a limiter goes by, which lives for 30 days.
//! - The *field* is a policy's number for a cell: `field >> 8` and `field & 0xff`, both in
//!   hexadecimal.
//!
//! A part is any text. `A-Z a-z 0-9 _ . @ / -` stand for themselves, every other byte of its UTF-8
//! is `%XX`. A part that would be longer than [`MAX_PART_BYTES`] is cut and completed with `~` and
//! 32 hexadecimal digits of the SHA-256 of all of it. Two entities therefore never share a tag:
//! parts hold no bare colon or brace, and no bare `~` but that one.
//!
//! ```
//! use tidegate::key::EntityKey;
//!
//! let key = EntityKey::new("rl", "api", "user {42}");
//! assert_eq!(key.tag(), "rl:api:user%20%7B42%7D");
//! assert_eq!(key.redis_key("tidegate", 0x5f3a_9102), "tidegate:{rl:api:user%20%7B42%7D}:5f3a91.2");
//! ```

use std::fmt::{self, Write as _};

use sha2::{Digest as _, Sha256};

/// The longest part of a tag, in bytes.
pub const MAX_PART_BYTES: usize = 128;

/// The bytes of `~` and the digits that complete a part that was cut.
const DIGEST_BYTES: usize = 33;

/// The name of an entity: one limited or protected thing. Cheap to compare and to hash, however
/// long the caller's text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntityKey {
    tag: Box<str>,
}

impl EntityKey {
    /// The entity `key` of the policy `name` of a kind such as `rl` or `cb`. Each is any text, of
    /// any length.
    pub fn new(kind: &str, name: &str, key: &str) -> Self {
        let mut tag = String::with_capacity(kind.len() + name.len() + key.len().min(MAX_PART_BYTES) + 2);
        escape(kind, is_plain, &mut tag);
        tag.push(':');
        escape(name, is_plain, &mut tag);
        tag.push(':');
        escape(key, is_plain, &mut tag);
        Self { tag: tag.into_boxed_str() }
    }

    /// The tag, unique to the entity: plain ASCII without braces, at most 386 bytes.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The key of a cell in Redis, under a prefix made by [`escaped_prefix`].
    pub fn redis_key(&self, prefix: &str, field: u32) -> String {
        let mut key = String::with_capacity(prefix.len() + self.tag.len() + 16);
        self.write_redis_key(prefix, field, &mut key);
        key
    }

    /// Like [`Self::redis_key`], at the end of a text.
    pub fn write_redis_key(&self, prefix: &str, field: u32, out: &mut String) {
        for part in [prefix, ":{", &self.tag, "}:"] {
            out.push_str(part);
        }
        push_hexadecimal(field >> 8, out);
        out.push('.');
        push_hexadecimal(field & 0xff, out);
    }
}

/// Not by `write!`, which takes several times as long: every commit spells its keys out.
fn push_hexadecimal(number: u32, out: &mut String) {
    let first = 7 - (number | 1).leading_zeros() / 4;
    for digit in (0..=first).rev() {
        let digit = number >> (4 * digit) & 0xf;
        out.push(char::from_digit(digit, 16).unwrap_or('0'));
    }
}

/// The entities of one policy name: what their tags have in common, escaped once.
#[derive(Debug, Clone)]
pub(crate) struct Namespace {
    start: Box<str>,
}

impl Namespace {
    pub(crate) fn new(kind: &str, name: &str) -> Self {
        Self { start: EntityKey::new(kind, name, "").tag }
    }

    /// Appends the tag of one of them.
    pub(crate) fn write_tag(&self, key: &str, out: &mut String) {
        out.push_str(&self.start);
        escape(key, is_plain, out);
    }

    /// One of them.
    pub(crate) fn entity(&self, key: &str) -> EntityKey {
        let mut tag = String::with_capacity(self.start.len() + key.len().min(MAX_PART_BYTES));
        self.write_tag(key, &mut tag);
        EntityKey { tag: tag.into_boxed_str() }
    }
}

impl fmt::Debug for EntityKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "EntityKey({})", self.tag)
    }
}

impl fmt::Display for EntityKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.tag)
    }
}

/// A store's prefix as it stands in keys: escaped and cut like a part of a tag, but colons stand
/// for themselves. So it has no brace of its own, and the slot stays the entity's.
pub fn escaped_prefix(prefix: &str) -> String {
    let mut out = String::new();
    escape(prefix, |byte| byte == b':' || is_plain(byte), &mut out);
    out
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'@' | b'/' | b'-')
}

/// Appends a part, escaped and bounded. Of a long text only the start is escaped, and nothing is
/// copied.
fn escape(text: &str, is_plain: impl Fn(u8) -> bool, out: &mut String) {
    let start = out.len();
    // Where to cut should the part turn out too long: never within an escape.
    let mut cut = start;
    for byte in text.bytes() {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        let length = out.len() - start;
        if length <= MAX_PART_BYTES - DIGEST_BYTES {
            cut = out.len();
        } else if length > MAX_PART_BYTES {
            out.truncate(cut);
            write_digest(text, out);
            return;
        }
    }
}

fn write_digest(text: &str, out: &mut String) {
    out.push('~');
    for byte in &Sha256::digest(text.as_bytes())[..16] {
        let _ = write!(out, "{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_namespace_spells_its_entities_alike() {
        let (mut tag, long) = (String::new(), "é".repeat(300));
        let namespace = Namespace::new("rl", "a:b");
        for key in ["", "user {42}", &long] {
            tag.clear();
            namespace.write_tag(key, &mut tag);
            assert_eq!(namespace.entity(key), EntityKey::new("rl", "a:b", key));
            assert_eq!(namespace.entity(key).tag(), tag);
        }
    }

    #[test]
    fn plain_text_stands_for_itself() {
        assert_eq!(EntityKey::new("rl", "api", "a/b@c_d.e-F9").tag(), "rl:api:a/b@c_d.e-F9");
    }

    #[test]
    fn separators_braces_nul_and_emoji_are_escaped() {
        assert_eq!(EntityKey::new("", ":{}%~", "\0 🌊").tag(), ":%3A%7B%7D%25%7E:%00%20%F0%9F%8C%8A");
    }

    #[test]
    fn a_field_is_geometry_and_role_in_hexadecimal() {
        let key = EntityKey::new("rl", "api", "u");
        assert_eq!(key.redis_key("p", 0), "p:{rl:api:u}:0.0");
        assert_eq!(key.redis_key("p", u32::MAX), "p:{rl:api:u}:ffffff.ff");
    }

    #[test]
    fn a_part_is_cut_only_past_its_limit() {
        let longest = "x".repeat(MAX_PART_BYTES);
        assert_eq!(EntityKey::new("a", "b", &longest).tag(), format!("a:b:{longest}"));
        let cut = EntityKey::new("a", "b", &"x".repeat(MAX_PART_BYTES + 1));
        assert_eq!(cut.tag().len(), "a:b:".len() + MAX_PART_BYTES);
        assert_eq!(cut.tag().split_once('~').map(|(_, digits)| digits.len()), Some(32));
    }

    #[test]
    fn a_cut_never_splits_an_escape() {
        for lead in 0..4 {
            let text = "x".repeat(lead) + &"é".repeat(100);
            let tag = EntityKey::new("a", "b", &text);
            let kept = tag.tag().trim_start_matches("a:b:").split_once('~').expect("the part is cut").0;
            assert_eq!((kept.len() - lead) % 3, 0, "{kept}");
        }
    }

    #[test]
    fn ten_megabytes_differ_in_their_last_byte() {
        let mut text = "x".repeat(10 * 1024 * 1024);
        let one = EntityKey::new("rl", "api", &text);
        text.pop();
        text.push('y');
        let other = EntityKey::new("rl", "api", &text);
        assert_ne!(one, other);
        assert!(one.tag().len() <= 3 * MAX_PART_BYTES + 2);
    }

    #[test]
    fn a_text_that_spells_a_cut_part_is_another() {
        let cut = EntityKey::new("a", "b", &"x".repeat(500));
        let spelt = EntityKey::new("a", "b", cut.tag().trim_start_matches("a:b:"));
        assert_ne!(cut, spelt);
    }

    #[test]
    fn a_prefix_keeps_colons_and_loses_braces() {
        assert_eq!(escaped_prefix("shop:{eu}"), "shop:%7Beu%7D");
    }

    /// Texts that are likely to collide where escaping is wrong.
    fn tricky() -> impl Strategy<Value = String> {
        prop_oneof![
            "[:{}%~a7AF]{0,6}",
            ".{0,8}",
            "[:%x]{90,200}",
            (90_usize..140).prop_map(|length| "x".repeat(length)),
            (28_usize..45).prop_map(|length| "é".repeat(length)),
        ]
    }

    proptest! {
        #[test]
        fn entities_share_a_tag_only_if_they_are_one(
            one in (tricky(), tricky(), tricky()),
            other in (tricky(), tricky(), tricky()),
        ) {
            let (a, b) = (EntityKey::new(&one.0, &one.1, &one.2), EntityKey::new(&other.0, &other.1, &other.2));
            prop_assert_eq!(a == b, one == other);
            prop_assert!(a.tag().bytes().all(|byte| is_plain(byte) || matches!(byte, b':' | b'%' | b'~')));
        }

        #[test]
        fn text_moved_across_a_separator_is_another_entity(a in tricky(), b in tricky(), c in tricky()) {
            let joined = EntityKey::new(&format!("{a}:{b}"), "", &c);
            prop_assert_ne!(&joined, &EntityKey::new(&a, &b, &c));
            prop_assert_ne!(&joined, &EntityKey::new(&a, &format!("{b}:"), &c));
        }
    }
}
