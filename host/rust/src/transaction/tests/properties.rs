//! A transaction against the model of a store, with random operations.

use proptest::prelude::*;

use super::model::Model;
use super::{Answer, At, Call, NOW_US, Scope, Transaction, issue, keys, run};
use crate::store::{Outcome, Value as Text};
use crate::transaction::CellValue;

const ENTITIES: u32 = 2;
const FIELDS: u32 = 3;

fn places() -> impl Iterator<Item = At> {
    (0..ENTITIES).flat_map(|entity| (0..FIELDS).map(move |field| (entity, field)))
}

fn at() -> impl Strategy<Value = At> {
    // Mostly one cell, so that operations meet.
    prop_oneof![3 => Just((0, 0)), 1 => (0..ENTITIES, 0..FIELDS)]
}

fn text() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["0", "3", "5", "8", "12", "007", "", "closed", "9007199254740993"])
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        2 => at().prop_map(Call::Get),
        1 => at().prop_map(Call::Observe),
        1 => (at(), prop::option::of(text()), 0..4_u64).prop_map(|(at, value, ttl_ms)| Call::Put(at, value, ttl_ms)),
        4 => (at(), 0..3_u64, prop::sample::select(vec![0, 4]), 3..12_u64, 0..4_u64)
            .prop_map(|(at, step, floor, ceiling, ttl_ms)| Call::Advance { at, step, floor, ceiling, ttl_ms }),
        1 => (at(), 0..4_u64, 0..6_u64).prop_map(|(at, step, floor)| Call::Retreat(at, step, floor)),
        1 => (at(), 0..8_u64, 0..4_u64).prop_map(|(at, to, ttl_ms)| Call::Raise(at, to, ttl_ms)),
    ]
}

/// Runs of a few operations, some of them twice in a row as callers of one batch issue them.
fn runs() -> impl Strategy<Value = Vec<Vec<Call>>> {
    prop::collection::vec((prop::collection::vec(call(), 1..5), 1..4_usize), 1..5)
        .prop_map(|runs| runs.into_iter().flat_map(|(calls, times)| vec![calls; times]).collect())
}

fn model() -> impl Strategy<Value = Model> {
    let expiry = prop::sample::select(vec![NOW_US - 1, NOW_US, NOW_US + 1, NOW_US + 2_500, NOW_US + 10_000]);
    let cell = (text().prop_map(str::to_owned), expiry);
    prop::collection::btree_map((0..ENTITIES, 0..FIELDS), cell, 0..5).prop_map(Model)
}

fn load(tx: &mut Transaction, model: &Model) {
    for ((entity, field), (text, expires_us)) in &model.0 {
        let value = CellValue::from(Text::from(text.as_str()));
        tx.entity_mut(*entity as usize).shared.set(*field, Some(value), *expires_us);
    }
}

fn cell(tx: &mut Transaction, (entity, field): At, now_us: u64) -> Option<Text> {
    tx.entity_mut(entity as usize).shared.get(field, now_us).map(CellValue::text)
}

fn answers(model: &mut Model, runs: &[Vec<Call>]) -> Vec<Vec<Answer>> {
    runs.iter().map(|calls| calls.iter().map(|call| model.issue(call)).collect()).collect()
}

/// Commits the runs as a ledger does, and returns what they were told in the end.
fn settle(tx: &mut Transaction, store: &mut Model, runs: &[Vec<Call>]) -> Result<Vec<Vec<Answer>>, TestCaseError> {
    for _ in 0..2 {
        let told: Vec<_> = runs.iter().map(|calls| run(tx, calls)).collect();
        match store.apply(tx.commit().expect("it is logged")) {
            Outcome::Applied(seen) if tx.was_told(&seen) => return Ok(told),
            Outcome::Applied(seen) => {
                tx.begin_replay(seen);
                let told = runs.iter().map(|calls| run(tx, calls)).collect();
                prop_assert!(tx.replayed_alike());
                return Ok(told);
            }
            Outcome::Refused(truth) => drop(tx.refuse(&truth, tx.now_us(), u64::MAX)),
            Outcome::Untimely => unreachable!("the model has no clock"),
        }
    }
    Err(TestCaseError::fail("refused though it ran on the true values"))
}

/// Whether a host knows the cell's value for sure after these runs. A number that only stood in the
/// way, or lay at its floor, is known by a bound alone.
fn is_exact(at: At, runs: &[Vec<Call>], told: &[Vec<Answer>]) -> bool {
    let calls = runs.iter().flatten().zip(told.iter().flatten());
    calls.into_iter().any(|(call, answer)| match call {
        Call::Get(place) | Call::Observe(place) | Call::Put(place, ..) => *place == at,
        Call::Advance { at: place, step, .. } => *place == at && *step > 0 && matches!(answer, Answer::Verdict(Ok(_))),
        Call::Retreat(..) | Call::Raise(..) => false,
    })
}

proptest! {
    #[test]
    fn a_direct_transaction_answers_and_changes_as_a_store_does(mut store in model(), runs in runs()) {
        let mut tx = Transaction::default();
        tx.begin_direct(NOW_US, ENTITIES as usize);
        load(&mut tx, &store);
        let told: Vec<_> = runs.iter().map(|calls| run(&mut tx, calls)).collect();
        prop_assert_eq!(told, answers(&mut store, &runs));
        for at in places() {
            for now_us in [NOW_US, NOW_US + 1_000, NOW_US + 2_500, NOW_US + 3_000, NOW_US + 10_000] {
                prop_assert_eq!(cell(&mut tx, at, now_us), store.live_at(at, now_us), "{:?} at {}", at, now_us);
            }
        }
    }

    #[test]
    fn runs_on_stale_cells_end_as_if_they_had_had_the_store_to_themselves(
        known in model(), mut store in model(), runs in runs(),
    ) {
        let mut alone = store.clone();
        let expected = answers(&mut alone, &runs);
        let mut tx = Transaction::default();
        tx.begin_logged(NOW_US, keys());
        load(&mut tx, &known);
        let told = settle(&mut tx, &mut store, &runs)?;
        prop_assert_eq!(&told, &expected);
        prop_assert_eq!(&store, &alone);
        for at in places().filter(|at| is_exact(*at, &runs, &expected)) {
            prop_assert_eq!(cell(&mut tx, at, NOW_US), store.live(at), "{:?}", at);
        }
    }

    #[test]
    fn a_run_that_is_rolled_back_leaves_no_trace(
        known in model(), before in runs(), undone in prop::collection::vec(call(), 1..8), after in runs(),
    ) {
        let state = |undone: &[Call]| {
            let mut tx = Transaction::default();
            tx.begin_logged(NOW_US, keys());
            load(&mut tx, &known);
            for calls in &before {
                run(&mut tx, calls);
            }
            if !undone.is_empty() {
                run(&mut tx, undone);
                for call in undone {
                    issue(&mut tx, Scope::Local, call);
                }
                tx.rollback_run();
            }
            let told: Vec<_> = after.iter().map(|calls| run(&mut tx, calls)).collect();
            let commit = tx.commit().expect("it is logged").clone();
            let cells = [tx.entity_mut(0).clone(), tx.entity_mut(1).clone()];
            (told, commit.cells, commit.ops, cells)
        };
        prop_assert_eq!(state(&undone), state(&[]));
    }
}
