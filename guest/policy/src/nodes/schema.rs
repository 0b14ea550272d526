//! Writes a declaration as a JSON Schema of draft 2020-12.
//!
//! It accepts what the declaration does, but for what it cannot say: that a field is given once,
//! and that the state of reserved places stays bounded.

use alloc::format;
use alloc::string::String;

use super::declaration::{ALL, Declaration, Field, Kind, Rule, Then};
use super::json::{Writer, array, strings, written};
use super::path;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
/// A text in which a character follows each backslash that takes one.
const WHOLE_ESCAPES: &str = r"^(?:[^\\]|\\[\s\S])*$";

/// The schema of a configuration.
pub(crate) fn schema(of: &Declaration) -> String {
    let properties = of.fields.iter().fold(Writer::new(), |out, field| out.raw(field.name, &property(field)));
    let required = of.fields.iter().filter(|field| field.required).map(|field| written(field.name));
    let out = Writer::new()
        .text("$schema", DRAFT)
        .text("title", of.title)
        .text("description", of.description)
        .text("type", "object")
        .raw("properties", &properties.end())
        .raw("required", &array(required))
        .flag("additionalProperties", false);
    out.raw("allOf", &array(of.rules.iter().map(rule))).end()
}

fn property(field: &Field) -> String {
    let out = Writer::new().text("title", field.title).text("description", field.description);
    match field.kind {
        Kind::Whole { least, most, default } => {
            let out = out.text("type", "integer").number("minimum", least).number("maximum", most);
            match default {
                Some(default) => out.number("default", default),
                None => out,
            }
        }
        Kind::Choice(choices) => out.text("type", "string").raw("enum", &strings(choices)),
        Kind::Text(longest) => text(out, longest),
        Kind::Path => text(out, path::LONGEST).text("pattern", &path::pattern()),
        Kind::Patterns { most, longest } => out.raw("oneOf", &patterns(most, longest)),
        Kind::Anything => out,
    }
    .end()
}

fn text(out: Writer, longest: usize) -> Writer {
    out.text("type", "string").number("minLength", 1).number("maxLength", longest as u64)
}

fn patterns(most: usize, longest: usize) -> String {
    let entry = text(Writer::new(), longest).text("pattern", WHOLE_ESCAPES).end();
    let list = Writer::new().text("type", "array").raw("items", &entry).number("minItems", 1);
    array([Writer::new().text("const", ALL).end(), list.number("maxItems", most as u64).end()])
}

fn rule(rule: &Rule) -> String {
    let is = Writer::new().text("const", rule.is).end();
    let holds = Writer::new()
        .raw("properties", &Writer::new().raw(rule.field, &is).end())
        .raw("required", &strings(&[rule.field]))
        .end();
    let then = match rule.then {
        Then::Needs(needed) => Writer::new().raw("required", &strings(&[needed])),
        Then::AtMost(name, most) => {
            let most = Writer::new().number("maximum", most).end();
            Writer::new().raw("properties", &Writer::new().raw(name, &most).end())
        }
    };
    format!("{{\"if\":{holds},\"then\":{}}}", then.end())
}
