//! Carrying out commands to call rate limiters.

use std::time::Duration;

use anyhow::Result;
use tidegate::{Ask, Clock as _, Decision, RateLimiter, SystemClock, Tidegate, Verdict};
use tokio::task::JoinSet;

use super::protocol::{Admitted, Answer, Command, Decide, Hammer, Hammered, Until};

/// Carries out a command.
pub(crate) async fn answer(gate: &Tidegate, command: Command) -> Result<Answer> {
    Ok(match command {
        Command::Hammer(hammer) => Answer::Hammered(hammer_all(gate, &hammer).await?),
        Command::Decide(decide) => {
            Answer::Decided((&ask_once(&gate.rate_limiter(decide.limiter.clone())?, &decide).await?).into())
        }
        Command::ComeBack(all) => come_back_all(gate, all).await?,
        Command::Peek(decide) => {
            let limiter = gate.rate_limiter(decide.limiter)?;
            Answer::Decided((&limiter.peek(Ask::of(&decide.key).cost(decide.cost)).await?).into())
        }
    })
}

async fn hammer_all(gate: &Tidegate, hammer: &Hammer) -> Result<Hammered> {
    let limiter = gate.rate_limiter(hammer.limiter.clone())?;
    let mut tasks = JoinSet::new();
    for task in 0..hammer.tasks {
        let key = hammer.keys[task % hammer.keys.len()].clone();
        let cost = hammer.costs[task % hammer.costs.len()];
        tasks.spawn(hammer_one(limiter.clone(), key, cost, hammer.waits, hammer.until));
    }
    let mut all = Hammered::default();
    for done in tasks.join_all().await {
        all.calls += done.calls;
        all.admitted.extend(done.admitted);
        all.errors.extend(done.errors);
        all.waits_us.extend(done.waits_us);
    }
    Ok(all.with_stats(&gate.stats()))
}

async fn hammer_one(limiter: RateLimiter, key: String, cost: u32, waits: bool, until: Until) -> Hammered {
    let mut done = Hammered::default();
    let (mut first_us, mut last_us, mut waited_us) = (None, 0, 0);
    while !is_over(until, done.calls, last_us - first_us.unwrap_or(last_us)) {
        done.calls += 1;
        let start_us = SystemClock.now_us();
        let ask = Ask::of(&key).cost(cost);
        let result = if waits {
            limiter.acquire(ask).await.map(|admission| admission.decision)
        } else {
            limiter.try_acquire(ask).await
        };
        let end_us = SystemClock.now_us();
        waited_us += end_us.saturating_sub(start_us);
        match result {
            Ok(Decision { at_us, verdict, .. }) => {
                last_us = at_us.max(last_us);
                first_us.get_or_insert(at_us);
                if verdict == Verdict::Allowed {
                    let (key, cost) = (key.clone(), cost.into());
                    done.admitted.push(Admitted { key, cost, at_us, start_us, end_us, ..Admitted::default() });
                }
            }
            Err(error) => {
                done.errors.push(error.to_string());
                break;
            }
        }
    }
    done.waits_us.push(waited_us);
    done
}

fn is_over(until: Until, calls: u64, passed_us: u64) -> bool {
    match until {
        Until::Calls(most) => calls >= u64::from(most),
        Until::PassedMs(ms) => passed_us >= ms * 1_000,
    }
}

async fn ask_once(limiter: &RateLimiter, decide: &Decide) -> Result<Decision, tidegate::Error> {
    tokio::time::sleep(Duration::from_millis(decide.wait_ms)).await;
    limiter.decide(Ask::of(&decide.key).cost(decide.cost).priority(decide.priority), decide.ticket).await
}

async fn come_back_all(gate: &Tidegate, all: Vec<Decide>) -> Result<Answer> {
    let mut decided = Vec::new();
    let mut tasks = Vec::new();
    for decide in all {
        let limiter = gate.rate_limiter(decide.limiter.clone())?;
        tasks.push(tokio::spawn(come_back(limiter, decide)));
    }
    for task in tasks {
        decided.push((&task.await??).into());
    }
    Ok(Answer::CameBack(decided))
}

async fn come_back(limiter: RateLimiter, mut decide: Decide) -> Result<Decision, tidegate::Error> {
    loop {
        let decision = ask_once(&limiter, &decide).await?;
        if decision.verdict != Verdict::Wait {
            return Ok(decision);
        }
        decide.wait_ms = u64::try_from(decision.wait.as_millis()).unwrap_or(u64::MAX);
    }
}
