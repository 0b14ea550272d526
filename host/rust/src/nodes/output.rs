//! What a node makes of a context.

use serde_json::{Map, Value};

use crate::error::Error;

/// What a node makes of a context.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeOutput<P> {
    /// The passage, with the result.
    pub passage: P,
    /// The text of the context with the result in it.
    pub context: String,
}

/// Puts a result into a context.
pub(crate) fn put(variable: Option<&str>, context: &mut Map<String, Value>, json: &str) -> Result<(), Error> {
    let result: Map<String, Value> = crate::json::parse(json)?;
    match variable {
        Some(name) => drop(context.insert(name.to_owned(), Value::Object(result))),
        None => context.extend(result),
    }
    Ok(())
}
