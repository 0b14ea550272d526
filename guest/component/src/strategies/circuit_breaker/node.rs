//! The resource `circuit-breaker-node` of the interface `nodes`.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use tidegate_policy::circuit_breaker::Error;
use tidegate_policy::nodes as policy;

use crate::bindings::exports::tidegate::policy::nodes as wit;
use crate::convert::{answer, fields, into_all, variants};
use crate::world::World;

impl wit::GuestCircuitBreakerNode for policy::CircuitBreakerNode {
    fn open(config: String) -> Result<wit::CircuitBreakerNode, Vec<wit::Problem>> {
        Self::open(&config).map(wit::CircuitBreakerNode::new).map_err(into_all)
    }

    fn circuit_id(&self) -> String {
        self.circuit_id().to_string()
    }

    fn fallback_action(&self) -> wit::FallbackAction {
        self.fallback_action().into()
    }

    fn fallback_value(&self) -> Option<String> {
        self.fallback_value().map(ToString::to_string)
    }

    fn output_variable(&self) -> Option<String> {
        self.output_variable().map(ToString::to_string)
    }

    fn admit(&self, entity: u32) -> wit::CircuitStep {
        self.admit(&mut World, entity).into()
    }

    fn succeeded(&self, entity: u32, token: String) -> Result<wit::CircuitStep, Vec<wit::Problem>> {
        answer(self.succeeded(&mut World, entity, &token))
    }

    fn failed(
        &self,
        entity: u32,
        token: String,
        errors: Vec<wit::Error>,
    ) -> Result<wit::CircuitStep, Vec<wit::Problem>> {
        let errors: Vec<_> = errors.iter().map(Error::from).collect();
        answer(self.failed(&mut World, entity, &token, &errors))
    }

    fn cancelled(&self, entity: u32, token: String) -> Result<wit::CircuitStep, Vec<wit::Problem>> {
        answer(self.cancelled(&mut World, entity, &token))
    }

    fn status(&self, entity: u32) -> wit::CircuitStep {
        self.status(&mut World, entity).into()
    }

    fn output(&self, context: String, result: String) -> Result<String, Vec<wit::Problem>> {
        answer(self.output(&context, &result))
    }
}

fields!(policy::CircuitStep => wit::CircuitStep: allowed, token, result, report);
variants!(policy::FallbackAction => wit::FallbackAction: Error, Default, Skip);
