//! Whom a node limits: keys and priorities in a context.

use proptest::prelude::*;
use serde_json::{Value, json};
use tidegate_policy::nodes::RateLimiterNode;

use super::support::told;
use super::{limiter, limiter_config};

const CONTEXT: &str = r#"{
    "userId": 42, "order": { "customer": { "id": "c-7", "a.b": 1, "é\"x": 2 }, "items": [ {"id": 5}, {"id": "last"} ] },
    "0": {"1": "by number"}, "list": [[10, 11], [20]], "$ref": "r", "a-b": 3, "_u": 4
}"#;

fn custom(path: &str) -> RateLimiterNode {
    limiter(&json!({ "keyType": "custom", "customKeyField": path }))
}

#[test]
fn paths_find_one_value() {
    let cases = [
        ("userId", "42"),
        ("order.customer.id", "c-7"),
        ("order.items[0].id", "5"),
        ("order.items.1.id", "last"),
        ("order.items[-1].id", "last"),
        ("0.1", "by number"),
        ("list[0][1]", "11"),
        ("list.1.0", "20"),
        ("a-b", "3"),
        ("_u", "4"),
        ("$.userId", "42"),
        ("$.order['customer'].id", "c-7"),
        ("$[\"order\"][\"items\"][-1]['id']", "last"),
        ("$.order.customer['a.b']", "1"),
        ("$.order.customer[\"\\u00e9\\\"x\"]", "2"),
        ("$['$ref']", "r"),
        ("$['0']['1']", "by number"),
        ("$._u", "4"),
        ("$.list[1][0]", "20"),
    ];
    for (path, key) in cases {
        let subject = custom(path).subject(CONTEXT).unwrap_or_else(|problems| panic!("{path}: {problems:?}"));
        assert_eq!(subject.key, key, "{path}");
    }
}

#[test]
fn what_may_name_several_values_or_none_is_no_path() {
    let paths = [
        "",
        ".",
        "a.",
        ".a",
        "a..b",
        "a[",
        "a[]",
        "a[*]",
        "a[01]",
        "a[-0]",
        "a['b']",
        "a b",
        "*",
        "a.*",
        "$",
        "$.",
        "$a",
        "$..a",
        "$.*",
        "$[*]",
        "$[0]",
        "$.a[0:2]",
        "$.a[0,1]",
        "$.a[?@.b]",
        "$['a','b']",
        "$.a-b",
        "$.1",
        "$['a'",
        "$['\\q']",
        "$['\\ud800']",
        "$['\\udc00']",
        "$['\\ud83d\\u0041']",
        "$.a[1234567890]",
        "$.a [0]",
        "@.a",
        "$['a\"]",
        "a\u{1}",
    ];
    for path in paths.into_iter().filter(|path| *path != "@.a") {
        let config = limiter_config(&json!({ "keyType": "custom", "customKeyField": path })).to_string();
        assert!(RateLimiterNode::open(&config).is_err(), "{path:?}");
    }
}

#[test]
fn texts_and_whole_numbers_are_keys_and_alike() {
    let node = limiter(&json!({ "keyType": "per-user" }));
    let key = |context: &str| node.subject(context).expect("a key is there").key;
    assert_eq!(key(r#"{"userId":42}"#), key(r#"{"userId":"42"}"#));
    assert_eq!(key(r#"{"userId":42.0}"#), "42");
    assert_eq!(key(r#"{"userId":-0}"#), "0");
    assert_eq!(key(r#"{"userId":123456789012345678901234567890}"#), "123456789012345678901234567890");
    assert_eq!(key(r#"{"userId":"\u00e9\n"}"#), "é\n");
    assert_eq!(key(r#"{"userId":1,"userId":2}"#), "2");
}

#[test]
fn a_key_that_is_none_is_named_and_never_called_undefined() {
    let node = limiter(&json!({ "keyType": "per-user" }));
    let allowed = "must be a text that is not empty or a whole number";
    let cases = [
        ("{}", "missing"),
        (r#"{"userId":null}"#, "null"),
        (r#"{"userId":""}"#, "\"\""),
        (r#"{"userId":{}}"#, "{}"),
        (r#"{"userId":[1]}"#, "[1]"),
        (r#"{"userId":true}"#, "true"),
        (r#"{"userId":1.5}"#, "1.5"),
    ];
    for (context, value) in cases {
        let problems = node.subject(context).unwrap_err();
        assert_eq!(told(&problems), [format!("context.userId is {value}, {allowed}")], "{context}");
    }
    let problems = custom("order.items[2].id").subject(CONTEXT).unwrap_err();
    assert_eq!(told(&problems), [format!("context.order.items[2].id is missing, {allowed}")]);
    assert_eq!(told(&node.subject("[1]").unwrap_err()), ["context is [1], must be a JSON object"]);
}

#[test]
fn a_resource_is_named_by_itself_or_else_by_its_workflow() {
    let node = limiter(&json!({ "keyType": "per-resource" }));
    let key = |context: &str| node.subject(context).map(|subject| subject.key);
    assert_eq!(key(r#"{"resourceId":"r","workflowId":"w"}"#).as_deref(), Ok("r"));
    assert_eq!(key(r#"{"workflowId":"w"}"#).as_deref(), Ok("w"));
    assert_eq!(key(r#"{"resourceId":null,"workflowId":"w"}"#).as_deref(), Ok("w"));
    let told_of = |context: &str| told(&key(context).unwrap_err());
    let allowed = "a text that is not empty or a whole number";
    assert_eq!(
        told_of("{}"),
        [format!("context.resourceId is missing, must be {allowed}, here or at context.workflowId")]
    );
    assert_eq!(
        told_of(r#"{"resourceId":{},"workflowId":"w"}"#),
        [format!("context.resourceId is {{}}, must be {allowed}")]
    );
}

#[test]
fn a_priority_is_a_whole_number_of_32_bits_or_zero() {
    let node = limiter(&json!({ "priorityField": "task.priority" }));
    let priority =
        |value: Value| node.subject(&json!({ "task": { "priority": value } }).to_string()).map(|s| s.priority);
    for (value, expected) in
        [(json!(5), 5), (json!(-7), -7), (json!(i32::MAX), i32::MAX), (json!(null), 0), (json!(3.0), 3)]
    {
        assert_eq!(priority(value.clone()), Ok(expected), "{value}");
    }
    assert_eq!(node.subject("{}").map(|subject| subject.priority), Ok(0));
    for value in [json!("5"), json!(1.5), json!(2_147_483_648_u64), json!(-2_147_483_649_i64), json!([])] {
        let problems = told(&priority(value.clone()).unwrap_err());
        let expected =
            format!("context.task.priority is {value}, must be a whole number from -2147483648 to 2147483647");
        assert_eq!(problems, [expected]);
    }
}

#[test]
fn a_key_and_a_priority_that_are_none_are_told_together() {
    let node = limiter(&json!({ "keyType": "per-user", "priorityField": "p" }));
    assert_eq!(node.subject(r#"{"p":"x"}"#).unwrap_err().len(), 2);
}

#[test]
fn a_node_tells_which_members_it_reads() {
    assert_eq!(limiter(&json!({})).reads(), Vec::<String>::new());
    assert_eq!(limiter(&json!({ "keyType": "per-resource" })).reads(), ["resourceId", "workflowId"]);
    let over = json!({ "keyType": "custom", "customKeyField": "$['order'].id", "priorityField": "order.rank" });
    assert_eq!(limiter(&over).reads(), ["order"]);
    let over = json!({ "keyType": "per-user", "priorityField": "rank" });
    assert_eq!(limiter(&over).reads(), ["userId", "rank"]);
}

proptest! {
    #[test]
    fn no_path_and_no_context_panic(path in r#"\$?[\]\[.'"\\a0$*é-]{0,12}"#, context in r#"\{("[a0]":[\[\]{}"a0:,]{0,9})?\}"#) {
        let config = limiter_config(&json!({ "keyType": "custom", "customKeyField": path })).to_string();
        if let Ok(node) = RateLimiterNode::open(&config) {
            let _ = (node.subject(&context), node.subject(CONTEXT), node.output(&context, "{}"));
        }
    }
}
