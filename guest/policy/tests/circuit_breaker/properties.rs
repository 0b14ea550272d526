//! Properties over random circuits and scripts.

use proptest::prelude::*;
use tidegate_policy::circuit_breaker::{Cause, CircuitBreaker, Config, Effect, Mode, Permit, State};
use tidegate_policy::fake::FakeWorld;

use crate::common::{Logged, START_US};
use crate::model::{Answer, Model};
use crate::script::{Clocks, Step, config, steps};

fn breaker(config: &Config) -> CircuitBreaker {
    CircuitBreaker::open(config).expect("the configuration is sound")
}

fn follows_the_model(config: &Config, steps: &[Step]) -> Result<(), TestCaseError> {
    let (breaker, mut model) = (breaker(config), Model::new(config));
    let (mut world, mut permits) = (FakeWorld::at_us(START_US), vec![]);
    let (mut generation, mut greatest) = (0, 0);
    for (index, step) in steps.iter().enumerate() {
        world.set_us(step.time_us(world.time_us()));
        let expected = model.step(*step, world.time_us());
        let report = step.call(&breaker, &mut world, &permits);
        prop_assert_eq!(report.map(Answer::from), expected, "step {}: {:?}", index, step);
        let Some(report) = report else { continue };
        if report.effect == Effect::Admitted {
            prop_assert_eq!(report.permit.generation, report.generation);
            permits.push(report.permit);
        }
        let changed = report.event.cause != Cause::None && report.mode != Mode::MetricsOnly;
        let ordered = report.effect == Effect::Ordered;
        if changed || ordered {
            prop_assert!(report.generation > greatest, "a generation was used again at step {}", index);
        } else {
            prop_assert!(report.generation == generation || report.generation == 0);
        }
        generation = report.generation;
        greatest = greatest.max(generation);
    }
    Ok(())
}

/// Knows of the circuit what its callers see.
struct Watcher {
    refused_until_us: u64,
    probes: Vec<(Permit, u64)>,
}

impl Watcher {
    fn watches(config: &Config, steps: &[Step]) -> Result<(), TestCaseError> {
        let breaker = breaker(config);
        let (mut world, mut permits) = (FakeWorld::at_us(START_US), vec![]);
        let mut watcher = Self { refused_until_us: 0, probes: vec![] };
        for step in steps {
            world.set_us(step.time_us(world.time_us()));
            let now_us = world.time_us();
            let returned = step.permit(&permits);
            let Some(report) = step.call(&breaker, &mut world, &permits) else { continue };
            watcher.probes.retain(|(probe, lost_us)| *lost_us > now_us && Some(*probe) != returned);
            if report.effect == Effect::Ordered {
                watcher = Self { refused_until_us: 0, probes: vec![] };
            }
            if report.effect == Effect::Admitted {
                prop_assert!(now_us >= watcher.refused_until_us, "admitted before the open time was over");
                watcher.refused_until_us = 0;
                permits.push(report.permit);
                let lost_us = report.permit.admitted_at_us + config.half_open.permit_ms * 1_000;
                watcher.probes.extend((report.permit.probe > 0).then_some((report.permit, lost_us)));
            }
            if report.event.cause != Cause::None && report.state == State::Open && report.mode == Mode::Normal {
                // It is rounded up: coming back a millisecond earlier must fail, at any time in
                // between it need not.
                watcher.refused_until_us = now_us + (report.retry_after_ms - 1) * 1_000 + 1;
            }
            watcher.probes.retain(|(probe, _)| probe.generation == report.generation);
            prop_assert!(watcher.probes.len() <= config.half_open.probes as usize, "too many probes in flight");
        }
        Ok(())
    }
}

fn is_pure(config: &Config, steps: &[Step], lie: Option<&str>) -> Result<(), TestCaseError> {
    let breaker = breaker(config);
    let (mut world, mut permits) = (FakeWorld::at_us(START_US), vec![]);
    for step in steps {
        world.set_us(step.time_us(world.time_us()));
        let run = |lies: bool| {
            let mut logged = Logged { lies, lie: lie.map(ToString::to_string), ..Logged::new(&world) };
            let report = step.call(&breaker, &mut logged, &permits);
            (report, logged)
        };
        let ((report, first), (again, second)) = (run(false), run(false));
        prop_assert_eq!(report, again);
        prop_assert_eq!(&first.log, &second.log);
        let (misled, third) = run(true);
        prop_assert_eq!(&first.log, &third.log, "what was only observed steered {:?}", step);
        prop_assert_eq!(misled.map(|report| report.permit), report.map(|report| report.permit));
        permits.extend(report.filter(|report| report.effect == Effect::Admitted).map(|report| report.permit));
        world = first.world;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4 * ProptestConfig::default().cases))]

    #[test]
    fn decides_as_the_promises_say_over_days(config in config(), steps in steps(Clocks::Leap)) {
        follows_the_model(&config, &steps)?;
    }

    #[test]
    fn decides_as_the_promises_say_when_clocks_step_back(config in config(), steps in steps(Clocks::StepBack)) {
        follows_the_model(&config, &steps)?;
    }

    #[test]
    fn never_admits_while_open_nor_more_probes_than_allowed(config in config(), steps in steps(Clocks::StepBack)) {
        Watcher::watches(&config, &steps)?;
    }
}

proptest! {
    #[test]
    fn a_call_repeated_on_the_same_world_is_the_same_and_observing_steers_nothing(
        config in config(),
        steps in steps(Clocks::Leap),
        lie in prop::option::of(r"m1 since=0 at=170000000000[0-9]{4} consecutive=[0-9]|\PC{0,20}"),
    ) {
        is_pure(&config, &steps, lie.as_deref())?;
    }
}
