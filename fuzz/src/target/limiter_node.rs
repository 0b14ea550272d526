//! Rate limiter nodes: their JSON, the contexts and tokens that they are given, and whatever may
//! lie in their cells.
//!
//! The input is a configuration, a context, and then steps.

use serde_json::json;
use tidegate_policy::nodes::{RateLimiterNode, Step};

use super::object::members;
use super::output::assert_output;
use super::{assert_problems, damaged};
use crate::input::Input;
use crate::stage::Stage;

const WINDOWS: [&str; 4] = ["second", "minute", "hour", "day"];
const KEYS: [&str; 4] = ["global", "per-user", "per-resource", "custom"];
const BEHAVIORS: [&str; 3] = ["queue", "reject", "delay"];
/// More steps than that show nothing that fewer do not.
const MAX_STEPS: usize = 100;

/// Runs an input.
///
/// # Panics
/// Where a promise is broken.
pub fn limiter_node(data: &[u8]) {
    let mut input = Input::new(data);
    let config = config(&mut input);
    let node = match RateLimiterNode::open(&config) {
        Ok(node) => node,
        Err(problems) => return assert_problems(&problems),
    };
    let context = input.text();
    assert_subject(&node, &context);
    let mut call = Call { node: &node, context: &context, stage: Stage::new(), held: Vec::new() };
    for _ in 0..MAX_STEPS {
        if input.is_empty() {
            break;
        }
        call.step(&mut input);
    }
}

/// A text, or one made of what a configuration may hold.
fn config(input: &mut Input<'_>) -> String {
    if !input.flip() {
        return input.text();
    }
    let mut config = json!({
        "limit": input.number(),
        "window": input.pick(&WINDOWS),
        "keyType": input.pick(&KEYS),
        "behavior": input.pick(&BEHAVIORS),
    });
    let has = input.byte();
    let mut set = |bit: u8, name: &str, value: serde_json::Value| {
        if has >> bit & 1 == 1 {
            config[name] = value;
        }
    };
    set(0, "windowCount", input.number().into());
    set(1, "maxQueueSize", input.number().into());
    set(2, "queueTimeoutMs", input.number().into());
    set(3, "customKeyField", input.text().into());
    set(4, "priorityField", input.text().into());
    set(5, "outputVariable", input.text().into());
    config.to_string()
}

/// Who is limited is decided by the members that the node says it reads.
fn assert_subject(node: &RateLimiterNode, context: &str) {
    let subject = node.subject(context);
    if let Err(problems) = &subject {
        assert_problems(problems);
    }
    let Some(members) = members(context) else {
        return assert!(subject.is_err(), "{context} is no object");
    };
    let reads = node.reads();
    let kept = members.iter().filter(|member| reads.contains(&member.name));
    let kept: Vec<String> = kept.map(|member| context[member.start..member.value.end].to_owned()).collect();
    let less = format!("{{{}}}", kept.join(","));
    assert_eq!(node.subject(&less), subject, "{context} {less}");
}

/// One who calls.
struct Call<'a> {
    node: &'a RateLimiterNode,
    context: &'a str,
    stage: Stage,
    held: Vec<Held>,
}

/// A token that was given.
#[derive(Clone)]
struct Held {
    token: String,
    /// Whether it is a permit and not a place.
    is_permit: bool,
}

impl Call<'_> {
    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 9 {
            0 => self.begin(input),
            1 => self.come_back(input),
            2 => {
                let token = self.any_token(input);
                self.ask(&token, 0);
            }
            3 => self.abandon(input),
            4 => self.stage.pass_us(input.number()),
            5 => self.stage.pass_us(input.number().saturating_mul(1_000)),
            6 => self.stage.spoil(input),
            7 => self.stage.damage(input),
            _ => {
                let result = input.text();
                let output = self.node.output(self.context, &result);
                assert_output(self.context, &result, self.node.output_variable(), output);
            }
        }
    }

    fn begin(&mut self, input: &mut Input<'_>) {
        let priority = input.small().cast_signed();
        let step = self.ask("", priority).expect("an empty token is none");
        self.hold(step);
    }

    fn come_back(&mut self, input: &mut Input<'_>) {
        let Some(held) = self.take(input) else { return };
        let step = self.ask(&held.token, input.small().cast_signed());
        assert_eq!(step.is_none(), held.is_permit, "a place is taken up, a permit is not: {}", held.token);
        if let Some(step) = step {
            self.hold(step);
        }
    }

    /// One that no step has given, or one that was changed.
    fn any_token(&mut self, input: &mut Input<'_>) -> String {
        match self.take(input) {
            Some(held) => damaged(&held.token, input),
            None => input.text(),
        }
    }

    fn take(&mut self, input: &mut Input<'_>) -> Option<Held> {
        let place = input.maybe().and_then(|place| usize::try_from(place).ok()?.checked_rem(self.held.len()))?;
        Some(self.held.swap_remove(place))
    }

    fn hold(&mut self, step: Step) {
        let is_permit = step.done;
        self.held.extend((!step.token.is_empty()).then_some(Held { token: step.token, is_permit }));
    }

    fn abandon(&mut self, input: &mut Input<'_>) {
        let held = self.take(input);
        let token = held.as_ref().map_or_else(|| input.text(), |held| held.token.clone());
        let writes = self.stage.writes();
        let was_held = self.node.abandon(&mut self.stage, 0, &token);
        assert!(was_held || self.stage.writes() == writes, "nothing was given back: {token}");
        assert!(was_held || held.is_none_or(|held| !held.is_permit), "a permit can be given back: {token}");
    }

    fn ask(&mut self, token: &str, priority: i32) -> Option<Step> {
        let writes = self.stage.writes();
        let step = match self.node.step(&mut self.stage, 0, priority, token) {
            Ok(step) => step,
            Err(problems) => {
                assert_eq!(self.stage.writes(), writes, "a token that is none changes nothing: {token}");
                assert_problems(&problems);
                return None;
            }
        };
        if step.done {
            assert_eq!((step.token.is_empty(), step.wait_ms), (!step.passed, 0), "{step:?}");
            let output = self.node.output(self.context, &step.result);
            assert_output(self.context, &step.result, self.node.output_variable(), output);
        } else {
            assert!(!step.passed && step.wait_ms > 0 && !step.token.is_empty(), "{step:?}");
            assert!(step.result.is_empty() && step.token.len() <= 100, "{step:?}");
        }
        Some(step)
    }
}
