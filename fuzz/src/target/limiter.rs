//! Configurations of rate limiters, and whatever may lie in their cells.
//!
//! The input is one configuration or two that share their cells, and then calls, the passing of
//! time and writes of strangers.

use tidegate_policy::problem::Problem;
use tidegate_policy::rate_limiter::{
    Algorithm, Ask, Config, CostNeverFits, Decision, LeaseConfig, Limit, OnLimit, RateLimiter, Reason, Verdict, Window,
    WindowUnit,
};

use super::{assert_problems, promise::Promise};
use crate::input::Input;
use crate::stage::Stage;

const UNITS: [WindowUnit; 5] =
    [WindowUnit::Millisecond, WindowUnit::Second, WindowUnit::Minute, WindowUnit::Hour, WindowUnit::Day];
/// More steps than that show nothing that fewer do not.
const MAX_STEPS: usize = 200;

/// Runs an input.
///
/// # Panics
/// Where a promise is broken.
pub fn limiter(data: &[u8]) {
    let mut input = Input::new(data);
    let configs: Vec<Config> = (0..=input.byte() % 2).map(|_| config(&mut input)).collect();
    let opened: Vec<_> = configs.iter().map(open).collect();
    let Some((config, limiter)) = configs.iter().zip(opened).find_map(|(config, opened)| Some((config, opened.ok()?)))
    else {
        return;
    };
    let other = configs.iter().rev().find_map(|config| Some((config, open(config).ok()?)));
    let mut scene = Scene::new();
    let mut promise = Promise::new(config);
    for _ in 0..MAX_STEPS {
        if input.is_empty() {
            break;
        }
        let kind = input.byte();
        match &other {
            Some((other, limiter)) if kind >= 128 => {
                // What another configuration has given, it takes back.
                scene.step(kind % 128, &mut input, other, limiter);
                scene.charges.clear();
                promise.forget();
            }
            _ => {
                let step = scene.step(kind % 128, &mut input, config, &limiter);
                promise.see(&step);
            }
        }
    }
}

/// Reads a configuration, sound or not.
pub(super) fn config(input: &mut Input<'_>) -> Config {
    let limits = (0..input.byte() % 10).map(|_| limit(input)).collect();
    let kind = input.byte() % 4;
    let lease = (kind == 3).then(|| LeaseConfig { max_permits: input.small(), life_ms: input.number() });
    let on_limit = match kind {
        0 | 3 => OnLimit::Reject,
        1 => OnLimit::Delay { max_wait_ms: input.number() },
        _ => OnLimit::Queue { max_size: input.small(), timeout_ms: input.number(), grace_ms: input.number() },
    };
    Config { limits, on_limit, lease }
}

fn limit(input: &mut Input<'_>) -> Limit {
    let limit = input.small();
    let window = Window { unit: input.pick(&UNITS), count: input.number() };
    let burst = |input: &mut Input<'_>| input.maybe().map(|burst| u32::try_from(burst).unwrap_or(u32::MAX));
    let algorithm = match input.byte() % 6 {
        0 => Algorithm::SlidingWindow { sub_windows: input.small() },
        1 => Algorithm::Gcra { burst: burst(input) },
        2 => Algorithm::TokenBucket { burst: burst(input) },
        3 => Algorithm::FixedWindow,
        4 => Algorithm::SlidingWindowCounter,
        _ => Algorithm::SlidingLog,
    };
    Limit { limit, window, algorithm }
}

/// A configuration is taken, or all that is wrong with it is told.
fn open(config: &Config) -> Result<RateLimiter, Vec<Problem>> {
    let opened = RateLimiter::open(config);
    if let Err(problems) = &opened {
        assert_problems(problems);
    }
    opened
}

/// What a step was.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// This many permits were let go, or given a place.
    Charged {
        /// How many.
        cost: u32,
        /// The time that they count at.
        at_us: u64,
    },
    /// Such a charge was given back.
    Refunded {
        /// How many.
        cost: u32,
        /// The time that they counted at.
        at_us: u64,
    },
    /// What counts is not known any more.
    Spoilt,
    /// Nothing that counts.
    Nothing,
}

/// A key and those who ask.
struct Scene {
    stage: Stage,
    /// Costs and times of charges that were not given back, and when the buckets were due to be
    /// full before them.
    charges: Vec<(u32, u64, u64)>,
    tickets: Vec<u64>,
}

impl Scene {
    fn new() -> Self {
        Self { stage: Stage::new(), charges: Vec::new(), tickets: Vec::new() }
    }

    fn step(&mut self, kind: u8, input: &mut Input<'_>, config: &Config, limiter: &RateLimiter) -> Step {
        match kind % 14 {
            0 => self.acquire(input, config, limiter),
            1 => {
                let cost = input.small();
                self.several(config, limiter, cost);
                let asked = self.asked(config, limiter, cost, |stage| limiter.try_acquire(stage, 0, cost));
                self.charged(config, cost, asked)
            }
            2 => {
                let cost = input.small();
                self.peek(config, limiter, cost);
                Step::Nothing
            }
            3 => self.refund(input, config, limiter),
            4 => self.cancel(input, limiter),
            5 => {
                limiter.reset(&mut self.stage, 0);
                self.charges.clear();
                Step::Spoilt
            }
            6 => self.pass(input, Stage::pass_us),
            7 => self.spoilt(|stage| stage.spoil(input)),
            8 => self.spoilt(|stage| stage.damage(input)),
            9 => self.pass(input, |stage, us| stage.pass_us(us.saturating_mul(1_000))),
            10 => self.release(input, config, limiter),
            11 => {
                let (cost, foreign) = (input.small(), self.stage.foreign());
                let decision = limiter.post(&mut self.stage, 0, cost);
                self.assert_sound(config, &decision, foreign);
                Step::Nothing
            }
            12 => self.charge(input, config, limiter),
            _ => share(input, config, limiter),
        }
    }

    /// What was used already is never refused. What of it is owed, the promise knows nothing of.
    fn charge(&mut self, input: &mut Input<'_>, config: &Config, limiter: &RateLimiter) -> Step {
        let (cost, foreign) = (input.small(), self.stage.foreign());
        let decision = limiter.charge(&mut self.stage, 0, cost);
        assert_eq!(decision.verdict, Verdict::Allowed, "{decision:?}");
        self.assert_sound(config, &Decision { retry_after_ms: 0, ..decision }, foreign);
        self.charges.clear();
        Step::Spoilt
    }

    fn pass(&mut self, input: &mut Input<'_>, pass: impl FnOnce(&mut Stage, u64)) -> Step {
        pass(&mut self.stage, input.number());
        Step::Nothing
    }

    /// What the host holds was charged to what is lost. So it dies: what it would give back, it
    /// would give to others.
    fn spoilt(&mut self, spoil: impl FnOnce(&mut Stage)) -> Step {
        spoil(&mut self.stage);
        self.stage.crash();
        self.charges.clear();
        Step::Spoilt
    }

    fn acquire(&mut self, input: &mut Input<'_>, config: &Config, limiter: &RateLimiter) -> Step {
        let (cost, priority) = (input.small(), input.small().cast_signed());
        let ticket = self.ticket(input);
        let asked = self.asked(config, limiter, cost, |stage| limiter.acquire(stage, 0, cost, priority, ticket));
        self.charged(config, cost, asked)
    }

    /// None, one that was given, or any.
    fn ticket(&self, input: &mut Input<'_>) -> u64 {
        match input.byte() % 3 {
            0 => 0,
            1 => input.index().checked_rem(self.tickets.len()).map_or(0, |place| self.tickets[place]),
            _ => input.number(),
        }
    }

    fn charged(&mut self, config: &Config, cost: u32, decision: Option<Decision>) -> Step {
        let Some(decision) = decision else { return Step::Nothing };
        self.tickets.extend((decision.ticket > 0).then_some(decision.ticket));
        if decision.charged_at_us == 0 {
            return Step::Nothing;
        }
        self.charges.push((cost, decision.charged_at_us, decision.full_at_us));
        // A leased permit was charged before, and the promise is about when it is let go.
        let at_us = if config.lease.is_some() { decision.at_us } else { decision.charged_at_us };
        Step::Charged { cost, at_us }
    }

    fn refund(&mut self, input: &mut Input<'_>, config: &Config, limiter: &RateLimiter) -> Step {
        let given = input.maybe();
        let given = given.and_then(|place| usize::try_from(place).ok()?.checked_rem(self.charges.len()));
        let (cost, at_us, full_at_us) = match given {
            Some(place) => self.charges.swap_remove(place),
            None => (input.small(), input.number(), input.number()),
        };
        let foreign = self.stage.foreign();
        let decision = limiter.refund(&mut self.stage, 0, cost, at_us, full_at_us);
        self.assert_sound(config, &decision, foreign);
        match given {
            Some(_) if config.lease.is_none() => Step::Refunded { cost, at_us },
            Some(_) => Step::Spoilt,
            None => self.spoilt(|_| ()),
        }
    }

    fn release(&mut self, input: &mut Input<'_>, config: &Config, limiter: &RateLimiter) -> Step {
        let given_back = limiter.release(&mut self.stage, 0, input.flip());
        let most = config.lease.map_or(0, |lease| lease.max_permits);
        assert!(given_back <= most, "{given_back} of at most {most} permits: {config:?}");
        assert_eq!(limiter.release(&mut self.stage, 0, false), 0, "nothing is given back twice: {config:?}");
        Step::Nothing
    }

    fn cancel(&mut self, input: &mut Input<'_>, limiter: &RateLimiter) -> Step {
        let (ticket, writes) = (self.ticket(input), self.stage.writes());
        let was_in = limiter.cancel(&mut self.stage, 0, ticket);
        assert_eq!(was_in, self.stage.writes() > writes, "only who waits can be taken out");
        assert!(!limiter.cancel(&mut self.stage, 0, ticket), "nobody waits twice");
        Step::Nothing
    }

    fn peek(&mut self, config: &Config, limiter: &RateLimiter, cost: u32) -> Option<Decision> {
        let (writes, foreign) = (self.stage.writes(), self.stage.foreign());
        let peeked = limiter.peek(&mut self.stage, 0, cost);
        assert_eq!(self.stage.writes(), writes, "a peek writes nothing");
        let decision = peeked.inspect_err(|fault| assert_never_fits(config, cost, *fault)).ok()?;
        assert_eq!(decision.charged_at_us, 0, "a peek charges nothing: {decision:?}");
        self.assert_sound(config, &decision, foreign);
        Some(decision)
    }

    /// Several calls in one are answered as each alone would be, one after the other.
    fn several(&self, config: &Config, limiter: &RateLimiter, cost: u32) {
        let costs = [cost, 1, cost];
        let (mut together, mut alone) = (self.stage.clone(), self.stage.clone());
        let asks = costs.map(|cost| Ask { entity: 0, cost });
        let several: Vec<_> = limiter.try_acquire_many(&mut together, asks).collect();
        let each: Vec<_> = costs.iter().map(|cost| limiter.try_acquire(&mut alone, 0, *cost)).collect();
        assert_eq!(several, each, "{config:?}");
        assert_eq!(together.writes(), alone.writes(), "{config:?}");
    }

    /// Asks, and holds the answer to what a peek says before and after.
    fn asked(
        &mut self,
        config: &Config,
        limiter: &RateLimiter,
        cost: u32,
        ask: impl FnOnce(&mut Stage) -> Result<Decision, CostNeverFits>,
    ) -> Option<Decision> {
        let (writes, foreign) = (self.stage.writes(), self.stage.foreign());
        let asked = ask(&mut self.stage);
        let has_written = self.stage.writes() > writes;
        let Ok(decision) = asked.inspect_err(|fault| assert_never_fits(config, cost, *fault)) else {
            assert!(!has_written, "a fault writes nothing");
            return None;
        };
        self.assert_sound(config, &decision, foreign);
        let gives_up = decision.reason == Reason::QueueTimeout;
        if (decision.verdict == Verdict::Denied && !gives_up) || cost == 0 {
            assert!(!has_written, "a refusal changes nothing: {config:?} {decision:?}");
        }
        if cost > 0 && decision.verdict == Verdict::Allowed {
            assert!(decision.leased || decision.charged_at_us >= decision.at_us, "{config:?} {decision:?}");
        }
        let after = self.peek(config, limiter, 1).expect("one permit fits into any limit");
        let counts = |d: &Decision| (d.binding, d.count, d.limit, d.remaining, d.reset_after_ms);
        assert!(
            config.lease.is_some() || counts(&decision) == counts(&after),
            "a peek tells the same: {config:?} {decision:?} {after:?}"
        );
        Some(decision)
    }

    fn assert_sound(&self, config: &Config, decision: &Decision, foreign: usize) {
        let shown = || format!("{config:?} {decision:?} {:?}", self.stage);
        assert_eq!(decision.at_us, self.stage.time_us(), "{}", shown());
        assert!(decision.discarded == 0 || foreign > 0, "what we wrote, we read: {}", shown());
        let binding = config.limits.get(decision.binding as usize).expect("a limit binds");
        // With leases a bucket works with less than its burst.
        assert!(decision.limit == capacity(binding) || config.lease.is_some(), "{}", shown());
        assert!(decision.limit <= capacity(binding), "{}", shown());
        assert!(decision.remaining <= decision.limit, "{}", shown());
        match decision.verdict {
            Verdict::Allowed => {
                assert_eq!((decision.reason, decision.ticket), (Reason::None, 0), "{}", shown());
                assert_eq!((decision.wait_ms, decision.retry_after_ms), (0, 0), "{}", shown());
            }
            Verdict::Denied => {
                assert_eq!((decision.charged_at_us, decision.ticket, decision.wait_ms), (0, 0, 0), "{}", shown());
                let is_barred = config.limits.iter().any(|limit| limit.limit == 0);
                let comes_back = decision.retry_after_ms > 0 || decision.reason == Reason::QueueTimeout;
                assert!(comes_back || is_barred, "{}", shown());
            }
            Verdict::Wait => self.assert_waits(config, decision),
        }
    }

    fn assert_waits(&self, config: &Config, decision: &Decision) {
        let shown = || format!("{config:?} {decision:?} {:?}", self.stage);
        assert!(decision.wait_ms > 0 && decision.retry_after_ms == 0, "{}", shown());
        match config.on_limit {
            OnLimit::Reject => panic!("nobody waits: {}", shown()),
            OnLimit::Delay { max_wait_ms } => {
                assert!(decision.ticket == 0 && decision.position == 0, "{}", shown());
                assert!(decision.charged_at_us > decision.at_us, "{}", shown());
                let wait_us = decision.charged_at_us - decision.at_us;
                assert!(decision.wait_ms == wait_us.div_ceil(1_000), "{}", shown());
                // The time of a key is the latest that it has seen, which may be a day ahead.
                assert!(wait_us <= (max_wait_ms + DAY_MS) * 1_000, "{}", shown());
            }
            OnLimit::Queue { timeout_ms, .. } => {
                assert!(decision.charged_at_us == 0 && decision.ticket > 0, "{}", shown());
                assert!((1..=decision.waiting).contains(&decision.position), "{}", shown());
                assert!(decision.wait_ms <= timeout_ms + LAG_MS, "{}", shown());
            }
        }
    }
}

const DAY_MS: u64 = 86_400_000;
/// How far ahead a ticket may be: a host may be a second behind, and tickets are counted on to be
/// unique.
const LAG_MS: u64 = 1_100;

/// Each of several hosts decides alone, on cells of its own.
fn share(input: &mut Input<'_>, config: &Config, limiter: &RateLimiter) -> Step {
    let hosts = input.small();
    match limiter.share(hosts) {
        Err(problems) => assert_problems(&problems),
        Ok(share) => {
            let mut alone = Stage::new();
            let most = config.limits.iter().map(capacity).min().expect("a limit") / hosts;
            let decision = most.checked_add(1).map(|more| share.try_acquire(&mut alone, 0, more));
            let is_allowed = matches!(decision, Some(Ok(decision)) if decision.verdict == Verdict::Allowed);
            assert!(!is_allowed, "{hosts} hosts admit {most} and one more each: {config:?}");
        }
    }
    Step::Nothing
}

fn assert_never_fits(config: &Config, cost: u32, fault: CostNeverFits) {
    assert_eq!(fault.cost, cost);
    assert!(fault.limit < cost, "{fault:?}");
    let most = config.limits.iter().map(capacity).min().expect("a limit");
    // With leases a bucket works with less than its burst.
    assert!(cost > most || config.lease.is_some(), "{cost} fits: {config:?}");
}

/// The most that a limit can admit at once.
pub(super) fn capacity(limit: &Limit) -> u32 {
    match limit.algorithm {
        Algorithm::Gcra { burst } | Algorithm::TokenBucket { burst } if limit.limit > 0 => burst.unwrap_or(limit.limit),
        _ => limit.limit,
    }
}
