//! Random histories of one key on several hosts that lease, each with local cells and a lag of its
//! own.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use tidegate_policy::fake::FakeWorld;
use tidegate_policy::kv::Scope;
use tidegate_policy::rate_limiter::{Algorithm, Config, Decision, LeaseConfig, Limit, OnLimit, RateLimiter, Verdict};

use crate::history::algorithm;
use crate::oracle::{Given, broken};
use crate::support::{T0_US, capacity, is_bucket, most, open_config, per_ms};

pub(crate) const HOSTS: usize = 3;

/// What a host does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Deed {
    /// This many calls of cost 1, one after the other.
    Calls(u32),
    /// One call of this many hundredths of what fits at once.
    Cost(u32),
    /// Gives back a part of what was let go, by whichever host.
    Refund { which: Index, part: u32 },
    /// The end of its lease is near or past.
    Release { now: bool },
    /// Its local cells are gone.
    Crash,
}

/// How long until it happens, as a share of the life of a lease or of the first window.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pause {
    None,
    Us(u64),
    Lives(u64),
    Windows(u64),
    /// To a microsecond around the end of the life of what was charged last, or a window later.
    End {
        windows: u64,
        beside: i8,
    },
}

/// A pause, the host, how many milliseconds it lags, and what it does.
pub(crate) type Step = (Pause, usize, u64, Deed);

pub(crate) fn steps(count: usize) -> impl Strategy<Value = Vec<Step>> {
    let pause = prop_oneof![
        3 => Just(Pause::None),
        2 => (0..5_000_u64).prop_map(Pause::Us),
        3 => (1..15_u64).prop_map(Pause::Lives),
        2 => (1..15_u64).prop_map(Pause::Windows),
        2 => (0..2_u64, -1..=1_i8).prop_map(|(windows, beside)| Pause::End { windows, beside }),
    ];
    let deed = prop_oneof![
        8 => (1..60_u32).prop_map(Deed::Calls),
        2 => (1..=100_u32).prop_map(Deed::Cost),
        2 => (any::<Index>(), 0..=100_u32).prop_map(|(which, part)| Deed::Refund { which, part }),
        2 => any::<bool>().prop_map(|now| Deed::Release { now }),
        1 => Just(Deed::Crash),
    ];
    let lag_ms = prop_oneof![2 => Just(0), 1 => 0..=1_000_u64];
    vec((pause, 0..HOSTS, lag_ms, deed), 1..=count)
}

fn limit() -> impl Strategy<Value = Limit> {
    let window_ms = prop_oneof![Just(10_u64), Just(100), Just(1_000), 1..=5_000_u64];
    (8..=200_u32, window_ms, algorithm()).prop_map(|(limit, window_ms, algorithm)| {
        let wide = |burst: Option<u32>| burst.map(|burst| burst * 10);
        let algorithm = match algorithm {
            Algorithm::Gcra { burst } => Algorithm::Gcra { burst: wide(burst) },
            Algorithm::TokenBucket { burst } => Algorithm::TokenBucket { burst: wide(burst) },
            other => other,
        };
        per_ms(limit, window_ms, algorithm)
    })
}

/// A configuration that leases; a bucket's burst may leave it next to nothing.
pub(crate) fn leasing(limits: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Config> {
    let life_ms = prop_oneof![1..=20_u64, 1..=2_000_u64];
    (vec(limit(), limits), 2..=100_u32, life_ms).prop_map(|(mut limits, max_permits, mut life_ms)| {
        let of = |limits: &[Limit], life_ms| {
            let lease = Some(LeaseConfig { max_permits, life_ms });
            Config { limits: limits.to_vec(), on_limit: OnLimit::Reject, lease }
        };
        while RateLimiter::open(&of(&limits, life_ms)).is_err() {
            if life_ms > 1 {
                life_ms /= 2;
            } else if limits.len() > 1 {
                limits.pop();
            } else {
                limits[0].algorithm = Algorithm::FixedWindow;
            }
        }
        of(&limits, life_ms)
    })
}

/// One key, and what all hosts were let do.
pub(crate) struct Fleet {
    pub(crate) world: FakeWorld,
    pub(crate) limiter: RateLimiter,
    pub(crate) config: Config,
    now_us: u64,
    /// By host, the latest time it ran at; it never goes back.
    seen_us: [u64; HOSTS],
    /// By the time let go.
    pub(crate) given: Vec<Given>,
    /// By the time charged.
    charged: Vec<Given>,
    full_us: Vec<u64>,
    pub(crate) leased: usize,
}

impl Fleet {
    pub(crate) fn new(config: &Config, start_us: u64) -> Self {
        let now_us = T0_US + start_us;
        Self {
            world: FakeWorld::at_us(now_us),
            limiter: open_config(config),
            config: config.clone(),
            now_us,
            seen_us: [0; HOSTS],
            given: Vec::new(),
            charged: Vec::new(),
            full_us: Vec::new(),
            leased: 0,
        }
    }

    pub(crate) fn run(&mut self, steps: &[Step]) -> Result<(), TestCaseError> {
        for (pause, host, lag_ms, deed) in steps {
            self.pause(*pause);
            self.go_as(*host, *lag_ms, *deed);
            self.act(*deed)?;
        }
        Ok(())
    }

    fn life_us(&self) -> u64 {
        self.config.lease.map_or(0, |lease| lease.life_ms * 1_000)
    }

    fn window_us(&self, index: usize) -> u64 {
        self.config.limits[index].window.count * 1_000
    }

    fn pause(&mut self, pause: Pause) {
        self.now_us = match pause {
            Pause::None => self.now_us,
            Pause::Us(us) => self.now_us + us,
            Pause::Lives(tenths) => self.now_us + tenths * self.life_us() / 10,
            Pause::Windows(tenths) => self.now_us + tenths * self.window_us(0) / 10,
            Pause::End { windows, beside } => {
                let last_us = self.charged.last().map_or(self.now_us, |given| given.at_us);
                let end_us = last_us + self.life_us() + windows * self.window_us(0);
                end_us.saturating_add_signed(beside.into()).max(self.now_us)
            }
        };
    }

    /// A caller's refund of a bucket needs a host that knows the latest time of the key; see the
    /// contract. What a policy gives back by itself does not.
    fn go_as(&mut self, host: usize, lag_ms: u64, deed: Deed) {
        let bucket = self.config.limits.iter().any(|limit| is_bucket(limit.algorithm));
        let behind_us = if bucket && matches!(deed, Deed::Refund { .. }) { 0 } else { lag_ms * 1_000 };
        self.seen_us[host] = self.seen_us[host].max(self.now_us - behind_us);
        self.world.set_us(self.seen_us[host]);
        self.world.set_host(u32::try_from(host).expect("there are few"));
    }

    fn act(&mut self, deed: Deed) -> Result<(), TestCaseError> {
        match deed {
            Deed::Calls(calls) => (0..calls).try_for_each(|_| self.call(1)),
            Deed::Cost(percent) => {
                let most = self.config.limits.iter().map(capacity).min().unwrap_or(1);
                self.call((most * percent / 100).max(1))
            }
            Deed::Refund { which, part } => self.refund(which, part),
            Deed::Release { now } => {
                let before = self.shared();
                if self.limiter.release(&mut self.world, 0, now) == 0 {
                    prop_assert_eq!(self.shared(), before, "nothing was given back");
                }
                Ok(())
            }
            Deed::Crash => {
                self.world.crash();
                Ok(())
            }
        }
    }

    fn shared(&self) -> Vec<String> {
        let shared = self.world.live_cells().filter(|(cell, _)| cell.scope == Scope::Shared);
        shared.map(|(cell, text)| format!("{cell:?}={text}")).collect()
    }

    fn call(&mut self, cost: u32) -> Result<(), TestCaseError> {
        let (writes, shared) = (self.world.writes(), self.shared());
        let peeked = self.limiter.peek(&mut self.world, 0, cost);
        prop_assert_eq!(self.world.writes(), writes, "a peek has changed something");
        let decided = self.limiter.try_acquire(&mut self.world, 0, cost);
        let (Ok(decision), Ok(peeked)) = (decided, peeked) else {
            prop_assert_eq!(decided, peeked);
            return Ok(());
        };
        // A peek takes all limits at the latest time seen, a charge each at its own.
        if self.seen_us.iter().all(|seen_us| *seen_us <= self.world.time_us()) {
            prop_assert_eq!((decision.verdict, decision.leased), (peeked.verdict, peeked.leased));
        }
        if decision.verdict == Verdict::Denied {
            prop_assert_eq!(self.world.writes(), writes, "a refusal has changed something");
            prop_assert_eq!(decision.charged_at_us, 0);
            return Ok(());
        }
        if decision.leased {
            prop_assert_eq!(self.shared(), shared, "a leased call has changed a shared cell");
        }
        self.note(cost, &decision)
    }

    fn note(&mut self, cost: u32, decision: &Decision) -> Result<(), TestCaseError> {
        prop_assert!(!(decision.leased && decision.release_after_ms > 0));
        prop_assert!(decision.release_after_ms * 1_000 <= self.life_us() + 1_000_000, "{decision:?}");
        self.leased += usize::from(decision.leased);
        // A time before one that the key has seen counts as that one.
        let at_us = decision.at_us.max(decision.charged_at_us);
        prop_assert!(
            at_us - decision.charged_at_us < self.life_us().max(1),
            "held for longer than a life: {decision:?}"
        );
        self.given.push(Given { at_us, permits: cost });
        self.charged.push(Given { at_us: decision.charged_at_us, permits: cost });
        self.full_us.push(decision.full_at_us);
        Ok(())
    }

    fn refund(&mut self, which: Index, part: u32) -> Result<(), TestCaseError> {
        if self.given.is_empty() {
            return Ok(());
        }
        // What was promised before the refund must have held with these permits.
        self.check()?;
        let found = which.index(self.given.len());
        let back = self.given[found].permits * part / 100;
        self.limiter.refund(&mut self.world, 0, back, self.charged[found].at_us, self.full_us[found]);
        self.given[found].permits -= back;
        self.charged[found].permits -= back;
        Ok(())
    }

    /// Every limit's promise, over the calls that were let go.
    pub(crate) fn check(&self) -> Result<(), TestCaseError> {
        for (index, limit) in self.config.limits.iter().enumerate() {
            let found = broken(limit, self.window_us(index), &self.given);
            prop_assert!(found.is_none(), "{limit:?}: {} of {:?}", found.unwrap_or_default(), self.given);
        }
        Ok(())
    }

    /// When nothing is asked for long enough, any host finds all that can ever fit.
    pub(crate) fn check_recovery(&mut self) -> Result<(), TestCaseError> {
        let refill = |limit: &Limit| {
            let window_us = limit.window.count * 1_000;
            2 * window_us + u64::from(capacity(limit)) * window_us / u64::from(limit.limit)
        };
        let longest_us = self.config.limits.iter().map(refill).max().unwrap_or(0);
        // The hosts have lost their leases; all they held leaves by itself.
        self.now_us += longest_us + 2 * self.life_us() + 2_000_000;
        self.world.set_us(self.now_us);
        self.world.crash();
        let decision = self.limiter.try_acquire(&mut self.world, 0, most(&self.limiter));
        prop_assert!(decision.is_ok_and(|decision| decision.verdict == Verdict::Allowed), "{decision:?}");
        Ok(())
    }
}
