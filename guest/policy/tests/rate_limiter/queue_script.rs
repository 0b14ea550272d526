//! The queue under random scripts: who comes, when, how important, and whether it ever comes back.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use proptest::collection::vec;
use proptest::prelude::*;
use tidegate_policy::rate_limiter::{Config, Decision, OnLimit, Reason, Verdict};

use crate::history::{cases, config};
use crate::oracle::{Given, broken};
use crate::support::{Key, T0_US, capacity};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    /// Comes back whenever it is told to.
    Comes,
    /// Comes back so much after it was told, every time.
    Late(u64),
    /// Never comes back.
    Dies,
    /// Comes back once to leave.
    Cancels,
    /// Never waits in the first place.
    Tries,
}

#[derive(Debug, Clone, Copy)]
struct Caller {
    after_us: u64,
    priority: i32,
    size: u32,
    fate: Fate,
}

fn caller() -> impl Strategy<Value = Caller> {
    let after_us = prop_oneof![3 => Just(0), 3 => 0..5_000_u64, 2 => 0..500_000_u64, 1 => 0..20_000_000_u64];
    let fate = prop_oneof![
        6 => Just(Fate::Comes),
        2 => (1..200_000_u64).prop_map(Fate::Late),
        2 => Just(Fate::Dies),
        1 => Just(Fate::Cancels),
        1 => Just(Fate::Tries),
    ];
    let size = prop_oneof![3 => Just(0_u32), 1 => 0..=100_u32];
    (after_us, -1..=2_i32, size, fate).prop_map(|(after_us, priority, size, fate)| Caller {
        after_us,
        priority,
        size,
        fate,
    })
}

fn queued() -> impl Strategy<Value = Config> {
    (config(1..=2), 1..=8_u32, prop_oneof![50..2_000_u64, 1_000..100_000_u64], 1..=100_u64).prop_map(
        |(config, max_size, timeout_ms, percent)| {
            let grace_ms = (timeout_ms * percent / 300).max(1);
            Config { on_limit: OnLimit::Queue { max_size, timeout_ms, grace_ms }, ..config }
        },
    )
}

fn patient(mut config: Config) -> Config {
    if let OnLimit::Queue { timeout_ms, .. } = &mut config.on_limit {
        *timeout_ms = 86_400_000;
    }
    config
}

/// Someone who was told to wait, and has neither gone nor given up.
#[derive(Debug, Clone, Copy)]
struct Member {
    caller: usize,
    ticket: u64,
    priority: i32,
    cost: u32,
    told_us: u64,
}

impl Member {
    fn rank(&self) -> (Reverse<i32>, u64) {
        (Reverse(self.priority), self.ticket)
    }
}

/// The callers, and the queue as it must be by what was told.
#[derive(Clone)]
struct Script {
    key: Key,
    config: Config,
    callers: Vec<Caller>,
    /// Who is in the queue.
    members: Vec<Member>,
    /// Whoever was told to come back, by caller; in the queue or not.
    told: Vec<Option<Member>>,
    given: Vec<Given>,
    asked: Vec<usize>,
    /// Who comes when; earlier callers first where times are the same.
    events: BinaryHeap<Reverse<(u64, usize)>>,
    max_size: usize,
    timeout_us: u64,
    grace_us: u64,
}

impl Script {
    fn new(config: &Config, start_us: u64, callers: &[Caller]) -> Self {
        let OnLimit::Queue { max_size, timeout_ms, grace_ms } = config.on_limit else { unreachable!() };
        let mut at_us = T0_US + start_us;
        let mut events = BinaryHeap::new();
        for (index, caller) in callers.iter().enumerate() {
            at_us += caller.after_us;
            events.push(Reverse((at_us, index)));
        }
        Self {
            key: Key::new(&config.limits, config.on_limit),
            config: config.clone(),
            callers: callers.to_vec(),
            members: Vec::new(),
            told: vec![None; callers.len()],
            given: Vec::new(),
            asked: vec![0; callers.len()],
            events,
            max_size: max_size as usize,
            timeout_us: timeout_ms * 1_000,
            grace_us: grace_ms * 1_000,
        }
    }

    fn run(&mut self) -> Result<(), TestCaseError> {
        self.run_until(u64::MAX)
    }

    /// Lets all come who come by then.
    fn run_until(&mut self, until_us: u64) -> Result<(), TestCaseError> {
        while let Some(Reverse((at_us, index))) = self.events.pop() {
            if at_us > until_us {
                self.events.push(Reverse((at_us, index)));
                break;
            }
            self.key.world.set_us(at_us);
            self.members.retain(|member| member.ticket + self.timeout_us > at_us);
            self.comes(index)?;
        }
        for (index, limit) in self.config.limits.iter().enumerate() {
            let found = broken(limit, self.config.limits[index].window.count * 1_000, &self.given);
            prop_assert!(found.is_none(), "{limit:?}: {}", found.unwrap_or_default());
        }
        Ok(())
    }

    fn comes(&mut self, index: usize) -> Result<(), TestCaseError> {
        let caller = self.callers[index];
        let most = self.config.limits.iter().map(capacity).min().unwrap_or(1);
        let cost = 1 + caller.size * (most - 1) / 100;
        let was = self.told[index].take();
        self.members.retain(|member| member.caller != index);
        self.asked[index] += 1;
        match (caller.fate, was) {
            (Fate::Cancels, Some(was)) => {
                let in_time = was.ticket + self.timeout_us > self.key.now_us();
                let found = self.key.cancel(was.ticket);
                prop_assert!(found || !in_time, "a waiter was lost: {was:?}");
                Ok(())
            }
            (Fate::Tries, _) => {
                let decision = self.key.try_acquire(cost);
                prop_assert_ne!(decision.verdict, Verdict::Wait);
                if decision.verdict == Verdict::Allowed { self.let_go(cost, decision, None) } else { Ok(()) }
            }
            _ => {
                let decision = self.key.ask(cost, caller.priority, was.map_or(0, |was| was.ticket));
                self.answered(index, cost, was, decision)
            }
        }
    }

    fn answered(
        &mut self,
        index: usize,
        cost: u32,
        was: Option<Member>,
        decision: Decision,
    ) -> Result<(), TestCaseError> {
        let now_us = self.key.now_us();
        let priority = self.callers[index].priority;
        let ticket = was.map_or(now_us, |was| was.ticket);
        let asking = Member { caller: index, ticket, priority, cost, told_us: now_us };
        match (decision.verdict, decision.reason) {
            (Verdict::Allowed, _) => self.let_go(cost, decision, Some(asking))?,
            (Verdict::Wait, _) => self.waits(asking, was, decision)?,
            (Verdict::Denied, Reason::QueueFull) => {
                prop_assert!(was.is_none() && self.members.len() >= self.max_size, "{decision:?}");
                prop_assert!(decision.retry_after_ms > 0);
            }
            (Verdict::Denied, Reason::QueueTimeout) => {
                prop_assert!(was.is_some_and(|was| was.ticket + self.timeout_us <= now_us), "{decision:?}");
            }
            other => prop_assert!(false, "{other:?}"),
        }
        Ok(())
    }

    /// Those of the others who are in time, in the order in which they will go.
    fn present(&self) -> Vec<Member> {
        let now_us = self.key.now_us();
        let mut present: Vec<Member> =
            self.members.iter().copied().filter(|member| member.told_us + self.grace_us >= now_us).collect();
        present.sort_by_key(Member::rank);
        present
    }

    /// Whoever is let go before others who rank higher and are in time leaves room for all of them.
    fn let_go(&mut self, cost: u32, decision: Decision, asking: Option<Member>) -> Result<(), TestCaseError> {
        prop_assert_eq!(decision.charged_at_us, self.key.now_us());
        let mut then = self.key.clone();
        for higher in self.present() {
            if asking.is_none_or(|asking| higher.rank() < asking.rank()) {
                let goes = then.ask(higher.cost, higher.priority, higher.ticket);
                prop_assert_eq!(goes.verdict, Verdict::Allowed, "{:?} was let go before {:?}", asking, higher);
            }
        }
        self.given.push(Given { at_us: decision.charged_at_us, permits: cost });
        Ok(())
    }

    fn waits(&mut self, asking: Member, was: Option<Member>, decision: Decision) -> Result<(), TestCaseError> {
        let now_us = self.key.now_us();
        let ticket = decision.ticket;
        prop_assert!(was.is_none_or(|was| was.ticket == ticket), "another ticket: {:?} {:?}", was, decision);
        prop_assert!(self.members.iter().all(|member| member.ticket != ticket), "a ticket given twice: {:?}", decision);
        let asking = Member { ticket, told_us: now_us + decision.wait_ms * 1_000, ..asking };
        self.nobody_absent_holds_up(asking)?;
        let ahead = self.members.iter().filter(|member| member.rank() < asking.rank()).count();
        self.members.push(asking);
        self.told[asking.caller] = Some(asking);
        prop_assert_eq!((decision.position as usize, decision.waiting as usize), (ahead + 1, self.members.len()));
        prop_assert!(was.is_some() || self.members.len() <= self.max_size, "{} wait", self.members.len());
        prop_assert!(decision.wait_ms > 0);
        prop_assert!(asking.told_us < ticket + self.timeout_us + 1_000, "told to come after its time: {:?}", decision);
        match self.callers[asking.caller].fate {
            Fate::Dies => {}
            Fate::Late(us) => self.events.push(Reverse((asking.told_us + us, asking.caller))),
            _ => self.events.push(Reverse((asking.told_us, asking.caller))),
        }
        Ok(())
    }

    /// With nobody ahead who is in time, only the limit itself makes one wait.
    fn nobody_absent_holds_up(&self, asking: Member) -> Result<(), TestCaseError> {
        if self.present().iter().all(|member| member.rank() > asking.rank()) {
            let mut alone = self.key.clone();
            for member in self.members.iter().chain([&asking]) {
                alone.cancel(member.ticket);
            }
            let tried = alone.try_acquire(asking.cost);
            prop_assert_eq!(tried.verdict, Verdict::Denied, "{:?} waits for nobody", asking);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn goes_by_rank_in_bounds_and_ends(
        config in queued(),
        start_us in 0..100_000_000_u64,
        callers in vec(caller(), 1..=40),
    ) {
        let mut script = Script::new(&config, start_us, &callers);
        script.run()?;
        // Each of the others can make one come back in vain by outranking it and by being late, and
        // rounding once more. One who is late is waited for twice as long each time, up to the
        // grace.
        let most = script.asked.iter().max().copied().unwrap_or(0);
        let late = callers.iter().filter(|caller| matches!(caller.fate, Fate::Late(_) | Fate::Dies)).count();
        let doublings = (script.grace_us / 1_000).ilog2() as usize;
        let bound = 3 * callers.len() + 3 + late * doublings;
        prop_assert!(most <= bound, "{most} times asked with {} callers, {bound} are allowed", callers.len());
        let waiting = script.told.iter().flatten().filter(|member| callers[member.caller].fate != Fate::Dies).count();
        prop_assert_eq!(waiting, 0, "someone who always comes back was neither let go nor denied");
    }

    /// If those who wait come when they were told and nobody else comes, one who was denied is
    /// accepted at the time it was told, and not two milliseconds earlier: those ahead were told
    /// whole milliseconds too. Nobody times out here.
    #[test]
    fn retry_after_is_exact_behind_those_who_wait(
        config in queued().prop_map(patient),
        start_us in 0..100_000_000_u64,
        callers in vec(caller(), 1..=20),
        size in 0..=100_u32,
        at_us in 0..5_000_000_u64,
        tries in any::<bool>(),
    ) {
        let callers: Vec<Caller> = callers
            .into_iter()
            .map(|caller| Caller { fate: Fate::Comes, after_us: caller.after_us.min(1_000), priority: 0, ..caller })
            .collect();
        let mut script = Script::new(&config, start_us, &callers);
        let now_us = T0_US + start_us + 20_000 + at_us;
        script.run_until(now_us)?;
        script.key.world.set_us(now_us);
        let most = config.limits.iter().map(capacity).min().unwrap_or(1);
        let cost = 1 + size * (most - 1) / 100;
        let ask = |script: &Script, at_us: u64| {
            let mut script = script.clone();
            script.run_until(at_us)?;
            let mut key = script.key.at_us(at_us);
            Ok::<Decision, TestCaseError>(if tries { key.try_acquire(cost) } else { key.ask(cost, 0, 0) })
        };
        let denied = ask(&script, now_us)?;
        if denied.verdict == Verdict::Denied {
            let retry_us = now_us + denied.retry_after_ms * 1_000;
            let then = ask(&script, retry_us)?;
            prop_assert_ne!(then.verdict, Verdict::Denied, "{:?} after {:?}", then, denied);
            let before = ask(&script, now_us.max(retry_us - 2_000))?;
            prop_assert_eq!(before.verdict, Verdict::Denied, "{:?} after {:?}", before, denied);
        }
    }

    /// A caller that comes back when it is told is done at the deadline of its ticket, to the
    /// rounding.
    #[test]
    fn ends_by_its_timeout(config in queued(), start_us in 0..100_000_000_u64, callers in vec(caller(), 1..=20), size in 0..=100_u32) {
        let mut script = Script::new(&config, start_us, &callers);
        script.run()?;
        let key = &mut script.key;
        let most = config.limits.iter().map(capacity).min().unwrap_or(1);
        let cost = 1 + size * (most - 1) / 100;
        let arrived_us = key.now_us();
        let mut decision = key.ask(cost, -1, 0);
        while decision.verdict == Verdict::Wait {
            key.pass_ms(decision.wait_ms);
            decision = key.ask(cost, -1, decision.ticket);
        }
        prop_assert!(key.now_us() < arrived_us + script.timeout_us + 2_000, "{:?}", decision);
    }
}
