//! Operations one by one, batches, refusals, time.

use tidegate::store::{MAX_LAG_US, MAX_NUMBER, Op, Outcome, Seen};

use super::{Bench, Subject, advance, advance_times, get, put, raise, retreat};

pub(super) async fn run(subject: &dyn Subject) {
    get_is_validated(subject).await;
    put_replaces_and_deletes(subject).await;
    observe_tells_the_value_and_refuses_nothing(subject).await;
    advance_starts_at_the_floor_or_the_number(subject).await;
    advance_never_passes_the_ceiling(subject).await;
    advance_by_nothing_changes_nothing(subject).await;
    advance_refuses_another_verdict(subject).await;
    repeated_advances_fit_together_or_not_at_all(subject).await;
    repeated_denials_are_one(subject).await;
    retreat_stops_at_the_floor(subject).await;
    raise_moves_up_and_refuses_nothing(subject).await;
    numbers_are_exact_up_to_the_greatest(subject).await;
    text_is_no_number(subject).await;
    operations_of_a_batch_see_each_other(subject).await;
    a_refusal_tells_stored_values_and_changes_nothing(subject).await;
    cells_and_entities_are_apart(subject).await;
    text_of_all_kinds_comes_back(subject).await;
    a_commit_ahead_of_the_clock_is_untimely(subject).await;
    a_commit_too_far_behind_is_untimely(subject).await;
    a_commit_a_little_behind_is_applied(subject).await;
    values_expire(subject).await;
    an_advance_renews_the_expiry_and_a_retreat_does_not(subject).await;
    a_raise_that_moves_renews_the_expiry(subject).await;
    an_empty_commit_is_applied(subject).await;
}

fn numbers(seen: &[Seen]) -> Vec<u64> {
    let number = |seen: &Seen| match seen {
        Seen::Number(number) => *number,
        other => panic!("no number: {other:?}"),
    };
    seen.iter().map(number).collect()
}

async fn get_is_validated(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    assert_eq!(bench.apply(vec![get(0, None)]).await, [Seen::Nothing]);
    assert_eq!(bench.refusal(vec![get(0, Some("a"))]).await, [None, None, None, None]);
    bench.apply(vec![put(0, Some("a"))]).await;
    assert_eq!(bench.apply(vec![get(0, Some("a"))]).await, [Seen::Nothing]);
    for wrong in [None, Some("b"), Some("")] {
        assert_eq!(bench.refusal(vec![get(0, wrong)]).await[0].as_deref(), Some("a"), "{wrong:?}");
    }
}

async fn put_replaces_and_deletes(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    assert_eq!(bench.apply(vec![put(0, Some("a"))]).await, [Seen::Nothing]);
    bench.apply(vec![put(0, Some("b"))]).await;
    assert_eq!(bench.value(0).await.as_deref(), Some("b"));
    bench.apply(vec![put(0, Some(""))]).await;
    assert_eq!(bench.value(0).await.as_deref(), Some(""));
    bench.apply(vec![put(0, None)]).await;
    assert_eq!(bench.value(0).await, None);
    bench.apply(vec![put(0, None)]).await;
}

async fn observe_tells_the_value_and_refuses_nothing(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    let seen = bench.apply(vec![Op::Observe { cell: 0 }, put(0, Some("a")), Op::Observe { cell: 0 }]).await;
    assert_eq!(seen, [Seen::Value(None), Seen::Nothing, Seen::Value(Some("a".into()))]);
}

async fn advance_starts_at_the_floor_or_the_number(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    assert_eq!(numbers(&bench.apply(vec![advance(0, 5, 100, 200, true)]).await), [100]);
    assert_eq!(numbers(&bench.apply(vec![advance(0, 5, 0, 200, true)]).await), [105]);
    assert_eq!(numbers(&bench.apply(vec![advance(0, 5, 150, 200, true)]).await), [150]);
    assert_eq!(bench.value(0).await.as_deref(), Some("155"));
}

async fn advance_never_passes_the_ceiling(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    assert_eq!(numbers(&bench.apply(vec![advance(0, 10, 0, 10, true)]).await), [0]);
    assert_eq!(numbers(&bench.apply(vec![advance(0, 1, 0, 10, false)]).await), [10]);
    assert_eq!(numbers(&bench.apply(vec![advance(1, 1, 11, 10, false)]).await), [11]);
    assert_eq!(bench.value(0).await.as_deref(), Some("10"));
    assert_eq!(bench.value(1).await, None);
}

async fn advance_by_nothing_changes_nothing(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    assert_eq!(numbers(&bench.apply(vec![advance(0, 0, 7, 10, true)]).await), [7]);
    assert_eq!(numbers(&bench.apply(vec![advance(0, 0, 11, 10, false)]).await), [11]);
    assert_eq!(numbers(&bench.apply(vec![advance_times(9, 0, 0, 7, 7, true)]).await), [7]);
    assert_eq!(bench.value(0).await, None);
    bench.apply(vec![put(0, Some("10"))]).await;
    assert_eq!(numbers(&bench.apply(vec![advance(0, 0, 0, 10, true)]).await), [10]);
    assert_eq!(numbers(&bench.apply(vec![advance(0, 0, 0, 9, false)]).await), [10]);
}

async fn advance_refuses_another_verdict(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    bench.refusal(vec![advance(0, 5, 0, 10, false)]).await;
    assert_eq!(bench.value(0).await, None);
    bench.apply(vec![put(0, Some("6"))]).await;
    assert_eq!(bench.refusal(vec![advance(0, 5, 0, 10, true)]).await[0].as_deref(), Some("6"));
    assert_eq!(bench.value(0).await.as_deref(), Some("6"));
}

async fn repeated_advances_fit_together_or_not_at_all(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    bench.refusal(vec![advance_times(4, 0, 3, 0, 11, true)]).await;
    assert_eq!(bench.value(0).await, None);
    assert_eq!(numbers(&bench.apply(vec![advance_times(3, 0, 3, 2, 11, true)]).await), [2]);
    assert_eq!(bench.value(0).await.as_deref(), Some("11"));
    bench.refusal(vec![advance_times(u64::MAX, 1, 1, 0, u64::MAX, true)]).await;
    bench.refusal(vec![advance_times(2, 1, MAX_NUMBER, 0, u64::MAX, true)]).await;
}

async fn repeated_denials_are_one(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    bench.apply(vec![put(0, Some("9"))]).await;
    // One more would fit, so that none fits is not so.
    bench.refusal(vec![advance_times(5, 0, 1, 0, 10, false)]).await;
    assert_eq!(numbers(&bench.apply(vec![advance_times(5, 0, 2, 0, 10, false)]).await), [9]);
    assert_eq!(bench.value(0).await.as_deref(), Some("9"));
}

async fn retreat_stops_at_the_floor(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    assert_eq!(numbers(&bench.apply(vec![retreat(0, 5, 3)]).await), [3]);
    assert_eq!(bench.value(0).await, None);
    bench.apply(vec![put(0, Some("10"))]).await;
    assert_eq!(numbers(&bench.apply(vec![retreat(0, 4, 3)]).await), [6]);
    assert_eq!(numbers(&bench.apply(vec![retreat(0, 4, 3)]).await), [3]);
    assert_eq!(numbers(&bench.apply(vec![retreat(0, 4, 8)]).await), [3]);
    assert_eq!(numbers(&bench.apply(vec![retreat(0, 0, 0)]).await), [3]);
    assert_eq!(numbers(&bench.apply(vec![retreat(0, u64::MAX, 0)]).await), [0]);
    assert_eq!(bench.value(0).await.as_deref(), Some("0"));
}

async fn raise_moves_up_and_refuses_nothing(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    assert_eq!(numbers(&bench.apply(vec![raise(0, 0)]).await), [0]);
    assert_eq!(bench.value(0).await, None);
    for (to, number) in [(7, 7), (5, 7), (7, 7), (8, 8), (0, 8)] {
        assert_eq!(numbers(&bench.apply(vec![raise(0, to)]).await), [number]);
        assert_eq!(bench.value(0).await, Some(number.to_string()));
    }
    let last_us = 1_795_000_000_000_001;
    assert_eq!(numbers(&bench.apply(vec![raise(0, last_us), raise(0, last_us - 1)]).await), [last_us, last_us]);
    assert_eq!(numbers(&bench.apply(vec![raise(0, u64::MAX)]).await), [MAX_NUMBER]);
    assert_eq!(bench.value(0).await, Some(MAX_NUMBER.to_string()));
    bench.apply(vec![put(1, Some("x"))]).await;
    let reply = bench.commit(vec![raise(1, 3)]).await;
    assert_eq!((reply.outcome, reply.foreign), (Outcome::Applied(vec![Seen::Number(3)]), 1));
    assert_eq!(bench.value(1).await.as_deref(), Some("3"));
    let among =
        vec![raise(2, 5), get(2, Some("5")), advance(2, 2, 0, 9, true), raise(2, 6), retreat(2, 3, 0), raise(2, 5)];
    let seen = bench.apply(among).await;
    assert_eq!(numbers(&[&seen[..1], &seen[2..]].concat()), [5, 5, 7, 4, 5]);
    assert_eq!(bench.value(2).await.as_deref(), Some("5"));
}

async fn numbers_are_exact_up_to_the_greatest(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    for number in [999_999_999_999_999, 1_000_000_000_000_000, 1_000_000_000_000_001, MAX_NUMBER - 1] {
        bench.apply(vec![put(0, None), advance(0, number, 0, MAX_NUMBER, true)]).await;
        assert_eq!(bench.value(0).await, Some(number.to_string()));
        assert_eq!(numbers(&bench.apply(vec![retreat(0, 1, 0)]).await), [number - 1]);
    }
    bench.apply(vec![put(0, Some(&MAX_NUMBER.to_string()))]).await;
    assert_eq!(numbers(&bench.apply(vec![advance(0, 1, 0, u64::MAX, false)]).await), [MAX_NUMBER]);
    assert_eq!(numbers(&bench.apply(vec![advance(0, 1, u64::MAX, u64::MAX, false)]).await), [MAX_NUMBER]);
    assert_eq!(numbers(&bench.apply(vec![advance(1, MAX_NUMBER - 1, 1, MAX_NUMBER, true)]).await), [1]);
    assert_eq!(bench.value(1).await, Some(MAX_NUMBER.to_string()));
    assert_eq!(numbers(&bench.apply(vec![advance(2, MAX_NUMBER, 1, MAX_NUMBER, false)]).await), [1]);
}

async fn text_is_no_number(subject: &dyn Subject) {
    let beyond = (MAX_NUMBER + 1).to_string();
    for text in ["", "x", "07", "00", "-0", "-1", "+1", " 1", "1 ", "1.0", "1e3", "0x10", "inf", "nan", "1\0", &beyond]
    {
        let bench = Bench::new(subject.store());
        bench.apply(vec![put(0, Some(text)), put(1, Some(text))]).await;
        let reply = bench.commit(vec![retreat(1, 1, 4), advance(0, 2, 3, 9, true)]).await;
        assert_eq!(reply.outcome, Outcome::Applied(vec![Seen::Number(4), Seen::Number(3)]), "{text:?}");
        assert_eq!(reply.foreign, 2, "{text:?}");
        assert_eq!(bench.value(0).await.as_deref(), Some("5"), "{text:?}");
        assert_eq!(bench.value(1).await.as_deref(), Some(text), "{text:?}");
    }
}

async fn operations_of_a_batch_see_each_other(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    let ops = vec![
        put(0, Some("7")),
        get(0, Some("7")),
        advance(0, 3, 0, 20, true),
        get(0, Some("10")),
        Op::Observe { cell: 0 },
        retreat(0, 1, 0),
        advance(0, 20, 0, 20, false),
        put(0, None),
        get(0, None),
        retreat(0, 1, 2),
        advance(0, 1, 5, 6, true),
    ];
    let seen = bench.apply(ops).await;
    assert_eq!(seen[4], Seen::Value(Some("10".into())));
    let seen: Vec<_> = [2, 5, 6, 9, 10].into_iter().map(|index| seen[index].clone()).collect();
    assert_eq!(numbers(&seen), [7, 9, 9, 2, 5]);
    assert_eq!(bench.value(0).await.as_deref(), Some("6"));
}

async fn a_refusal_tells_stored_values_and_changes_nothing(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    bench.apply(vec![put(0, Some("a")), put(1, Some("5")), put(2, Some("c"))]).await;
    let ops = vec![
        put(0, Some("changed")),
        advance(1, 1, 0, 10, true),
        put(2, None),
        put(3, Some("new")),
        get(3, Some("never")),
    ];
    let stored = [Some("a"), Some("5"), Some("c"), None].map(|value| value.map(ToOwned::to_owned));
    assert_eq!(bench.refusal(ops).await, stored);
    for (cell, value) in stored.into_iter().enumerate() {
        assert_eq!(bench.value(cell).await, value);
    }
}

async fn cells_and_entities_are_apart(subject: &dyn Subject) {
    let (one, other) = (Bench::new(subject.store()), Bench::new(subject.store()));
    one.apply(vec![put(0, Some("a"))]).await;
    assert_eq!(one.value(1).await, None);
    assert_eq!(other.value(0).await, None);
}

async fn text_of_all_kinds_comes_back(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    let long = "é".repeat(524_288);
    let short = "x".repeat(256);
    for text in ["\0", "\r\n", "🌊 ¿qué? \u{7ff}\u{800}\u{ffff}\u{10ffff}", "{\"a\":1}", &short, &long] {
        bench.apply(vec![put(0, Some(text))]).await;
        assert_eq!(bench.value(0).await.as_deref(), Some(text));
        bench.apply(vec![get(0, Some(text))]).await;
        bench.refusal(vec![get(0, None)]).await;
    }
}

async fn a_commit_ahead_of_the_clock_is_untimely(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    let now_us = subject.store().time_us().await.expect("the store tells its time");
    let reply = bench.commit_at(now_us + 60_000_000, vec![put(0, Some("a"))]).await;
    assert_eq!(reply.outcome, Outcome::Untimely);
    assert!((now_us..now_us + 60_000_000).contains(&reply.clock_us));
    assert_eq!(bench.value(0).await, None);
}

async fn a_commit_too_far_behind_is_untimely(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    let now_us = subject.store().time_us().await.expect("the store tells its time");
    let reply = bench.commit_at(now_us - MAX_LAG_US - 1, vec![put(0, Some("a"))]).await;
    assert_eq!(reply.outcome, Outcome::Untimely);
    assert_eq!(bench.value(0).await, None);
}

async fn a_commit_a_little_behind_is_applied(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    let now_us = subject.store().time_us().await.expect("the store tells its time");
    let reply = bench.commit_at(now_us - MAX_LAG_US / 2, vec![put(0, Some("a"))]).await;
    assert_eq!(reply.outcome, Outcome::Applied(vec![Seen::Nothing]));
    assert!(reply.clock_us >= now_us);
}

async fn values_expire(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    let put = |cell, ttl_ms| Op::Put { cell, value: Some("1".into()), ttl_ms };
    bench.apply(vec![put(0, 0), put(1, 150), put(2, u64::MAX), advance(3, 1, 0, 1, true)]).await;
    subject.pass_ms(2).await;
    assert_eq!(bench.value(0).await, None);
    subject.pass_ms(150).await;
    assert_eq!(bench.value(1).await, None);
    assert_eq!(numbers(&bench.apply(vec![advance(1, 1, 0, 1, true)]).await), [0]);
    assert_eq!(bench.value(2).await.as_deref(), Some("1"));
    assert_eq!(bench.value(3).await.as_deref(), Some("1"));
}

async fn an_advance_renews_the_expiry_and_a_retreat_does_not(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    let advance = |cell, ttl_ms| Op::Advance { cell, step: 1, floor: 5, ceiling: 9, ttl_ms, fits: true, repeat: 1 };
    bench.apply(vec![advance(0, 300), advance(1, 300), advance(2, 300)]).await;
    // Within one batch the last word on the expiry stands, and a retreat has none.
    bench.apply(vec![retreat(0, 1, 0), advance(1, 60_000), advance(2, 60_000), retreat(2, 1, 0)]).await;
    subject.pass_ms(301).await;
    assert_eq!(bench.value(0).await, None);
    assert_eq!(bench.value(1).await.as_deref(), Some("7"));
    assert_eq!(bench.value(2).await.as_deref(), Some("6"));
}

async fn a_raise_that_moves_renews_the_expiry(subject: &dyn Subject) {
    let bench = Bench::new(subject.store());
    let raise = |cell, to, ttl_ms| Op::Raise { cell, to, ttl_ms };
    bench.apply(vec![raise(0, 5, 300), raise(1, 5, 300)]).await;
    bench.apply(vec![raise(0, 5, 60_000), raise(1, 6, 60_000)]).await;
    subject.pass_ms(301).await;
    assert_eq!((bench.value(0).await, bench.value(1).await.as_deref()), (None, Some("6")));
}

async fn an_empty_commit_is_applied(subject: &dyn Subject) {
    assert_eq!(Bench::new(subject.store()).apply(Vec::new()).await, []);
}
