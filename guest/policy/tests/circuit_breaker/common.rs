//! A circuit to play with: a checked breaker and its world.

use tidegate_policy::circuit_breaker::{
    Cause, CircuitBreaker, Config, Effect, Error, Event, FailureCount, FailureRate, HalfOpen, Mode, Others, Permit,
    ProbeRule, Report, Sample, SlowRate, State, Trip,
};
use tidegate_policy::fake::FakeWorld;
use tidegate_policy::kv::{Cell, Clock, Kv};

pub(crate) const START_US: u64 = 1_700_000_000_000_000;

/// No rule, open for 5 s, two probes of a second at once, two successes to close.
pub(crate) fn without_rules() -> Config {
    Config {
        trip: Trip {
            failures: None,
            consecutive: None,
            failure_rate: None,
            slow_rate: None,
            sample: Sample::Calls(10),
            minimum_calls: 4,
        },
        open_ms: 5_000,
        backoff: None,
        half_open: HalfOpen { probes: 2, successes: 2, permit_ms: 1_000, rule: ProbeRule::FirstFailure },
        monitored: vec![],
        others: Others::Ignored,
        ignored: vec![],
        mode: Mode::Normal,
    }
}

/// Opens on three failures within 10 s.
pub(crate) fn on_failures() -> Config {
    let failures = Some(FailureCount { count: 3, within_ms: 10_000 });
    Config { trip: Trip { failures, ..without_rules().trip }, ..without_rules() }
}

/// Opens on three failures in a row.
pub(crate) fn on_consecutive() -> Config {
    Config { trip: Trip { consecutive: Some(3), ..without_rules().trip }, ..without_rules() }
}

/// Opens when half of the sample failed, which holds 4 calls at least.
pub(crate) fn on_failure_rate(sample: Sample) -> Config {
    let failure_rate = Some(FailureRate { percent: 50.0 });
    Config { trip: Trip { failure_rate, sample, ..without_rules().trip }, ..without_rules() }
}

/// Opens when half of the last 10 calls took 100 ms, which are 4 calls at least.
pub(crate) fn on_slow_rate() -> Config {
    let slow_rate = Some(SlowRate { percent: 50.0, slower_than_ms: 100 });
    Config { trip: Trip { slow_rate, ..without_rules().trip }, ..without_rules() }
}

/// One circuit.
#[derive(Clone)]
pub(crate) struct Circuit {
    pub(crate) breaker: CircuitBreaker,
    pub(crate) world: FakeWorld,
}

impl Circuit {
    pub(crate) fn new(config: &Config) -> Self {
        let breaker = CircuitBreaker::open(config).expect("the configuration is sound");
        Self { breaker, world: FakeWorld::at_us(START_US) }
    }

    /// A circuit that has just opened on the failures of `config`.
    pub(crate) fn opened(config: &Config) -> Self {
        let mut circuit = Self::new(config);
        let opened = circuit.fail_times(3);
        assert_eq!(opened.state, State::Open);
        circuit
    }

    /// A circuit whose open time is over.
    pub(crate) fn probing(config: &Config) -> Self {
        let mut circuit = Self::opened(config);
        circuit.world.pass_ms(config.open_ms);
        circuit
    }

    pub(crate) fn admit(&mut self) -> Report {
        self.breaker.admit(&mut self.world, 0)
    }

    /// Admits a call that must be admitted.
    pub(crate) fn permit(&mut self) -> Permit {
        let report = self.admit();
        assert_eq!(report.effect, Effect::Admitted);
        report.permit
    }

    pub(crate) fn succeed(&mut self, permit: Permit) -> Report {
        self.breaker.succeeded(&mut self.world, 0, permit, 1)
    }

    pub(crate) fn fail(&mut self, permit: Permit) -> Report {
        let error = Error { name: "Refused", message: "no", code: "503", status: "503" };
        self.breaker.failed(&mut self.world, 0, permit, 1, &[error])
    }

    pub(crate) fn cancel(&mut self, permit: Permit) -> Report {
        self.cancel_after(permit, 0)
    }

    pub(crate) fn cancel_after(&mut self, permit: Permit, elapsed_ms: u64) -> Report {
        self.breaker.cancelled(&mut self.world, 0, permit, elapsed_ms)
    }

    pub(crate) fn status(&mut self) -> Report {
        self.breaker.status(&mut self.world, 0)
    }

    pub(crate) fn order(&mut self, mode: Mode) -> Report {
        self.breaker.set_mode(&mut self.world, 0, mode)
    }

    pub(crate) fn reset(&mut self) -> Report {
        self.breaker.reset(&mut self.world, 0)
    }

    /// A call that succeeds at once.
    pub(crate) fn success(&mut self) -> Report {
        let permit = self.permit();
        self.succeed(permit)
    }

    /// A call that takes `elapsed_ms` and succeeds.
    pub(crate) fn success_after(&mut self, elapsed_ms: u64) -> Report {
        let permit = self.permit();
        self.breaker.succeeded(&mut self.world, 0, permit, elapsed_ms)
    }

    /// A call that fails at once.
    pub(crate) fn failure(&mut self) -> Report {
        let permit = self.permit();
        self.fail(permit)
    }

    /// As many calls that fail at once; the report of the last.
    pub(crate) fn fail_times(&mut self, times: u32) -> Report {
        (0..times).map(|_| self.failure()).last().expect("at least one call")
    }
}

pub(crate) fn event(cause: Cause, before: State, after: State) -> Event {
    Event { cause, before, after }
}

/// An operation that a call issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    Get(Cell),
    Observe(Cell),
    Put(Cell, Option<String>, u64),
    Number(Cell),
}

/// A world that logs what is asked of it, and can lie to those who only observe.
#[derive(Clone)]
pub(crate) struct Logged {
    pub(crate) world: FakeWorld,
    pub(crate) log: Vec<Operation>,
    pub(crate) lies: bool,
    pub(crate) lie: Option<String>,
}

impl Logged {
    pub(crate) fn new(world: &FakeWorld) -> Self {
        Self { world: world.clone(), log: vec![], lies: false, lie: None }
    }
}

impl Kv for Logged {
    fn get(&mut self, at: Cell) -> Option<String> {
        self.log.push(Operation::Get(at));
        self.world.get(at)
    }

    fn observe(&mut self, at: Cell) -> Option<String> {
        self.log.push(Operation::Observe(at));
        if self.lies { self.lie.clone() } else { self.world.observe(at) }
    }

    fn put(&mut self, at: Cell, value: Option<&str>, ttl_ms: u64) {
        self.log.push(Operation::Put(at, value.map(ToString::to_string), ttl_ms));
        self.world.put(at, value, ttl_ms);
    }

    fn advance(&mut self, at: Cell, step: u64, floor: u64, ceiling: u64, ttl_ms: u64) -> Result<u64, u64> {
        self.log.push(Operation::Number(at));
        self.world.advance(at, step, floor, ceiling, ttl_ms)
    }

    fn retreat(&mut self, at: Cell, step: u64, floor: u64) -> u64 {
        self.log.push(Operation::Number(at));
        self.world.retreat(at, step, floor)
    }

    fn raise(&mut self, at: Cell, to: u64, ttl_ms: u64) -> u64 {
        self.log.push(Operation::Number(at));
        self.world.raise(at, to, ttl_ms)
    }

    fn refused_ms(&mut self) -> u32 {
        self.world.refused_ms()
    }
}

impl Clock for Logged {
    fn now_us(&mut self) -> u64 {
        self.world.now_us()
    }
}
