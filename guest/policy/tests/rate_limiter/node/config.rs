//! What is wrong with a configuration is said at once, each at its path.

use serde_json::{Value, json};
use tidegate_policy::nodes::RateLimiterNode;

use super::support::{paths, told};
use super::{limiter, limiter_config};

fn problems(over: &Value) -> Vec<String> {
    told(&RateLimiterNode::open(&limiter_config(over).to_string()).expect_err("it is wrong"))
}

#[test]
fn each_wrong_setting_is_told_with_its_value_and_what_is_allowed() {
    let path = "a path of at most 1024 characters to one value of the context, such as order.customer.id or \
                $.items[0]['id']";
    let cases = [
        (json!({ "limit": -1 }), "limit is -1, must be a whole number from 0 to 4294967295".to_owned()),
        (json!({ "limit": "5" }), "limit is \"5\", must be a whole number from 0 to 4294967295".to_owned()),
        (json!({ "limit": 1.5 }), "limit is 1.5, must be a whole number from 0 to 4294967295".to_owned()),
        (json!({ "window": "week" }), "window is \"week\", must be one of second, minute, hour, day".to_owned()),
        (
            json!({ "window": "day", "windowCount": 367 }),
            "windowCount is 367, must be a whole number from 1 to 366".to_owned(),
        ),
        (json!({ "keyType": "custom" }), format!("customKeyField is missing, must be {path}, as keyType is custom")),
        (json!({ "customKeyField": "items[*].id" }), format!("customKeyField is \"items[*].id\", must be {path}")),
        (json!({ "priorityField": "" }), format!("priorityField is \"\", must be {path}")),
        (json!({ "maxQueueSize": 10_001 }), "maxQueueSize is 10001, must be a whole number from 1 to 10000".to_owned()),
        (json!({ "queueTimeoutMs": -1 }), "queueTimeoutMs is -1, must be a whole number from 1 to 86400000".to_owned()),
        (json!({ "outputVariable": "" }), "outputVariable is \"\", must be a text of 1 to 256 characters".to_owned()),
        (json!({ "burst": 3 }), "burst is 3, must be left out: there is no field of this name".to_owned()),
        (
            json!({ "behavior": "delay", "queueTimeoutMs": 1_000_001 }),
            "queueTimeoutMs is 1000001, must be 1 to 1000000 with these limits: their state must stay bounded"
                .to_owned(),
        ),
    ];
    for (over, expected) in cases {
        assert_eq!(problems(&over), [expected], "{over}");
    }
}

#[test]
fn all_problems_come_at_once_in_the_order_of_the_fields_and_then_of_the_text() {
    let found = RateLimiterNode::open(r#"{"zeta":1,"windowCount":0,"alpha":2,"behavior":7}"#).unwrap_err();
    assert_eq!(paths(&found), ["limit", "window", "windowCount", "keyType", "behavior", "zeta", "alpha"]);
}

#[test]
fn what_is_no_object_is_a_problem_of_the_whole() {
    for text in ["", "[]", "null", "{", "{}x", "\u{0}"] {
        assert_eq!(paths(&RateLimiterNode::open(text).unwrap_err()), ["."], "{text:?}");
    }
}

#[test]
fn a_field_that_is_given_twice_is_a_problem() {
    let text = r#"{"limit":1,"window":"day","keyType":"global","behavior":"reject","limit":2}"#;
    assert_eq!(told(&RateLimiterNode::open(text).unwrap_err()), ["limit is 1, must be given once"]);
}

#[test]
fn null_is_no_value_of_a_field() {
    let text = limiter_config(&json!({})).to_string().replace('}', r#","windowCount":null}"#);
    assert_eq!(paths(&RateLimiterNode::open(&text).unwrap_err()), ["windowCount"]);
}

#[test]
fn whole_numbers_may_be_written_in_any_way() {
    for limit in ["5", "5.0", "0.5e1", "50e-1"] {
        let text = format!(r#"{{"limit":{limit},"window":"second","keyType":"global","behavior":"queue"}}"#);
        let node = RateLimiterNode::open(&text).unwrap_or_else(|problems| panic!("{limit}: {problems:?}"));
        assert_eq!(node.subject("{}").expect("there is no key").name, "node/global/5.1-second");
    }
}

#[test]
fn a_name_follows_from_what_identifies_the_limit() {
    let name = |over: Value| {
        let node = limiter(&over);
        node.subject(r#"{"userId":1,"resourceId":1,"a":{"b c":[1],"d":1}}"#).expect("all keys are there").name
    };
    assert_eq!(name(json!({})), "node/global/2.1-second");
    assert_eq!(
        name(json!({ "behavior": "queue", "maxQueueSize": 5, "outputVariable": "x" })),
        "node/global/2.1-second"
    );
    assert_eq!(name(json!({ "keyType": "per-user", "window": "hour", "windowCount": 3 })), "node/per-user/2.3-hour");
    assert_eq!(name(json!({ "keyType": "per-resource", "limit": 7 })), "node/per-resource/7.1-second");
    let custom = |path: &str| name(json!({ "keyType": "custom", "customKeyField": path }));
    assert_eq!(custom("a.d"), "node/custom:a.d/2.1-second");
    assert_eq!(custom("$['a'].d"), custom("a.d"));
    assert_eq!(custom("$.a['b c'][0]"), "node/custom:a[\"b c\"][0]/2.1-second");
}
