//! The rate limiter's workflow node: JSON in, the policy's decisions, JSON out.

mod config;
mod schema;
mod steps;
mod subject;
#[path = "../../node_support/mod.rs"]
mod support;

use serde_json::{Value, json};
use tidegate_policy::fake::FakeWorld;
use tidegate_policy::nodes::{RateLimiterNode, Step};

use self::support::{T0_US, with};

pub(crate) fn limiter_config(over: &Value) -> Value {
    with(json!({ "limit": 2, "window": "second", "keyType": "global", "behavior": "reject" }), over)
}

pub(crate) fn limiter(over: &Value) -> RateLimiterNode {
    let config = limiter_config(over).to_string();
    RateLimiterNode::open(&config).unwrap_or_else(|problems| panic!("{config}: {problems:?}"))
}

/// One key of one rate limiter node.
pub(crate) struct Key {
    pub(crate) world: FakeWorld,
    pub(crate) node: RateLimiterNode,
}

impl Key {
    pub(crate) fn new(over: &Value) -> Self {
        Self { world: FakeWorld::at_us(T0_US), node: limiter(over) }
    }

    pub(crate) fn begin(&mut self) -> Step {
        self.begin_with(0)
    }

    pub(crate) fn begin_with(&mut self, priority: i32) -> Step {
        self.node.step(&mut self.world, 0, priority, "").expect("an empty token is none")
    }

    pub(crate) fn come_back(&mut self, step: &Step) -> Step {
        self.node.step(&mut self.world, 0, 0, &step.token).expect("a step has given this token")
    }

    /// Waits as told and comes back, until the end.
    pub(crate) fn finish(&mut self, mut step: Step) -> Step {
        while !step.done {
            self.world.pass_ms(step.wait_ms);
            step = self.come_back(&step);
        }
        step
    }

    pub(crate) fn abandon(&mut self, step: &Step) -> bool {
        self.node.abandon(&mut self.world, 0, &step.token)
    }
}
