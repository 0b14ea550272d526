//! Circuit breakers.

pub(super) mod call;
mod generate;
pub(super) mod node;
mod settings;

use serde_json::json;

pub(super) use self::generate::generate;
use super::{Kind, named, spelt_out, text};

pub(super) static BREAKER: Kind = Kind {
    name: "breaker",
    member: "breaker",
    settings: named,
    key: Some(""),
    expects: |effect| json!({ "effect": effect }),
    spelt_out: spelt_out::<call::Call>,
};

pub(super) static NODE: Kind = Kind {
    name: "breaker-node",
    member: "breakerNode",
    settings: text,
    key: None,
    expects: |state| json!({ "result": { "circuitState": state } }),
    spelt_out: spelt_out::<node::Call>,
};
