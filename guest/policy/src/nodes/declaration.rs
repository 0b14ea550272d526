//! Declarations: what the JSON of a configuration may hold, as data. A configuration is read by it,
//! and its JSON Schema is written from it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::json::{self, Object, quoted};
use super::path::{self, Path};
use crate::problem::{Problem, Problems};

/// A configuration.
pub(crate) struct Declaration {
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    pub(crate) fields: &'static [Field],
    /// What one field says of another.
    pub(crate) rules: &'static [Rule],
}

/// A member of a configuration.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    pub(crate) required: bool,
    pub(crate) kind: Kind,
}

/// What a field may hold.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// A whole number in a range.
    Whole { least: u64, most: u64, default: Option<u64> },
    /// One of a few texts.
    Choice(&'static [&'static str]),
    /// A text of at least 1 and at most this many characters.
    Text(usize),
    /// A path into the context.
    Path,
    /// The text `all`, or texts to look for in errors.
    Patterns { most: usize, longest: usize },
    /// Any JSON.
    Anything,
}

/// Where `field` is `is`, something holds.
pub(crate) struct Rule {
    pub(crate) field: &'static str,
    pub(crate) is: &'static str,
    pub(crate) then: Then,
}

/// What holds then.
pub(crate) enum Then {
    /// A field is required.
    Needs(&'static str),
    /// A number is at most that.
    AtMost(&'static str, u64),
}

/// A configuration that has been read: each value where its field stands.
pub(crate) struct Values<'a> {
    declaration: &'static Declaration,
    values: Vec<Option<&'a str>>,
}

/// What stands for all errors.
pub(crate) const ALL: &str = "all";

impl Declaration {
    /// Reads a configuration.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(crate) fn read<'a>(&'static self, config: &'a str) -> Result<Values<'a>, Vec<Problem>> {
        let object = Object::read(config).ok_or_else(|| super::merge::no_object(".", config))?;
        let values = self.fields.iter().map(|field| object.get(field.name)).collect();
        let values = Values { declaration: self, values };
        let mut problems = Problems::default();
        self.fields.iter().for_each(|field| values.check(&mut problems, field));
        self.check_members(&mut problems, &object);
        problems.into_result(values)
    }

    fn field(&self, name: &str) -> &Field {
        self.fields.iter().find(|field| field.name == name).expect("a declaration names its own fields")
    }

    fn check_members(&self, problems: &mut Problems, object: &Object<'_>) {
        for (index, (name, value)) in object.0.iter().enumerate() {
            if !self.fields.iter().any(|field| field.name == name) {
                problems.add(name, &quoted(value), "left out: there is no field of this name");
            } else if object.index(name) != Some(index) {
                problems.add(name, &quoted(value), "given once");
            }
        }
    }
}

impl<'a> Values<'a> {
    #[inline(never)]
    fn check(&self, problems: &mut Problems, field: &Field) {
        let kind = self.narrowed(field);
        match self.text(field.name) {
            Some(value) => kind.check(problems, field.name, value),
            None if field.required => problems.add(field.name, &"missing", &kind.allowed()),
            None => {
                if let Some(rule) = self.needing(field.name) {
                    let allowed = format!("{}, as {} is {}", kind.allowed(), rule.field, rule.is);
                    problems.add(field.name, &"missing", &allowed);
                }
            }
        }
    }

    /// The rule that makes an optional field required.
    fn needing(&self, name: &str) -> Option<&'static Rule> {
        let needs = |rule: &&Rule| matches!(rule.then, Then::Needs(needed) if needed == name);
        self.declaration.rules.iter().filter(needs).find(|rule| self.holds(rule))
    }

    fn holds(&self, rule: &Rule) -> bool {
        self.text(rule.field).and_then(json::string).is_some_and(|text| text == rule.is)
    }

    /// What a field may hold beside the values of others.
    fn narrowed(&self, field: &Field) -> Kind {
        let mut kind = field.kind;
        for rule in self.declaration.rules.iter().filter(|rule| self.holds(rule)) {
            if let (Then::AtMost(name, cap), Kind::Whole { most, .. }) = (&rule.then, &mut kind)
                && *name == field.name
            {
                *most = *cap;
            }
        }
        kind
    }

    /// The text of a value.
    #[inline(never)]
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        let index = self.declaration.fields.iter().position(|field| field.name == name)?;
        self.values[index]
    }

    /// A number, or its default.
    #[inline(never)]
    pub(crate) fn whole(&self, name: &str) -> u64 {
        let given = self.text(name).and_then(json::whole).and_then(|digits| digits.parse().ok());
        match self.declaration.field(name).kind {
            Kind::Whole { least, default, .. } => given.or(default).unwrap_or(least),
            _ => 0,
        }
    }

    /// Like [`Self::whole`], where the range is of 32 bits.
    pub(crate) fn small(&self, name: &str) -> u32 {
        u32::try_from(self.whole(name)).unwrap_or(u32::MAX)
    }

    /// What a text says.
    #[inline(never)]
    pub(crate) fn string(&self, name: &str) -> Option<String> {
        self.text(name).and_then(json::string)
    }

    /// Which of a few texts it is, counted from 0.
    #[inline(never)]
    pub(crate) fn choice(&self, name: &str) -> usize {
        let Kind::Choice(choices) = self.declaration.field(name).kind else { return 0 };
        let chosen = self.string(name);
        choices.iter().position(|choice| chosen.as_deref() == Some(choice)).unwrap_or(0)
    }

    pub(crate) fn path(&self, name: &str) -> Option<Path> {
        self.string(name).and_then(|text| Path::read(&text))
    }

    /// The texts to look for; empty for all errors.
    pub(crate) fn patterns(&self, name: &str) -> Vec<String> {
        let entries = self.text(name).and_then(json::elements).unwrap_or_default();
        entries.into_iter().filter_map(json::string).collect()
    }
}

impl Kind {
    #[inline(never)]
    fn check(self, problems: &mut Problems, path: &str, value: &str) {
        if let Self::Patterns { most, longest } = self
            && let Some(entries) = json::elements(value).filter(|entries| (1..=most).contains(&entries.len()))
        {
            for (index, entry) in entries.into_iter().enumerate() {
                if !json::string(entry).is_some_and(|text| is_pattern(&text, longest)) {
                    problems.add(&format!("{path}[{index}]"), &quoted(entry), &allowed_pattern(longest));
                }
            }
        } else if !self.takes(value) {
            problems.add(path, &quoted(value), &self.allowed());
        }
    }

    #[inline(never)]
    fn takes(self, value: &str) -> bool {
        match self {
            Self::Whole { least, most, .. } => {
                let number = json::whole(value).and_then(|digits| digits.parse().ok());
                number.is_some_and(|number: u64| (least..=most).contains(&number))
            }
            Self::Anything => true,
            Self::Choice(choices) => json::string(value).is_some_and(|text| choices.contains(&text.as_str())),
            Self::Text(longest) => json::string(value).is_some_and(|text| has_length(&text, longest)),
            Self::Path => json::string(value).is_some_and(|text| Path::read(&text).is_some()),
            Self::Patterns { .. } => json::string(value).is_some_and(|text| text == ALL),
        }
    }

    #[inline(never)]
    fn allowed(self) -> String {
        match self {
            Self::Whole { least, most, .. } => format!("a whole number from {least} to {most}"),
            Self::Choice(choices) => format!("one of {}", choices.join(", ")),
            Self::Text(longest) => format!("a text of 1 to {longest} characters"),
            Self::Path => format!(
                "a path of at most {} characters to one value of the context, such as order.customer.id or \
                 $.items[0]['id']",
                path::LONGEST
            ),
            Self::Patterns { most, .. } => format!("\"{ALL}\" or a list of 1 to {most} texts"),
            Self::Anything => "any JSON value".to_string(),
        }
    }
}

fn allowed_pattern(longest: usize) -> String {
    format!("a text of 1 to {longest} characters in which a character follows each backslash that takes one")
}

fn has_length(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.chars().count())
}

/// Whether a star can follow.
fn is_pattern(text: &str, longest: usize) -> bool {
    let mut rest = text.chars();
    let mut whole = true;
    while let Some(character) = rest.next() {
        whole = character != '\\' || rest.next().is_some();
    }
    whole && has_length(text, longest)
}
