//! The nodes as data for an editor.

use alloc::string::String;

use super::entry::{Entry, Port, port};
use super::json::{Writer, array, strings};
use super::schema::schema;
use crate::strategies::NODES;

const INPUTS: [Port; 1] =
    [port("context", "object", "The workflow's context. It passes through with the result in it.")];

/// The registry: the JSON text of a list of nodes.
pub fn registry() -> String {
    array(NODES.iter().map(|entry| node(entry)))
}

fn node(entry: &Entry) -> String {
    Writer::new()
        .text("type", entry.kind)
        .text("name", entry.declaration.title)
        .text("description", entry.declaration.description)
        .text("category", "tools")
        .text("subcategory", "enterprise")
        .flag("isEnterprise", true)
        .raw("keywords", &strings(entry.keywords))
        .raw("inputs", &ports(&INPUTS))
        .raw("outputs", &ports(entry.outputs))
        .raw("configSchema", &schema(entry.declaration))
        .end()
}

fn ports(ports: &[Port]) -> String {
    array(ports.iter().map(|port| {
        Writer::new().text("name", port.name).text("type", port.kind).text("description", port.description).end()
    }))
}
