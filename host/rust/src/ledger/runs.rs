//! The runs of a batch, one after the other on one transaction.
//!
//! Calls in a row that ask one policy for permits go through the component together: crossing into
//! it costs more than deciding. They are decided just as one by one. If such a run traps, nothing
//! of it is left, and each is run alone.

use std::sync::atomic::Ordering;

use super::Ledger;
use super::batch::Answers;
use super::lanes::Call;
use crate::call::{Answer, Request};
use crate::error::Error;
use crate::runtime::Policy;
use crate::runtime::wit::rate_limiter::Ask;
use crate::transaction::Transaction;

/// How many calls go through the component together at most, so that no run takes long.
const TOGETHER: usize = 64;

impl Ledger {
    /// Runs the calls of a batch.
    pub(super) fn run(&self, transaction: &mut Transaction, batch: &[Call]) -> Answers {
        let calls: Vec<&Call> = batch.iter().collect();
        self.run_all(transaction, &calls)
    }

    /// Repeats the runs of an applied commit on what the store knew. What a policy does may not
    /// depend on that; if it did all the same, the answers that the commit was made of are the ones
    /// to give.
    pub(super) fn rerun(&self, transaction: &mut Transaction, batch: &[Call], before: Answers) -> Answers {
        // A run that trapped has no part in the log, so it is not repeated either.
        let had_part = batch.iter().zip(&before).filter(|(_, answer)| answer.is_ok());
        let calls: Vec<&Call> = had_part.map(|(call, _)| call).collect();
        let mut again = self.run_all(transaction, &calls).into_iter();
        if transaction.replayed_alike() {
            let anew = |answer: Result<Answer, Error>| answer.and_then(|answer| again.next().unwrap_or(Ok(answer)));
            return before.into_iter().map(anew).collect();
        }
        self.counters.diverged.fetch_add(1, Ordering::Relaxed);
        tracing::error!(
            "a policy did something else on the store's numbers than on the known ones: a defect in the policy"
        );
        before
    }

    fn run_all(&self, transaction: &mut Transaction, calls: &[&Call]) -> Answers {
        let mut answers = Vec::with_capacity(calls.len());
        let groups = calls.chunk_by(|one, next| joins(one, next)).flat_map(|group| group.chunks(TOGETHER));
        for group in groups {
            match self.run_together(transaction, group) {
                Some(together) => answers.extend(together.into_iter().map(Ok)),
                None => answers.extend(group.iter().map(|call| self.run_one(transaction, call))),
            }
        }
        answers
    }

    /// Runs calls that ask one policy for permits in one call of the component; `None`: they are
    /// run one by one.
    fn run_together(&self, transaction: &mut Transaction, group: &[&Call]) -> Option<Vec<Answer>> {
        let (policy, _) = asks(group.first()?)?;
        if group.len() == 1 {
            return None;
        }
        let costs = group.iter().filter_map(|call| asks(call));
        let asks: Vec<Ask> = costs.map(|(_, cost)| Ask { entity: 0, cost }).collect();
        Request::try_acquire_many(&asks, &self.runtime, policy, transaction).ok()
    }

    fn run_one(&self, transaction: &mut Transaction, call: &Call) -> Result<Answer, Error> {
        match &call.work {
            Some((policy, request)) => Ok(request.run(&self.runtime, policy, transaction)?),
            None => Ok(Answer::Done),
        }
    }
}

/// The policy and the cost of a call that asks for permits now.
fn asks(call: &Call) -> Option<(&Policy, u32)> {
    match &call.work {
        Some((policy, Request::TryAcquire { cost })) => Some((policy, *cost)),
        _ => None,
    }
}

fn joins(one: &Call, next: &Call) -> bool {
    match (asks(one), asks(next)) {
        (Some((one, _)), Some((next, _))) => one.is(next),
        _ => false,
    }
}
