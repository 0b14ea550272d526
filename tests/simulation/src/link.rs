//! A host's way to the store: the `Store` that its ledger is given.

use std::sync::Arc;
use std::time::Duration;

use tidegate::store::{BoxFuture, Commit, Op, Outcome, Reply, Seen, Store, StoreError};

use crate::flaw::Flaw;
use crate::world::World;

/// How long a call waits for an operation, in microseconds. A fifth of the Redis store's, so that
/// slow messages run into it.
pub const LIMIT_US: u64 = 50_000;
/// How long an answer that comes later is listened for, in microseconds: the store applies nothing
/// that is older.
const MAX_LATE_US: u64 = 1_000_000;

/// The field of a circuit's counts.
const METRICS: u32 = 2;

/// One life of a host.
#[derive(Debug, Clone)]
pub struct Link {
    world: Arc<World>,
    host: usize,
    life: u64,
}

impl Link {
    /// The link of a host that starts.
    pub fn start(world: &Arc<World>, host: usize) -> Self {
        Self { world: Arc::clone(world), host, life: world.start_life(host) }
    }

    async fn ask(&self, commit: &Commit) -> Result<Reply, StoreError> {
        let answer = self.world.send(self.host, self.life, commit);
        let heard = async {
            let heard = answer.await;
            self.world.attend(self.host).await;
            heard
        };
        let limit_us = match self.world.flaw {
            Some(Flaw::WaitsForEver) => u64::MAX,
            // It asks twice within the limit.
            Some(Flaw::RepeatsBlindly) => LIMIT_US / 2,
            Some(Flaw::GivesUpEarly) => LIMIT_US / 4,
            Some(Flaw::TrustsTimers) => LIMIT_US,
            _ => LIMIT_US + MAX_LATE_US,
        };
        tokio::select! {
            biased;
            Ok(heard) = heard => heard,
            () = self.world.timeline.sleep(limit_us) => Err(StoreError::TimedOut { timeout_ms: LIMIT_US / 1_000 }),
        }
    }

    /// Asks as a ledger with a flaw would.
    async fn ask_badly(&self, commit: &Commit) -> Result<Reply, StoreError> {
        match self.world.flaw {
            Some(Flaw::AnswersFromMemory) if commit.changes() => {
                let clock = self.ask(&Commit::default()).await?;
                Ok(as_told(commit, clock.clock_us))
            }
            Some(Flaw::SkipsRerun) => {
                let mut reply = self.ask(commit).await?;
                if let Outcome::Applied(_) = reply.outcome {
                    reply.outcome = as_told(commit, 0).outcome;
                }
                Ok(reply)
            }
            Some(Flaw::HopesForTheBest) => {
                let heard = self.ask(commit).await;
                Ok(heard.unwrap_or_else(|_| as_told(commit, commit.at_us)))
            }
            Some(Flaw::RepeatsBlindly) => match self.ask(commit).await {
                Err(_) => self.ask(commit).await,
                heard => heard,
            },
            Some(Flaw::RepeatsLate) => {
                let reply = self.ask(commit).await;
                if reply.as_ref().is_ok_and(|reply| reply.outcome == Outcome::Untimely) {
                    let (link, commit) = (self.clone(), commit.clone());
                    tokio::spawn(async move {
                        link.world.timeline.sleep(LIMIT_US / 2).await;
                        link.ask(&commit).await
                    });
                }
                reply
            }
            Some(Flaw::DropsRefunds) if commit.ops.iter().any(|op| matches!(op, Op::Retreat { .. })) => {
                let mut kept = commit.clone();
                for op in &mut kept.ops {
                    if let Op::Retreat { step, .. } = op {
                        *step = 0;
                    }
                }
                self.ask(&kept).await
            }
            Some(Flaw::DropsSuccesses) if !commit.changes() => self.ask_without_counts(commit).await,
            _ => self.ask(commit).await,
        }
    }

    /// Asks without what only a success has read: the counts of a circuit.
    async fn ask_without_counts(&self, commit: &Commit) -> Result<Reply, StoreError> {
        let is_circuit = commit.entities.iter().all(|entity| entity.tag().starts_with("cb:"));
        let is_count = |op: &Op| matches!(op, Op::Get { cell, .. } if commit.cells[*cell].1 == METRICS);
        let mut kept = commit.clone();
        kept.ops.retain(|op| !is_circuit || !is_count(op));
        let mut reply = self.ask(&kept).await?;
        if let Outcome::Applied(seen) = &mut reply.outcome {
            let places = commit.ops.iter().enumerate().filter(|(_, op)| is_circuit && is_count(op));
            places.for_each(|(place, _)| seen.insert(place, Seen::Nothing));
        }
        Ok(reply)
    }
}

/// Applied, on just the numbers that make it so.
fn as_told(commit: &Commit, clock_us: u64) -> Reply {
    let seen = |op: &Op| match op {
        Op::Get { .. } | Op::Put { .. } => Seen::Nothing,
        Op::Observe { .. } => Seen::Value(None),
        Op::Advance { floor, ceiling, fits, .. } => Seen::Number(if *fits { *floor } else { *floor.max(ceiling) }),
        Op::Retreat { floor, .. } => Seen::Number(*floor),
        Op::Raise { to, .. } => Seen::Number(*to),
    };
    Reply { outcome: Outcome::Applied(commit.ops.iter().map(seen).collect()), clock_us, foreign: 0 }
}

impl Store for Link {
    /// A store that waits for ever knows of no limit, so that nothing but its own flaw keeps
    /// callers waiting.
    fn timeout(&self) -> Option<Duration> {
        (self.world.flaw != Some(Flaw::WaitsForEver)).then_some(Duration::from_micros(LIMIT_US))
    }

    fn refused_attempts(&self) -> u32 {
        if self.world.flaw == Some(Flaw::CountsCalls) { 3 } else { 0 }
    }

    fn commit<'a>(&'a self, commit: &'a Commit) -> BoxFuture<'a, Result<Reply, StoreError>> {
        Box::pin(self.ask_badly(commit))
    }
}
