//! Nodes to play with.

use serde_json::{Value, json};
use tidegate_policy::circuit_breaker::Error;
use tidegate_policy::fake::FakeWorld;
use tidegate_policy::nodes::{CircuitBreakerNode, CircuitStep, RateLimiterNode, Step};
use tidegate_policy::problem::Problem;

/// A whole second in 2026, in microseconds since 1970.
pub(crate) const T0_US: u64 = 1_795_000_000_000_000;

/// The object `base` with the members of `over`; a null takes a member away.
pub(crate) fn with(mut base: Value, over: &Value) -> Value {
    for (name, value) in over.as_object().expect("an object") {
        let members = base.as_object_mut().expect("an object");
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    base
}

pub(crate) fn limiter_config(over: &Value) -> Value {
    with(json!({ "limit": 2, "window": "second", "keyType": "global", "behavior": "reject" }), over)
}

pub(crate) fn circuit_config(over: &Value) -> Value {
    let base = json!({
        "circuitId": "payments", "failureThreshold": 3, "failureWindowMs": 10_000, "successThreshold": 2,
        "halfOpenTimeoutMs": 5_000, "fallbackAction": "error", "monitoredErrors": "all",
    });
    with(base, over)
}

pub(crate) fn limiter(over: &Value) -> RateLimiterNode {
    let config = limiter_config(over).to_string();
    RateLimiterNode::open(&config).unwrap_or_else(|problems| panic!("{config}: {problems:?}"))
}

pub(crate) fn circuit(over: &Value) -> CircuitBreakerNode {
    let config = circuit_config(over).to_string();
    CircuitBreakerNode::open(&config).unwrap_or_else(|problems| panic!("{config}: {problems:?}"))
}

/// Problems as `path is value, must be allowed`.
pub(crate) fn told(problems: &[Problem]) -> Vec<String> {
    problems
        .iter()
        .map(|problem| format!("{} is {}, must be {}", problem.path, problem.value, problem.allowed))
        .collect()
}

/// The paths of problems.
pub(crate) fn paths(problems: &[Problem]) -> Vec<&str> {
    problems.iter().map(|problem| problem.path.as_str()).collect()
}

pub(crate) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
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
