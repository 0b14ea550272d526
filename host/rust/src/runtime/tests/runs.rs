use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::{NOW_US, acquire, direct, guest, moved, open, options, runtime};
use crate::key::EntityKey;
use crate::runtime::wit::rate_limiter::Verdict;
use crate::runtime::{RunError, Runtime, RuntimeOptions, RuntimeStats};
use crate::store::Op;
use crate::strategies::rate_limiter::Limiters;
use crate::transaction::{CellValue, Transaction};

#[test]
fn the_guest_sees_the_time_and_the_cells_of_the_transaction() {
    let runtime = runtime();
    let policy = open(&runtime, guest::DECIDES);
    let mut tx = direct();
    for number in 1..=10 {
        let decision = acquire(&runtime, &policy, &mut tx).expect("it runs");
        assert_eq!((decision.verdict, decision.at_us), (Verdict::Allowed, NOW_US));
        assert_eq!(decision.ticket, NOW_US + number * 100_000);
    }
    let decision = acquire(&runtime, &policy, &mut tx).expect("it runs");
    assert_eq!((decision.verdict, decision.ticket), (Verdict::Denied, NOW_US + 1_000_000));
    assert_eq!(moved(&mut tx), Some(CellValue::Number(NOW_US + 1_000_000)));
}

#[test]
fn text_and_local_numbers_go_back_and_forth() {
    let runtime = runtime();
    let policy = open(&runtime, guest::WRITES_TEXT);
    let mut tx = direct();
    tx.entity_mut(0).shared.set(2, Some(CellValue::Number(7)), NOW_US + 1);
    let decision = acquire(&runtime, &policy, &mut tx).expect("it runs");
    assert_eq!(decision.position, 10, "the length of the text that was put and read");
    assert_eq!(decision.waiting, 1, "the observed cell is there");
    assert_eq!(decision.ticket, 3, "5 forward and 2 back");
    assert_eq!(tx.entity_mut(0).shared.get(1, NOW_US), Some(&CellValue::Text(Arc::from("state of 1"))));
    assert_eq!(tx.entity_mut(0).local.get(3, NOW_US), Some(&CellValue::Number(3)));
}

#[test]
fn a_run_that_traps_twice_is_undone_and_reported() {
    let runtime = runtime();
    let policy = open(&runtime, guest::WRITES_AND_TRAPS);
    let mut tx = direct();
    tx.entity_mut(0).shared.set(0, Some(CellValue::Number(5)), NOW_US + 1);
    let before = tx.entity_mut(0).clone();
    let error = acquire(&runtime, &policy, &mut tx).expect_err("it traps");
    assert!(matches!(&error, RunError::Trapped(trap) if trap.contains("unreachable")), "{error}");
    assert_eq!(*tx.entity_mut(0), before);
    let expected = RuntimeStats { instances: 0, instantiated: 2, traps: 2, timeouts: 0, retries: 1, failures: 1 };
    assert_eq!(runtime.stats(), expected);
}

#[test]
fn a_run_that_traps_once_is_repeated_on_a_fresh_instance_as_if_nothing_had_been() {
    let runtime = runtime();
    let policy = open(&runtime, guest::WRITES_AND_TRAPS_AT_ITS_SECOND_CALL);
    let mut tx = direct();
    acquire(&runtime, &policy, &mut tx).expect("it runs");
    acquire(&runtime, &policy, &mut tx).expect("it runs in the second instance");
    assert_eq!(moved(&mut tx), Some(CellValue::Number(NOW_US + 200_000)));
    let expected = RuntimeStats { instances: 1, instantiated: 2, traps: 1, timeouts: 0, retries: 1, failures: 0 };
    assert_eq!(runtime.stats(), expected);
}

#[test]
fn a_run_that_traps_leaves_the_log_of_earlier_runs_alone() {
    let runtime = runtime();
    let decides = open(&runtime, guest::DECIDES);
    let traps = open(&runtime, guest::WRITES_AND_TRAPS);
    let mut tx = Transaction::default();
    tx.begin_logged(NOW_US, [Arc::new(EntityKey::new("rl", "test", "one"))]);
    acquire(&runtime, &decides, &mut tx).expect("it runs");
    acquire(&runtime, &traps, &mut tx).expect_err("it traps");
    acquire(&runtime, &decides, &mut tx).expect("it runs");
    let commit = tx.commit().expect("it is logged");
    assert_eq!(commit.cells, [(0, 0)]);
    assert!(matches!(commit.ops[..], [Op::Advance { repeat: 2, fits: true, .. }]), "{:?}", commit.ops);
}

#[test]
fn a_runaway_guest_is_stopped() {
    let runtime = runtime();
    let policy = open(&runtime, guest::LOOPS);
    let mut tx = direct();
    let error = acquire(&runtime, &policy, &mut tx).expect_err("it never ends");
    assert!(matches!(error, RunError::TimedOut { timeout_ms: 100 }), "{error}");
    assert!(tx.entity_mut(0).shared.is_empty());
    assert_eq!((runtime.stats().timeouts, runtime.stats().failures), (2, 1));
}

#[test]
fn a_guest_whose_processor_was_taken_away_goes_on() {
    let runtime = runtime();
    let policy = open(&runtime, guest::DECIDES);
    let decision = runtime.run(&policy, &mut direct(), |guest, store, limiter| {
        // For many ticks nothing ran but the ticker.
        (0..1_000).for_each(|_| store.engine().increment_epoch());
        guest.limiter_try_acquire(store, limiter, 0, 1)
    });
    assert!(decision.expect("it is not stopped").is_ok());
    assert_eq!(runtime.stats().timeouts, 0);
}

#[test]
fn a_guest_that_grows_beyond_its_memory_traps() {
    let runtime = runtime();
    let policy = open(&runtime, guest::GROWS);
    let error = acquire(&runtime, &policy, &mut direct()).expect_err("it grows for ever");
    assert!(matches!(&error, RunError::Trapped(trap) if trap.contains("growing memory to 16842752")), "{error}");
}

#[test]
fn a_guest_that_needs_more_memory_than_it_may_have_is_never_run() {
    let runtime = Runtime::load(&RuntimeOptions { memory_limit_bytes: 65_535, ..options() }).expect("it loads");
    let error = runtime.open_policy::<Limiters>(super::config(guest::DECIDES)).expect_err("it needs a page");
    assert!(error.to_string().contains("memory"), "{error}");
}

#[test]
fn a_run_that_strays_from_its_entities_is_undone_and_reported() {
    let runtime = runtime();
    let policy = open(&runtime, guest::STRAYS);
    let mut tx = direct();
    let error = acquire(&runtime, &policy, &mut tx).expect_err("it strays");
    assert!(matches!(&error, RunError::Trapped(trap) if trap.contains("entity")), "{error}");
    assert!(tx.entity_mut(0).shared.is_empty());
}

#[test]
fn a_panic_of_the_caller_breaks_nothing() {
    let runtime = runtime();
    let policy = open(&runtime, guest::DECIDES);
    let panics = AssertUnwindSafe(|| {
        runtime.run(&policy, &mut direct(), |_, _, _| -> wasmtime::Result<()> { panic!("on purpose") })
    });
    assert!(catch_unwind(panics).is_err());
    let mut tx = direct();
    acquire(&runtime, &policy, &mut tx).expect("it runs");
    assert_eq!(moved(&mut tx), Some(CellValue::Number(NOW_US + 100_000)));
}

#[test]
fn a_run_whose_answer_is_not_of_the_contract_is_undone() {
    for behaviour in [guest::ANSWERS_NO_VERDICT, guest::ANSWERS_BEYOND_ITS_MEMORY] {
        let runtime = runtime();
        let policy = open(&runtime, behaviour);
        let mut tx = direct();
        let error = acquire(&runtime, &policy, &mut tx).expect_err("it is none");
        assert!(matches!(error, RunError::Trapped(_)), "{error}");
        assert!(tx.entity_mut(0).shared.is_empty());
        assert_eq!(runtime.stats().failures, 1);
    }
}
