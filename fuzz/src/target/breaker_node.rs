//! Circuit breaker nodes: their JSON, the tokens that they are given, and whatever may lie in their
//! cells.
//!
//! The input is a configuration, a context, and then steps.

use serde_json::{Value, json};
use tidegate_policy::circuit_breaker::{Effect, Error};
use tidegate_policy::nodes::{CircuitBreakerNode, CircuitStep, FallbackAction};
use tidegate_policy::problem::Problem;

use super::output::assert_output;
use super::{assert_problems, damaged};
use crate::input::Input;
use crate::stage::Stage;

const ACTIONS: [&str; 3] = ["error", "default", "skip"];
/// More steps than that show nothing that fewer do not.
const MAX_STEPS: usize = 100;

/// Runs an input.
///
/// # Panics
/// Where a promise is broken.
pub fn breaker_node(data: &[u8]) {
    let mut input = Input::new(data);
    let config = config(&mut input);
    let node = match CircuitBreakerNode::open(&config) {
        Ok(node) => node,
        Err(problems) => return assert_problems(&problems),
    };
    assert_open(&node, &config);
    let context = input.text();
    let mut call = Call { node: &node, context: &context, stage: Stage::new(), tokens: Vec::new() };
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
        "circuitId": input.text(),
        "failureThreshold": input.number(),
        "failureWindowMs": input.number(),
        "successThreshold": input.number(),
        "halfOpenTimeoutMs": input.number(),
        "fallbackAction": input.pick(&ACTIONS),
        "fallbackValue": input.number(),
    });
    let patterns: Vec<String> = (0..input.byte() % 4).map(|_| input.text()).collect();
    config["monitoredErrors"] = if patterns.is_empty() { "all".into() } else { patterns.into() };
    config.to_string()
}

/// What a configuration says is what the node knows.
fn assert_open(node: &CircuitBreakerNode, config: &str) {
    // Numbers that no language holds may be written, and are no reason to know less.
    let Ok(config) = serde_json::from_str::<Value>(config) else { return };
    assert_eq!(Some(node.circuit_id()), config["circuitId"].as_str());
    let action = match node.fallback_action() {
        FallbackAction::Error => "error",
        FallbackAction::Default => "default",
        FallbackAction::Skip => "skip",
    };
    assert_eq!(Some(action), config["fallbackAction"].as_str());
    assert_eq!(node.fallback_value().is_some(), action == "default", "{config}");
}

/// Those who call through a circuit.
struct Call<'a> {
    node: &'a CircuitBreakerNode,
    context: &'a str,
    stage: Stage,
    tokens: Vec<String>,
}

impl Call<'_> {
    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 9 {
            0 | 1 => self.admit(),
            2 => self.ends(input, |node, stage, token| node.succeeded(stage, 0, token)),
            3 => {
                let (name, message) = (input.text(), input.text());
                let errors =
                    [Error { name: &name, ..Error::default() }, Error { status: &message, ..Error::default() }];
                self.ends(input, |node, stage, token| node.failed(stage, 0, token, &errors));
            }
            4 => self.ends(input, |node, stage, token| node.cancelled(stage, 0, token)),
            5 => self.stage.pass_us(input.number().saturating_mul(1_000)),
            6 => self.stage.spoil(input),
            7 => self.stage.damage(input),
            _ => {
                let writes = self.stage.writes();
                let step = self.node.status(&mut self.stage, 0);
                assert_eq!(self.stage.writes(), writes, "a status writes nothing");
                assert_eq!(step.report.effect, Effect::None);
            }
        }
    }

    fn admit(&mut self) {
        let step = self.node.admit(&mut self.stage, 0);
        assert_eq!(step.allowed, step.report.effect == Effect::Admitted, "{step:?}");
        assert_eq!(step.allowed, !step.token.is_empty(), "{step:?}");
        assert!(step.token.len() <= 100, "{step:?}");
        self.assert_result(&step);
        self.tokens.extend(step.allowed.then_some(step.token));
    }

    fn ends(
        &mut self,
        input: &mut Input<'_>,
        call: impl FnOnce(&CircuitBreakerNode, &mut Stage, &str) -> Result<CircuitStep, Vec<Problem>>,
    ) {
        let given = input.maybe().and_then(|place| usize::try_from(place).ok()?.checked_rem(self.tokens.len()));
        let given = given.map(|place| self.tokens[place].clone());
        let is_given = given.is_some() && input.flip();
        let token = match given {
            Some(token) if is_given => token,
            Some(token) => damaged(&token, input),
            None => input.text(),
        };
        let writes = self.stage.writes();
        match call(self.node, &mut self.stage, &token) {
            Ok(step) => {
                assert!(step.allowed && step.token.is_empty(), "{step:?}");
                self.assert_result(&step);
            }
            Err(problems) => {
                assert!(!is_given && !token.is_empty(), "{token} was given");
                assert_eq!(self.stage.writes(), writes, "a token that is none changes nothing: {token}");
                assert_problems(&problems);
            }
        }
    }

    fn assert_result(&self, step: &CircuitStep) {
        let result: Value = serde_json::from_str(&step.result).expect("a result is JSON");
        assert_eq!(result["allowed"], step.allowed, "{step:?}");
        assert_eq!(result["failedFast"], !step.allowed, "{step:?}");
        let output = self.node.output(self.context, &step.result);
        assert_output(self.context, &step.result, self.node.output_variable(), output);
    }
}
