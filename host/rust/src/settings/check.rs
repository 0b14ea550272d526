//! Settings held to their declaration: all that is wrong at once, in the caller's spelling.

use serde_json::{Map, Value};

use super::declaration::{Field, Fields, Kind};
use super::spelling::Spelling;
use crate::problem::Problem;
use crate::strategies::rate_limiter::limit_text;

type Object = Map<String, Value>;

/// All problems of settings that have a value of a wrong type. Empty where all types are right:
/// then the component tells of everything that is wrong with the values.
pub(super) fn problems(field: &Field, value: &Value, spelling: Spelling) -> Vec<Problem> {
    let mut check = Check { spelling, problems: Vec::new(), is_malformed: false };
    check.field("", field, value);
    if check.is_malformed { check.problems } else { Vec::new() }
}

struct Check {
    spelling: Spelling,
    problems: Vec<Problem>,
    /// Whether any value is not of its type.
    is_malformed: bool,
}

impl Check {
    fn malformed(&mut self, path: &str, value: String, allowed: String) {
        self.is_malformed = true;
        self.report(path, value, allowed);
    }

    fn report(&mut self, path: &str, value: String, allowed: String) {
        let path = if path.is_empty() { ".".to_owned() } else { path.to_owned() };
        self.problems.push(Problem { path, value, allowed });
    }

    fn wrong(&mut self, path: &str, value: &Value, kind: &Kind) {
        let (value, allowed) = (self.spelling.value(value), kind.allowed(self.spelling));
        self.malformed(path, value, allowed);
    }

    fn field(&mut self, path: &str, field: &Field, value: &Value) {
        if field.nullable && value.is_null() {
            return;
        }
        match (&field.kind, value) {
            (Kind::Text, Value::String(_)) | (Kind::Flag, Value::Bool(_)) => {}
            (Kind::Choice { of }, Value::String(word)) if of.contains(word) => {}
            (Kind::Whole { least, most, bits }, Value::Number(number)) if fits(number, *bits) => {
                if !(*least..=*most).contains(&number.as_u64().unwrap_or_default()) {
                    self.report(path, number.to_string(), format!("{least} to {most}"));
                }
            }
            (Kind::Number { above, least, most }, Value::Number(number)) => {
                let value = number.as_f64().unwrap_or(f64::MAX);
                let is_enough = above.is_none_or(|above| value > above) && least.is_none_or(|least| value >= least);
                if !is_enough || value > *most {
                    self.report(path, number.to_string(), range(*above, *least, *most));
                }
            }
            (Kind::List { of }, Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.field(&format!("{path}[{index}]"), of, item);
                }
            }
            (Kind::Object { text: Some(_), .. }, Value::String(text)) if limit_text::read(text).is_some() => {}
            (Kind::Object { fields, .. }, Value::Object(object)) => self.fields(path, fields, object, &[]),
            (Kind::Tagged { tag, variants }, Value::Object(object)) => {
                let variant = object.get(tag).and_then(Value::as_str).and_then(|word| variants.get(word));
                match (variant, object.get(tag)) {
                    (Some(fields), _) => self.fields(path, fields, object, &[tag]),
                    (None, tagged) => {
                        let words: Vec<_> = variants.keys().map(|word| self.spelling.word(word)).collect();
                        let value = tagged.map_or_else(|| "missing".to_owned(), |value| self.spelling.value(value));
                        self.malformed(&below(path, tag), value, one_of(&words));
                    }
                }
            }
            (Kind::Either { words, .. }, Value::String(word)) if words.contains(word) => {}
            (Kind::Either { fields, .. }, Value::Object(object)) => self.either(path, fields, object, field, value),
            (kind, value) => self.wrong(path, value, kind),
        }
    }

    /// An object of just one of these fields.
    fn either(&mut self, path: &str, fields: &Fields, object: &Object, field: &Field, value: &Value) {
        let only = object.iter().next().filter(|_| object.len() == 1);
        let known = fields.iter().find(|(name, _)| only.is_some_and(|(given, _)| *given == Spelling::Json.name(name)));
        match (known, only) {
            (Some((name, of)), Some((_, value))) => self.field(&below(path, &self.spelling.name(name)), of, value),
            _ => self.wrong(path, value, &field.kind),
        }
    }

    fn fields(&mut self, path: &str, fields: &Fields, object: &Object, others: &[&String]) {
        for (given, value) in object {
            let is_known = others.contains(&given) || fields.keys().any(|name| *given == Spelling::Json.name(name));
            if !is_known {
                let names = others.iter().map(|name| self.spelling.name(name));
                let names =
                    names.chain(fields.keys().map(|name| self.spelling.name(name))).collect::<Vec<_>>().join(", ");
                let allowed = format!("left out: the fields here are {names}");
                self.malformed(&below(path, given), self.spelling.value(value), allowed);
            }
        }
        for (name, field) in fields {
            let path = below(path, &self.spelling.name(name));
            match object.get(&Spelling::Json.name(name)) {
                Some(value) => self.field(&path, field, value),
                None if field.required => {
                    self.malformed(&path, "missing".to_owned(), field.kind.allowed(self.spelling));
                }
                None => {}
            }
        }
    }
}

impl Kind {
    fn allowed(&self, spelling: Spelling) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::Flag => spelling.flags().to_owned(),
            Self::Whole { least, most, .. } => format!("a whole number from {least} to {most}"),
            Self::Number { above, least, most } => format!("a number, {}", range(*above, *least, *most)),
            Self::Choice { of } => one_of(&of.iter().map(|word| spelling.word(word)).collect::<Vec<_>>()),
            Self::List { .. } => "a list".to_owned(),
            Self::Object { is, text, .. } => {
                let class = is.as_ref().filter(|_| spelling.has_classes());
                let object = class.map_or_else(|| spelling.object().to_owned(), |class| Spelling::class(class));
                match text {
                    Some(example) => format!("{object} or a text such as {}", spelling.word(example)),
                    None => object,
                }
            }
            Self::Tagged { variants, .. } if spelling.has_classes() => {
                one_of(&variants.keys().map(|word| Spelling::class(word)).collect::<Vec<_>>())
            }
            Self::Tagged { tag, variants } => {
                let words: Vec<_> = variants.keys().map(|word| spelling.word(word)).collect();
                format!("{} whose {tag} is {}", spelling.object(), one_of(&words))
            }
            Self::Either { words, fields, classes } => {
                let words = words.iter().map(|word| spelling.word(word));
                let objects: Vec<_> = if spelling.has_classes() {
                    classes.iter().map(|class| Spelling::class(class)).collect()
                } else {
                    fields.keys().map(|name| format!("{{{}: ...}}", spelling.word(&spelling.name(name)))).collect()
                };
                one_of(&words.chain(objects).collect::<Vec<_>>())
            }
        }
    }
}

fn range(above: Option<f64>, least: Option<f64>, most: f64) -> String {
    match (above, least) {
        (Some(above), _) => format!("more than {above}, at most {most}"),
        (None, least) => format!("{} to {most}", least.unwrap_or(0.0)),
    }
}

fn one_of(words: &[String]) -> String {
    match words {
        [only] => only.clone(),
        words => format!("one of {}", words.join(", ")),
    }
}

fn fits(number: &serde_json::Number, bits: u32) -> bool {
    number.as_u64().is_some_and(|number| number.checked_shr(bits).unwrap_or(0) == 0)
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
