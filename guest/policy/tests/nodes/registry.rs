//! The nodes as data.

use serde_json::{Value, json};
use tidegate_policy::nodes::registry;

fn nodes() -> Vec<Value> {
    serde_json::from_str(&registry()).expect("the registry is a list")
}

#[test]
fn every_node_has_all_that_an_editor_shows() {
    let nodes = nodes();
    let types: Vec<_> = nodes.iter().map(|node| node["type"].as_str()).collect();
    assert_eq!(types, [Some("rate-limiter"), Some("circuit-breaker")]);
    for node in nodes {
        let members: Vec<_> = node.as_object().expect("an object").keys().map(String::as_str).collect();
        let mut expected = [
            "type",
            "name",
            "description",
            "category",
            "subcategory",
            "isEnterprise",
            "keywords",
            "inputs",
            "outputs",
            "configSchema",
        ];
        expected.sort_unstable();
        assert_eq!(members, expected);
        let fixed = (&node["category"], &node["subcategory"], &node["isEnterprise"]);
        assert_eq!(fixed, (&json!("tools"), &json!("enterprise"), &json!(true)));
        assert!(!node["keywords"].as_array().expect("a list").is_empty());
        for port in ["inputs", "outputs"].iter().flat_map(|ports| node[ports].as_array().expect("a list")) {
            for text in ["name", "type", "description"] {
                assert!(port[text].as_str().is_some_and(|text| !text.is_empty()), "{port}");
            }
        }
    }
}

#[test]
fn every_field_of_a_schema_has_a_title_and_a_description() {
    for node in nodes() {
        let schema = &node["configSchema"];
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["additionalProperties"], false);
        for (name, field) in schema["properties"].as_object().expect("an object") {
            let texts = [&field["title"], &field["description"]];
            assert!(texts.iter().all(|text| text.as_str().is_some_and(|text| !text.is_empty())), "{name}");
        }
    }
}
