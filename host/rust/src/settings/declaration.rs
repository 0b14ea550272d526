//! The declaration, as it is read.

use std::sync::LazyLock;

use indexmap::IndexMap;
use serde::Deserialize;

/// A setting.
#[derive(Debug, Deserialize)]
pub(super) struct Field {
    #[serde(default)]
    pub(super) required: bool,
    /// Whether null stands for nothing.
    #[serde(default)]
    pub(super) nullable: bool,
    #[serde(flatten)]
    pub(super) kind: Kind,
}

/// In the order in which they are listed.
pub(super) type Fields = IndexMap<String, Field>;

/// What a setting may hold.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(super) enum Kind {
    Text,
    Flag,
    /// A whole number. The type holds this many bits; beyond its range, what it may be is the
    /// component's to say.
    Whole {
        least: u64,
        most: u64,
        bits: u32,
    },
    /// Any number.
    Number {
        above: Option<f64>,
        least: Option<f64>,
        most: f64,
    },
    Choice {
        of: Vec<String>,
    },
    List {
        of: Box<Field>,
    },
    Object {
        /// Of which class it is, where a language has one.
        is: Option<String>,
        /// An example of the text that may stand for a limit.
        text: Option<String>,
        fields: Fields,
    },
    /// An object whose other fields depend on a word in one of them.
    Tagged {
        tag: String,
        variants: IndexMap<String, Fields>,
    },
    /// One of a few words, or an object of just one of these fields.
    Either {
        words: Vec<String>,
        fields: Fields,
        /// Of which classes such an object is, where a language has them.
        classes: Vec<String>,
    },
}

/// The settings of each strategy by its name.
static ALL: LazyLock<IndexMap<String, Field>> =
    LazyLock::new(|| serde_json::from_str(include_str!("declaration.json")).expect("the declaration is one"));

pub(super) fn of(strategy: &str) -> &'static Field {
    &ALL[strategy]
}
