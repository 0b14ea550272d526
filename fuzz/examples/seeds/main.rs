//! The seeds of all targets, made from the cases of the conformance suite. The tests replay them;
//! `cargo run --example seeds` in `fuzz` writes them to `fuzz/seeds`, for the fuzzer to go on from.

mod breaker;
mod limiter;
mod nodes;
mod others;
#[path = "../../../tests/conformance/src/cases/table.rs"]
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Inputs by target.
pub(crate) type Seeds = BTreeMap<&'static str, BTreeSet<Vec<u8>>>;

/// More than these of a target are only more of the same.
const MAX_SEEDS: usize = 60;
/// The fuzzer makes long ones by itself.
const MAX_BYTES: usize = 2_000;

fn main() -> Result<()> {
    for (target, inputs) in all()? {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        fs::create_dir_all(&dir)?;
        for input in &inputs {
            let name = Sha256::digest(input)[..8].iter().fold(String::new(), |name, byte| format!("{name}{byte:02x}"));
            fs::write(dir.join(name), input)?;
        }
        println!("{target}: {} seeds", inputs.len());
    }
    Ok(())
}

/// The seeds of all targets, the same in every run.
pub(crate) fn all() -> Result<Seeds> {
    let mut seeds = Seeds::new();
    for case in cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/conformance/cases"))? {
        of_case(&mut seeds, &case);
    }
    others::add(&mut seeds);
    for inputs in seeds.values_mut() {
        inputs.retain(|input| input.len() <= MAX_BYTES);
        let step = inputs.len().div_ceil(MAX_SEEDS).max(1);
        *inputs = std::mem::take(inputs).into_iter().step_by(step).collect();
    }
    Ok(seeds)
}

/// All cases, in the order of their files.
fn cases(dir: &Path) -> Result<Vec<Value>> {
    let mut paths = Vec::new();
    for group in fs::read_dir(dir)? {
        for file in fs::read_dir(group?.path())? {
            paths.push(file?.path());
        }
    }
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let entries: Vec<Value> =
            serde_json::from_str(&fs::read_to_string(&path)?).with_context(|| path.display().to_string())?;
        for entry in entries {
            cases.extend(table::expand(&entry)?);
        }
    }
    Ok(cases)
}

fn of_case(seeds: &mut Seeds, case: &Value) {
    let policies = case["policies"].as_object().into_iter().flat_map(|policies| policies.values());
    for policy in std::iter::once(case).chain(policies) {
        let mut add = |target, input: Option<Vec<u8>>| seeds.entry(target).or_default().extend(input);
        let (limiter, breaker) = (policy.get("limiter"), policy.get("breaker"));
        for settings in [limiter, breaker].into_iter().flatten() {
            let mut settings = settings.clone();
            if settings.is_object() && settings.get("name").is_none() {
                settings["name"] = "api".into();
            }
            add("settings", Some(text(&settings).into_bytes()));
        }
        add("limiter", limiter.and_then(|settings| limiter::seed(settings, case)));
        add("breaker", breaker.and_then(|settings| breaker::seed(settings, case)));
        add("pattern", breaker.and_then(|settings| breaker::pattern(settings, case)));
        add("limiter_node", policy.get("limiterNode").map(|config| nodes::limiter(config, case)));
        add("breaker_node", policy.get("breakerNode").map(|config| nodes::breaker(config, case)));
        for output in nodes::outputs(policy, case) {
            add("output", Some(output));
        }
    }
}

/// What a case writes as JSON or as its text.
fn text(json: &Value) -> String {
    json.as_str().map_or_else(|| json.to_string(), ToOwned::to_owned)
}

/// A number of a case, rounded, where it is one that is not below 0.
fn number(json: &Value, or: u64) -> u64 {
    json.as_f64().map_or(or, |number| format!("{:.0}", number.max(0.0)).parse().unwrap_or(u64::MAX))
}

/// Steps: how many microseconds after the one before, the call, and its arguments.
fn steps(case: &Value) -> Vec<(u64, String, Value)> {
    let mut before_us = 0;
    let mut steps = Vec::new();
    for step in case["steps"].as_array().into_iter().flatten() {
        let at_us = number(&Value::from(step[0].as_f64().unwrap_or(0.0) * 1_000.0), 0);
        let arguments = step.get(2).cloned().unwrap_or_default();
        let passed_us = at_us.saturating_sub(before_us);
        before_us = before_us.max(at_us);
        for time in 0..number(&arguments["times"], 1).min(5) {
            let passed_us = if time == 0 { passed_us } else { 0 };
            steps.push((passed_us, text(&step[1]), arguments.clone()));
        }
    }
    steps
}

/// The field of a cell that is named as at the end of a key in Redis.
fn field(cell: &Value) -> u64 {
    let (upper, role) = cell.as_str().and_then(|cell| cell.split_once('.')).unwrap_or_default();
    let number = |hex| u64::from_str_radix(hex, 16).unwrap_or(0);
    number(upper) << 8 | number(role)
}

/// Which of a few names it is.
fn place(name: &Value, of: &[&str]) -> u8 {
    let found = of.iter().position(|known| name.as_str() == Some(known));
    found.and_then(|place| u8::try_from(place).ok()).unwrap_or(0)
}
