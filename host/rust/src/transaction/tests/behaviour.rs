use super::{Answer, Call, CellId, NOW_US, Scope, Transaction, advance, issue, keys, logged, run};
use crate::store::{Op, Seen, Value};
use crate::transaction::CellValue;

const CELL: (u32, u32) = (0, 0);
const OTHER: (u32, u32) = (0, 1);

fn local(field: u32) -> CellId {
    CellId { entity: 0, field, scope: Scope::Local }
}

fn ops(tx: &Transaction) -> &[Op] {
    &tx.commit().expect("it is logged").ops
}

fn repeats(tx: &Transaction) -> Vec<(bool, u64)> {
    let advances = ops(tx).iter().map(|op| match op {
        Op::Advance { fits, repeat, .. } => (*fits, *repeat),
        other => panic!("{other:?} is no advance"),
    });
    advances.collect()
}

#[test]
fn a_cell_that_was_read_or_put_is_not_logged_as_read_again() {
    let mut tx = logged();
    run(
        &mut tx,
        &[Call::Get(CELL), Call::Get(CELL), Call::Observe(CELL), Call::Put(OTHER, Some("x"), 5), Call::Get(OTHER)],
    );
    run(&mut tx, &[Call::Get(CELL), Call::Get(OTHER)]);
    let put = Op::Put { cell: 1, value: Some(Value::from("x")), ttl_ms: 5 };
    assert_eq!(ops(&tx), [Op::Get { cell: 0, expected: None }, put]);
}

#[test]
fn a_cell_that_was_only_observed_is_logged_when_it_is_read() {
    let mut tx = logged();
    run(&mut tx, &[Call::Observe(CELL), Call::Observe(CELL), Call::Get(CELL)]);
    assert_eq!(ops(&tx), [Op::Observe { cell: 0 }, Op::Get { cell: 0, expected: None }]);
}

#[test]
fn a_cell_that_was_moved_is_logged_when_it_is_read_again() {
    let mut tx = logged();
    run(&mut tx, &[Call::Get(CELL), advance(2, 9), Call::Get(CELL)]);
    assert_eq!(ops(&tx)[2], Op::Get { cell: 0, expected: Some(Value::from("2")) });
}

#[test]
fn runs_that_advance_alike_share_one_operation_while_the_verdict_is_the_same() {
    let mut tx = logged();
    let told: Vec<_> = (0..5).map(|_| run(&mut tx, &[advance(2, 6), Call::Observe(OTHER)])[0].clone()).collect();
    let verdicts = [Ok(2), Ok(4), Ok(6), Err(6), Err(6)].map(Answer::Verdict);
    assert_eq!(told, verdicts);
    let (observed, advances): (Vec<_>, Vec<_>) = ops(&tx).iter().partition(|op| matches!(op, Op::Observe { .. }));
    assert_eq!((observed.len(), advances.len()), (1, 2));
    assert!(tx.was_told(&[Seen::Number(0), Seen::Value(None), Seen::Number(6)]));
}

#[test]
fn an_advance_with_other_arguments_is_an_operation_of_its_own() {
    let mut tx = logged();
    run(&mut tx, &[advance(2, 6), advance(1, 6), advance(1, 6), advance(1, 7)]);
    assert_eq!(repeats(&tx), [(true, 1), (true, 2), (true, 1)]);
}

#[test]
fn local_cells_are_answered_but_never_logged() {
    let mut tx = logged();
    tx.put(local(0), Some(Value::from("x")), 5);
    assert_eq!(tx.get(local(0)), Some(Value::from("x")));
    assert_eq!(tx.advance(local(1), 3, 0, 9, 5), Ok(3));
    assert!(ops(&tx).is_empty());
    assert!(tx.entity_mut(0).shared.is_empty());
}

#[test]
fn a_refused_log_leaves_nothing_and_the_true_values_are_known() {
    let mut tx = logged();
    tx.entity_mut(0).shared.set(0, Some(CellValue::Number(1)), NOW_US + 7);
    run(&mut tx, &[Call::Get(CELL), Call::Put(OTHER, Some("y"), 5)]);
    tx.put(local(0), Some(Value::from("x")), 5);
    tx.refuse(&[Some(Value::from("4")), None], NOW_US, u64::MAX);
    assert!(ops(&tx).is_empty());
    assert_eq!(tx.get(local(0)), None);
    assert_eq!(run(&mut tx, &[Call::Get(CELL), Call::Get(OTHER)]), [Some(Value::from("4")), None].map(Answer::Value));
}

#[test]
fn a_known_value_that_was_right_keeps_its_expiry_when_the_log_is_refused() {
    let mut tx = logged();
    tx.entity_mut(0).shared.set(0, Some(CellValue::Number(1)), NOW_US + 7);
    run(&mut tx, &[Call::Get(CELL), Call::Get(OTHER)]);
    tx.refuse(&[Some(Value::from("1")), Some(Value::from("z"))], NOW_US, u64::MAX);
    assert_eq!(tx.entity_mut(0).shared.get(0, NOW_US + 7), None);
    assert_eq!(tx.entity_mut(0).shared.get(1, NOW_US + 7), Some(&CellValue::Text(Value::from("z"))));
}

#[test]
fn a_restart_forgets_the_runs_and_takes_the_new_time() {
    let mut tx = logged();
    run(&mut tx, &[advance(1, 9)]);
    tx.restart(NOW_US + 1);
    assert!(ops(&tx).is_empty());
    assert_eq!((tx.now_us(), tx.commit().expect("it is logged").at_us), (NOW_US + 1, NOW_US + 1));
    assert_eq!(run(&mut tx, &[advance(1, 9)]), [Answer::Verdict(Ok(1))]);
}

#[test]
fn a_replay_answers_from_what_the_store_knew_and_applies_local_changes_once() {
    let mut tx = logged();
    run(&mut tx, &[advance(1, 9)]);
    assert_eq!(tx.advance(local(0), 1, 0, 9, 5), Ok(1));
    let seen = vec![Seen::Number(6)];
    assert!(!tx.was_told(&seen));
    tx.begin_replay(seen);
    assert_eq!(run(&mut tx, &[advance(1, 9)]), [Answer::Verdict(Ok(7))]);
    assert_eq!(tx.advance(local(0), 1, 0, 9, 5), Ok(1));
    assert!(tx.replayed_alike());
    assert_eq!(tx.entity_mut(0).shared.get(0, NOW_US), Some(&CellValue::Number(7)));
}

/// A log of two runs that the store applied on other numbers, ready to be repeated.
fn replaying() -> Transaction {
    let mut tx = logged();
    for _ in 0..2 {
        run(&mut tx, &[Call::Get(OTHER), advance(1, 9)]);
    }
    tx.begin_replay(vec![Seen::Nothing, Seen::Number(3)]);
    tx
}

#[test]
fn a_replay_that_issues_the_same_operations_is_alike() {
    let mut tx = replaying();
    let last: Vec<_> = (0..2).map(|_| run(&mut tx, &[Call::Get(OTHER), advance(1, 9)])[1].clone()).collect();
    assert_eq!(last, [Ok(4), Ok(5)].map(Answer::Verdict));
    assert!(tx.replayed_alike());
}

#[test]
fn a_replay_that_issues_other_operations_is_not_alike() {
    let alike = [Call::Get(OTHER), advance(1, 9)];
    let others: [&[Call]; 8] = [
        &[],
        &[Call::Get(OTHER)],
        &[advance(2, 9)],
        &[advance(1, 9), advance(1, 9)],
        &[advance(1, 9), Call::Put(OTHER, None, 5)],
        &[Call::Retreat(CELL, 1, 0)],
        &[Call::Raise(CELL, 1, 5)],
        &[Call::Get((1, 0)), advance(1, 9)],
    ];
    for other in others {
        let mut tx = replaying();
        run(&mut tx, &alike);
        run(&mut tx, other);
        assert!(!tx.replayed_alike(), "{other:?}");
    }
}

#[test]
fn a_replayed_run_can_be_rolled_back_and_repeated() {
    let mut tx = replaying();
    run(&mut tx, &[Call::Get(OTHER), advance(1, 9)]);
    run(&mut tx, &[Call::Get(OTHER), advance(1, 9)]);
    tx.rollback_run();
    assert!(!tx.replayed_alike());
    assert_eq!(run(&mut tx, &[Call::Get(OTHER), advance(1, 9)])[1], Answer::Verdict(Ok(5)));
    assert!(tx.replayed_alike());
}

#[test]
fn pins_that_do_not_fit_the_log_are_not_alike() {
    for seen in [vec![], vec![Seen::Nothing], vec![Seen::Nothing, Seen::Nothing]] {
        let mut tx = logged();
        run(&mut tx, &[Call::Get(OTHER), advance(1, 9)]);
        tx.begin_replay(seen);
        run(&mut tx, &[Call::Get(OTHER), advance(1, 9)]);
        assert!(!tx.replayed_alike());
    }
}

#[test]
fn an_entity_that_the_call_is_not_about_reads_as_absent_and_is_found_out() {
    let mut tx = Transaction::default();
    tx.begin_direct(NOW_US, 1);
    let calls = [Call::Get((1, 0)), Call::Put((1, 0), Some("x"), 5), Call::Get((1, 0)), Call::Retreat((1, 0), 1, 4)];
    let none = Answer::Value(None);
    assert_eq!(run(&mut tx, &calls), [none.clone(), Answer::Done, none, Answer::Number(4)]);
    assert!(tx.strayed());
    run(&mut tx, &[Call::Get(CELL)]);
    assert!(!tx.strayed());
}

#[test]
fn no_number_passes_what_a_store_can_hold() {
    let mut tx = Transaction::default();
    tx.begin_direct(NOW_US, 1);
    tx.put(CellId { entity: 0, field: 0, scope: Scope::Shared }, Some(Value::from("9007199254740990")), 5);
    assert_eq!(run(&mut tx, &[advance(2, u64::MAX)]), [Answer::Verdict(Ok(9_007_199_254_740_992))]);
    assert_eq!(run(&mut tx, &[advance(1, u64::MAX)]), [Answer::Verdict(Err(9_007_199_254_740_992))]);
    assert_eq!(run(&mut tx, &[advance(u64::MAX, u64::MAX)]), [Answer::Verdict(Err(9_007_199_254_740_992))]);
}

#[test]
fn a_transaction_used_again_holds_nothing_of_its_last_use() {
    let mut tx = logged();
    run(&mut tx, &[advance(1, 9), Call::Put(OTHER, Some("x"), 5)]);
    issue(&mut tx, Scope::Local, &Call::Put(CELL, Some("x"), 5));
    tx.begin_logged(NOW_US, keys());
    assert!(ops(&tx).is_empty());
    assert_eq!(run(&mut tx, &[Call::Get(CELL), Call::Get(OTHER)]), [None, None].map(Answer::Value));
    tx.begin_direct(NOW_US, 1);
    assert!(tx.commit().is_none());
    assert_eq!(run(&mut tx, &[Call::Get(CELL)]), [Answer::Value(None)]);
}
