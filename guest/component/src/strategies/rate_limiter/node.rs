//! The resource `rate-limiter-node` of the interface `nodes`.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use tidegate_policy::nodes as policy;

use crate::bindings::exports::tidegate::policy::nodes as wit;
use crate::convert::{answer, fields, into_all};
use crate::world::World;

impl wit::GuestRateLimiterNode for policy::RateLimiterNode {
    fn open(config: String) -> Result<wit::RateLimiterNode, Vec<wit::Problem>> {
        Self::open(&config).map(wit::RateLimiterNode::new).map_err(into_all)
    }

    fn reads(&self) -> Vec<String> {
        self.reads()
    }

    fn output_variable(&self) -> Option<String> {
        self.output_variable().map(ToString::to_string)
    }

    fn subject(&self, context: String) -> Result<wit::Subject, Vec<wit::Problem>> {
        answer(self.subject(&context))
    }

    fn step(&self, entity: u32, priority: i32, token: String) -> Result<wit::Step, Vec<wit::Problem>> {
        answer(self.step(&mut World, entity, priority, &token))
    }

    fn abandon(&self, entity: u32, token: String) -> bool {
        self.abandon(&mut World, entity, &token)
    }

    fn output(&self, context: String, result: String) -> Result<String, Vec<wit::Problem>> {
        answer(self.output(&context, &result))
    }
}

fields!(policy::Subject => wit::Subject: name, key, priority);
fields!(policy::Step => wit::Step: done, passed, wait_ms, token, result);
