use super::{acquire, config, direct, guest, open, runtime};
use crate::runtime::{OpenError, Policy, RunError, Runtime};
use crate::strategies::rate_limiter::Limiters;

/// How many resources of policies the guest has open.
fn open_resources(runtime: &Runtime, counts: &Policy<Limiters>) -> u32 {
    acquire(runtime, counts, &mut direct()).expect("it runs").position
}

#[test]
fn a_refused_configuration_is_told_with_its_problems() {
    let runtime = runtime();
    let error = runtime.open_policy::<Limiters>(config(guest::IS_REFUSED)).expect_err("the guest refuses it");
    let OpenError::Problems(problems) = &error else { panic!("{error}") };
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!((&*problem.path, &*problem.value, &*problem.allowed), ("limits[0].limit", "1000", "1 to 999"));
    assert_eq!(error.to_string(), "limits[0].limit is 1000, must be 1 to 999");
    assert_eq!(runtime.stats().traps, 0);
}

#[test]
fn a_guest_that_traps_while_it_checks_is_no_problem_of_the_configuration() {
    let runtime = runtime();
    let error = runtime.open_policy::<Limiters>(config(guest::TRAPS_WHEN_OPENED)).expect_err("the guest traps");
    assert!(matches!(error, OpenError::Run(RunError::Trapped(_))), "{error}");
    let retried = runtime.stats();
    assert_eq!((retried.retries, retried.failures), (1, 1));
}

#[test]
fn an_instance_closes_the_policies_that_are_gone() {
    let runtime = runtime();
    let counts = open(&runtime, guest::COUNTS_RESOURCES);
    let others: Vec<_> = (0..3).map(|_| open(&runtime, guest::DECIDES)).collect();
    let clone = others[0].clone();
    assert_eq!(open_resources(&runtime, &counts), 4);
    drop(others);
    assert_eq!(open_resources(&runtime, &counts), 2);
    drop(clone);
    assert_eq!(open_resources(&runtime, &counts), 1);
}

#[test]
fn an_instance_opens_a_bounded_number_of_policies_and_runs_more() {
    let runtime = runtime();
    let counts = open(&runtime, guest::COUNTS_RESOURCES);
    let policies: Vec<_> = (0..2_500).map(|_| open(&runtime, guest::DECIDES)).collect();
    for policy in &policies {
        acquire(&runtime, policy, &mut direct()).expect("it runs, if need be opened again");
    }
    assert_eq!(open_resources(&runtime, &counts), 1_024);
}

#[test]
fn a_policy_runs_in_instances_that_did_not_check_it() {
    let one = runtime();
    let other = runtime();
    let policy = open(&one, guest::DECIDES);
    let _same_place = open(&other, guest::LOOPS);
    acquire(&other, &policy, &mut direct()).expect("it is opened there");
}
