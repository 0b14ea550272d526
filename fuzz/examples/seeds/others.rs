//! Seeds of what the conformance suite has no cases of: contexts as people write them, keys,
//! patterns, replies.

use tidegate_fuzz::input::Output;

use super::Seeds;

pub(super) fn add(seeds: &mut Seeds) {
    seeds.entry("output").or_default().extend(CONTEXTS.iter().flat_map(|context| outputs(context)));
    seeds.entry("key").or_default().extend(KEYS.iter().enumerate().map(|(place, key)| self::key(place, key)));
    seeds.entry("pattern").or_default().extend(PATTERNS.iter().map(|(pattern, text)| self::pattern(pattern, text)));
    seeds.entry("reply").or_default().extend(REPLIES.iter().map(|(ops, reply)| self::reply(ops, reply)));
}

const CONTEXTS: [&str; 9] = [
    "{}",
    " { \n} ",
    r#"{"limit":"x","keep":1e400,"passed":null}"#,
    r#"{"passed":1,"passed":2,"\u0070assed":3}"#,
    r#"{ "b" : 1.50 , "a" : 12345678901234567890, "\u00e9\/":"\ud83c\udf0a" }"#,
    r#"{"order":{"customer":{"id":7}},"items":[{"sku":"a,]}"},{"sku":"\"b\""}]}"#,
    r#"{"a":[[[[[[[[[[]]]]]]]]]],"result":{"passed":false}}"#,
    "[1]",
    "{\"a\":1,}",
];

fn outputs(context: &str) -> [Vec<u8>; 2] {
    let result = r#"{"passed":true,"limit":2}"#;
    let merged = Output::default().byte(0).text(result).rest(context.as_bytes()).end();
    [merged, Output::default().byte(1).text("result").text(result).rest(context.as_bytes()).end()]
}

const KEYS: [&str; 12] =
    ["", "a", "a:b", "a%3Ab", "}:{", "a}:1.1", "~", "%7E", "\0\n", "\u{1f30a}x", "e\u{301}", "tidegate:{rl:api:a}:1.1"];

/// A key beside one whose parts are moved, or that is as long as a part may be.
fn key(place: usize, key: &str) -> Vec<u8> {
    let times = [1, 127, 128, 129][place % 4];
    let mut out = Output::default();
    for text in ["tidegate", "rl", "api"] {
        out.text(text).byte(1);
    }
    out.text(key).byte(times).number(0x5f3a_9102);
    // Another key, a piece of which goes over to the name.
    out.byte(8 | 16).text(key).byte(times.wrapping_add(1)).number(1).end()
}

const PATTERNS: [(&str, &str); 8] = [
    ("*Timeout*", "ConnectTimeoutError"),
    ("5??", "503"),
    (r"\*\?\\", r"*?\"),
    ("a*b*c", "a--b--b-c"),
    ("**", ""),
    ("?", "\u{e9}"),
    ("a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    (r"a\", "a"),
];

fn pattern(pattern: &str, text: &str) -> Vec<u8> {
    Output::default().byte(1).byte(0).text(pattern).byte(0).text("TypeError").text(text).text("ECONNRESET").end()
}

/// Kinds of operations, of which `get` is 0, `observe` 1, `put` 2, `advance` 3, `retreat` 4 and
/// `raise` 5, and a reply.
const REPLIES: [(&[u8], &str); 9] = [
    (&[0, 3], "*4\r\n:0\r\n:1795000000000000\r\n:0\r\n:7\r\n"),
    (&[1], "*4\r\n:0\r\n:1795000000000000\r\n:0\r\n$2\r\nw1\r\n"),
    (&[1, 4], "*5\r\n:0\r\n:1795000000000000\r\n:1\r\n$-1\r\n:0\r\n"),
    (&[0], "*4\r\n:1\r\n:1795000000000000\r\n:0\r\n$24\r\nw1 17950000000 -3:10 -1:7\r\n"),
    (&[2], "*3\r\n:2\r\n:1795000000000000\r\n:0\r\n"),
    (&[], "-NOSCRIPT No matching script\r\n"),
    (&[], "*3\r\n:0\r\n:-1\r\n:0\r\n"),
    (&[], "*-1\r\n"),
    (&[], "%1\r\n+a\r\n,1.5\r\n"),
];

fn reply(ops: &[u8], reply: &str) -> Vec<u8> {
    let mut out = Output::default();
    out.byte(0).byte(u8::try_from(ops.len()).unwrap_or(0)).rest(ops);
    out.byte(0).rest(reply.as_bytes()).end()
}
