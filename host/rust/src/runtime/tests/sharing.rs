use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use super::{acquire, direct, guest, open, options};
use crate::runtime::{Runtime, RuntimeOptions};

#[test]
fn threads_run_at_once_while_there_are_instances() {
    let runtime = Runtime::load(&RuntimeOptions { instances: 4, ..options() }).expect("it loads");
    let policy = open(&runtime, guest::DECIDES);
    // Nobody passes before all four are inside.
    let inside = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let waits = runtime.run(&policy, &mut direct(), |_, _, _| {
                    inside.wait();
                    Ok(())
                });
                waits.expect("it runs");
            });
        }
    });
    assert_eq!(runtime.stats().instances, 4);
}

#[test]
fn no_more_threads_run_at_once_than_there_are_instances() {
    let runtime = Runtime::load(&RuntimeOptions { instances: 2, ..options() }).expect("it loads");
    let policy = open(&runtime, guest::DECIDES);
    let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let counts = runtime.run(&policy, &mut direct(), |_, _, _| {
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        Ok(())
                    });
                    counts.expect("it runs");
                    acquire(&runtime, &policy, &mut direct()).expect("it runs");
                }
            });
        }
    });
    assert!(most.into_inner() <= 2);
    assert!(runtime.stats().instantiated <= 2);
}

#[test]
fn all_users_of_the_default_options_share_one_runtime() {
    let open = || Runtime::open(&RuntimeOptions::default()).expect("the built component is of the world");
    assert!(Arc::ptr_eq(&open(), &open()));
    let other = Runtime::open(&RuntimeOptions { instances: 1, ..RuntimeOptions::default() }).expect("it loads");
    assert!(!Arc::ptr_eq(&open(), &other));
}

#[test]
fn users_of_one_component_share_its_runtime_while_any_has_it() {
    // No other test has these options.
    let options = RuntimeOptions { memory_limit_bytes: 15 << 20, ..options() };
    let open = |options: &RuntimeOptions| Runtime::open(options).expect("it loads");
    let first = open(&options);
    assert!(Arc::ptr_eq(&first, &open(&options)));
    assert!(!Arc::ptr_eq(&first, &open(&RuntimeOptions { instances: 3, ..options.clone() })));
    let gone = Arc::downgrade(&first);
    drop(first);
    assert!(gone.upgrade().is_none(), "nobody has it");
    open(&options);
}
