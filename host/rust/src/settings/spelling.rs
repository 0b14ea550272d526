//! How names and values of settings are written in a language.

use serde_json::Value;

/// What a text begins with that stands for a value which JSON does not have, as it is quoted.
const NO_JSON: char = '\0';
/// How much of a value is quoted, in characters.
const QUOTED: usize = 100;

/// How a caller has written settings. The contract has `open-ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// As Rust's fields: `open_ms`, `"text"`.
    Rust,
    /// As JSON: `openMs`, `"text"`.
    Json,
    /// As keywords of Python: `open_ms`, `'text'`, and classes for what is an object in JSON.
    Python,
    /// As a mapping in Python: `openMs`, `'text'`.
    PythonMapping,
}

impl Spelling {
    /// A name or a path of the contract, or as Rust writes it.
    pub fn name(self, contract: &str) -> String {
        match self {
            Self::Rust | Self::Python => contract.replace('-', "_"),
            Self::Json | Self::PythonMapping => camel(&contract.replace('_', "-")),
        }
    }

    /// A phrase of the contract, in which names stand between backticks.
    pub fn phrase(self, contract: &str) -> String {
        let parts = contract.split('`').enumerate();
        let parts = parts.map(|(place, part)| if place % 2 == 1 { self.name(part) } else { part.to_owned() });
        parts.collect::<Vec<_>>().join("`")
    }

    pub(super) fn has_classes(self) -> bool {
        self == Self::Python
    }

    /// The class that the contract calls so, and how it is made.
    pub(super) fn class(contract: &str) -> String {
        format!("{}(...)", contract.split('-').map(capitalized).collect::<String>())
    }

    /// What a bad value is called. What JSON does not have comes as a text that says what it is:
    /// see `NO_JSON`.
    pub(super) fn value(self, value: &Value) -> String {
        let text = match (self, value.as_str().and_then(|text| text.strip_prefix(NO_JSON))) {
            (_, Some(quoted)) => quoted.to_owned(),
            (Self::Rust | Self::Json, None) => value.to_string(),
            (Self::Python | Self::PythonMapping, None) => python(value),
        };
        match text.char_indices().nth(QUOTED) {
            Some((end, _)) => format!("{}...", &text[..end]),
            None => text,
        }
    }

    pub(super) fn word(self, word: &str) -> String {
        self.value(&Value::from(word))
    }

    pub(super) fn flags(self) -> &'static str {
        match self {
            Self::Rust | Self::Json => "true or false",
            Self::Python | Self::PythonMapping => "True or False",
        }
    }

    pub(super) fn object(self) -> &'static str {
        match self {
            Self::Rust | Self::Json => "an object",
            Self::Python | Self::PythonMapping => "a mapping",
        }
    }
}

fn camel(contract: &str) -> String {
    let mut words = contract.split('-');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &capitalized(word))
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        // As JSON escapes it, within the quotation marks that Python prefers.
        Value::String(text) => {
            let quoted = Value::from(text.as_str()).to_string();
            let inner = &quoted[1..quoted.len() - 1];
            if text.contains('\'') { quoted } else { format!("'{}'", inner.replace("\\\"", "\"")) }
        }
        Value::Array(items) => format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let field =
                |(name, value): (&String, &Value)| format!("{}: {}", python(&name.as_str().into()), python(value));
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_written_as_in_each_language() {
        let path = "limits[0].algorithm.sub-windows";
        assert_eq!(Spelling::Rust.name(path), "limits[0].algorithm.sub_windows");
        assert_eq!(Spelling::Python.name(path), "limits[0].algorithm.sub_windows");
        assert_eq!(Spelling::Json.name(path), "limits[0].algorithm.subWindows");
        assert_eq!(Spelling::PythonMapping.name(path), "limits[0].algorithm.subWindows");
        assert_eq!(Spelling::Json.name(&Spelling::Rust.name(path)), "limits[0].algorithm.subWindows");
        let phrase = "left out unless `on-limit` is reject, a half-open word";
        assert_eq!(Spelling::Json.phrase(phrase), "left out unless `onLimit` is reject, a half-open word");
        assert_eq!(Spelling::class("failure-count"), "FailureCount(...)");
    }

    #[test]
    fn values_are_written_as_in_each_language() {
        let value = json!([null, true, "it", "it's", "say \"it\"", {"a b": 1.5}]);
        assert_eq!(Spelling::Json.value(&value), value.to_string());
        let written = r#"[None, True, 'it', "it's", 'say "it"', {'a b': 1.5}]"#;
        assert_eq!(Spelling::Python.value(&value), written);
        assert_eq!(Spelling::Json.value(&json!("ü".repeat(200))), format!("\"{}...", "ü".repeat(99)));
    }
}
