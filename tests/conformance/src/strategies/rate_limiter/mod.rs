//! Rate limiters.

pub(super) mod call;
mod generate;
pub(super) mod node;

use serde_json::{Value, json};

pub(super) use self::generate::generate;
use super::{Kind, named, spelt_out, text};

pub(super) static LIMITER: Kind = Kind {
    name: "limiter",
    member: "limiter",
    settings: named,
    key: Some("k"),
    expects: |verdict| json!({ "verdict": verdict }),
    spelt_out: spelt_out::<call::Call>,
};

pub(super) static NODE: Kind = Kind {
    name: "limiter-node",
    member: "limiterNode",
    settings: text,
    key: None,
    expects: |word| Value::from(word),
    spelt_out: spelt_out::<node::Call>,
};
