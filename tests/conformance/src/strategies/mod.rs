//! What the suite knows of each strategy: the kinds of its policies, their calls, and how its cases
//! are generated. The rest of the suite asks the two lists here and names no strategy.

mod circuit_breaker;
mod rate_limiter;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::generate::Generator;

pub use self::circuit_breaker::{call::Call as BreakerCall, node::Call as BreakerNodeCall};
pub use self::rate_limiter::{call::Call as LimiterCall, node::Call as LimiterNodeCall};

/// All kinds of policies.
static KINDS: [&Kind; 4] =
    [&rate_limiter::LIMITER, &circuit_breaker::BREAKER, &rate_limiter::NODE, &circuit_breaker::NODE];

/// What generated cases are of, each as often as its weight says.
pub(crate) const GENERATORS: [(Generator, u64); 2] = [(rate_limiter::generate, 60), (circuit_breaker::generate, 40)];

/// What a call takes, as JSON.
type Args = Map<String, Value>;

/// A kind of policy.
pub(crate) struct Kind {
    /// As it stands in a run.
    pub(crate) name: &'static str,
    /// The member of a case that holds its settings.
    pub(crate) member: &'static str,
    /// Its settings as drivers are given them, from those of a case and its id.
    pub(crate) settings: fn(&Value, &str) -> Value,
    /// The key of a call that names no other, where calls have a key.
    pub(crate) key: Option<&'static str>,
    /// The answer that a single word expects.
    pub(crate) expects: fn(&str) -> Value,
    /// A call with all its arguments.
    pub(crate) spelt_out: fn(&str, &Args) -> Result<Args>,
}

/// The kind of this name in runs.
pub(crate) fn kind(name: &str) -> Result<&'static Kind> {
    KINDS.into_iter().find(|kind| kind.name == name).with_context(|| format!("there is no kind {name:?} of policy"))
}

/// The kinds whose settings are members of a case.
pub(crate) fn kinds() -> impl Iterator<Item = &'static Kind> {
    KINDS.into_iter()
}

/// The arguments of a call as its type has them: defaults stand where nothing was said, and what
/// the call does not take is an error.
fn spelt_out<C: Serialize + DeserializeOwned>(call: &str, args: &Args) -> Result<Args> {
    let call: C = serde_json::from_value(json!({ "call": call, "args": args }))?;
    match serde_json::to_value(call)?.get_mut("args").map(Value::take) {
        Some(Value::Object(args)) => Ok(args),
        _ => bail!("the arguments of a call are an object"),
    }
}

/// Settings with a name, where they have none.
fn named(config: &Value, id: &str) -> Value {
    let mut config = config.clone();
    if let Value::Object(members) = &mut config {
        members.entry("name").or_insert_with(|| Value::from(id));
    }
    config
}

/// The text of a node's configuration.
fn text(config: &Value, _: &str) -> Value {
    Value::from(crate::protocol::json_text(config))
}

/// How many permits a call is about that names no cost.
fn one() -> u32 {
    1
}
