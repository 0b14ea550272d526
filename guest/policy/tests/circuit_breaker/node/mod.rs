//! The circuit breaker's workflow node: JSON in, the policy's reports, JSON out.

mod calls;
mod config;
mod schema;
#[path = "../../node_support/mod.rs"]
mod support;

use serde_json::{Value, json};
use tidegate_policy::circuit_breaker::Error;
use tidegate_policy::fake::FakeWorld;
use tidegate_policy::nodes::{CircuitBreakerNode, CircuitStep};

use self::support::{T0_US, with};

pub(crate) fn circuit_config(over: &Value) -> Value {
    let base = json!({
        "circuitId": "payments", "failureThreshold": 3, "failureWindowMs": 10_000, "successThreshold": 2,
        "halfOpenTimeoutMs": 5_000, "fallbackAction": "error", "monitoredErrors": "all",
    });
    with(base, over)
}

pub(crate) fn circuit(over: &Value) -> CircuitBreakerNode {
    let config = circuit_config(over).to_string();
    CircuitBreakerNode::open(&config).unwrap_or_else(|problems| panic!("{config}: {problems:?}"))
}

/// One circuit of one node.
pub(crate) struct Circuit {
    pub(crate) world: FakeWorld,
    pub(crate) node: CircuitBreakerNode,
}

impl Circuit {
    pub(crate) fn new(over: &Value) -> Self {
        Self { world: FakeWorld::at_us(T0_US), node: circuit(over) }
    }

    /// One that has just opened.
    pub(crate) fn opened(over: &Value) -> Self {
        let mut circuit = Self::new(over);
        for _ in 0..3 {
            circuit.fail("");
        }
        assert!(!circuit.admit().allowed);
        circuit
    }

    /// One whose open time is over.
    pub(crate) fn probing(over: &Value) -> Self {
        let mut circuit = Self::opened(over);
        circuit.world.pass_ms(5_000);
        circuit
    }

    pub(crate) fn admit(&mut self) -> CircuitStep {
        self.node.admit(&mut self.world, 0)
    }

    pub(crate) fn succeed(&mut self, token: &str) -> CircuitStep {
        self.node.succeeded(&mut self.world, 0, token).expect("an admission has given this token")
    }

    pub(crate) fn fail(&mut self, token: &str) -> CircuitStep {
        self.fail_with(token, "TimeoutError", "no answer")
    }

    pub(crate) fn fail_with(&mut self, token: &str, name: &str, message: &str) -> CircuitStep {
        self.fail_by(token, &[Error { name, message, ..Error::default() }])
    }

    pub(crate) fn fail_by(&mut self, token: &str, errors: &[Error<'_>]) -> CircuitStep {
        self.node.failed(&mut self.world, 0, token, errors).expect("an admission has given this token")
    }
}
